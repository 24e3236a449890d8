"""Who is an operator: somebody at this machine, or who shows the right for it; and no page of a stranger's."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.access.identity.entrance import Entrance
from app.access.passes.sessions import Sessions
from app.environment import network_of
from app.http import who as session
from app.http.errors import HANDLED, on_error
from app.http.operators import check_operator
from app.http.who import Who
from app.settings import Settings
from tests.harness.identity.tokens import SECRET, token

HERE = "http://127.0.0.1:8000"
ADMIN, ALICE, BACKEND = ({"x-api-key": f"{name}-key"} for name in ("admin", "alice", "backend"))
FOREIGN = {"origin": "https://app.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def line(owner: str, *words: str) -> str:
    return " ".join((owner, hashlib.sha256(f"{owner}-key".encode()).hexdigest(), *words)) + "\n"


async def _seen(request: Request) -> Response:
    await check_operator(request, request.app.state.front.who)
    return Response("seen")


class _Front:
    def __init__(self, who: Who) -> None:
        self.who = who


class _Asked:
    """Requests as they come from a peer's address; None: from no address at all, as over a Unix socket."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        who = Who(Entrance.of(settings), Sessions(redis), settings.hosts, settings.trusted_proxies)
        routes = [Route("/ops", _seen, methods=["GET", "POST"]), *session.ROUTES]
        self._app = Starlette(routes=routes, exception_handlers=dict.fromkeys(HANDLED, on_error))
        self._app.state.front = _Front(who)

    async def send(self, peer: str | None, method: str = "GET", path: str = "/ops", **more: Any) -> httpx.Response:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await self._app(scope | {"client": None if peer is None else (peer, 4711)}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE) as http:
            return await http.request(method, path, **more)

    async def status(self, peer: str | None, method: str = "GET", /, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await self.send(peer, method, headers=named)).status_code


@pytest.fixture
def asked(redis: Redis, tmp_path: Path) -> _Asked:
    file = tmp_path / "keys"
    file.write_text(line("admin", "admin", "delegate") + line("alice") + line("backend", "delegate"))
    return _Asked(
        redis,
        Settings(
            api_keys_file=str(file),
            jwt_secret=SECRET,
            cors_origins=("https://app.example",),
            hosts=("relay.example",),
            trusted_proxies=(network_of("127.0.0.9"),),
        ),
    )


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.4.5.6", "::1", "::ffff:127.0.0.1"])
async def test_who_sits_at_this_machine_needs_no_key(asked: _Asked, peer: str) -> None:
    assert await asked.status(peer) == 200
    assert await asked.status(peer, **ALICE) == 200
    assert await asked.status(peer, x_api_key="unknown") == 200


@pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "0.0.0.0", "localhost", "", None])  # noqa: S104
async def test_from_elsewhere_it_takes_the_right(asked: _Asked, peer: str | None) -> None:
    nobody = await asked.send(peer)
    assert (nobody.status_code, nobody.json()["error"]["type"]) == (401, "authentication_error")
    assert "www-authenticate" in nobody.headers
    assert (await asked.send(peer, headers={"x-api-key": "unknown"})).status_code == 401
    lacking = await asked.send(peer, headers=ALICE)
    assert (lacking.status_code, lacking.json()["error"]["type"]) == (403, "permission_error")
    assert (await asked.send(peer, headers=ADMIN)).status_code == 200
    assert (await asked.send(peer, "POST", headers=ADMIN)).status_code == 200


async def test_a_token_and_a_session_have_their_rights_too(asked: _Asked) -> None:
    for rights, status in (({"admin": True}, 200), ({"delegate": True}, 403), ({}, 403)):
        bearer = {"authorization": f"Bearer {token(ks=rights)}"}
        assert (await asked.send("192.0.2.1", headers=bearer)).status_code == status
    for key, status in ((ADMIN, 200), (BACKEND, 403)):
        opened = await asked.send("192.0.2.1", "POST", "/session", headers=key)
        cookie = {"cookie": opened.headers["set-cookie"].partition(";")[0]}
        assert (await asked.send("192.0.2.1", headers=cookie)).status_code == status
        # By what a browser adds to it nothing is changed but from a page of ours.
        assert (await asked.send("192.0.2.1", "POST", headers=cookie)).status_code == 403
        own = cookie | {"origin": HERE}
        assert (await asked.send("192.0.2.1", "POST", headers=own)).status_code == status


async def test_an_admin_who_acts_for_a_user_is_none(asked: _Asked) -> None:
    assert (await asked.send("192.0.2.1", headers=ADMIN | {"x-keepstream-user": "u"})).status_code == 403


@pytest.mark.parametrize(
    "header",
    [
        {"x-forwarded-for": "127.0.0.1"},
        {"x-forwarded-for": ""},
        {"forwarded": "for=127.0.0.1"},
        {"x-real-ip": "127.0.0.1"},
        {"x-forwarded-proto": "https"},
        {"via": "1.1 caddy"},
    ],
)
async def test_a_proxy_at_this_machine_does_not_bring_strangers_in(asked: _Asked, header: dict[str, str]) -> None:
    assert (await asked.send("127.0.0.1", headers=header)).status_code == 401
    assert (await asked.send("192.0.2.1", headers=header)).status_code == 401


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"x-forwarded-for": "127.0.0.1"}, 200),
        ({"x-forwarded-for": "::ffff:127.0.0.1"}, 200),
        ({"x-forwarded-for": "192.0.2.1"}, 401),
        ({"x-forwarded-for": "127.0.0.1, 192.0.2.1"}, 401),
        ({"x-forwarded-for": "garbage"}, 401),
        ({"x-real-ip": "127.0.0.1"}, 401),
    ],
)
async def test_a_trusted_proxy_says_who_asks(asked: _Asked, told: dict[str, str], status: int) -> None:
    assert (await asked.send("127.0.0.9", headers=told)).status_code == status


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:8000", "[::1]:8000", "relay.example"])
async def test_we_are_called_by_names_of_this_machine(asked: _Asked, host: str) -> None:
    assert await asked.status("127.0.0.1", host=host) == 200
    assert await asked.status("127.0.0.1", "POST", host=host, origin=f"http://{host}") == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "0.0.0.0:8000", "[::"])
async def test_a_name_that_was_pointed_here_makes_no_operator(asked: _Asked, host: str) -> None:
    rebound = {"host": host, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}
    assert (await asked.send("127.0.0.1", headers=rebound)).status_code == 401
    posted = rebound | {"origin": f"http://{host}", "x-forwarded-host": "localhost"}
    assert (await asked.send("127.0.0.1", "POST", headers=posted)).status_code == 401
    assert (await asked.send("127.0.0.1", headers=rebound | ADMIN)).status_code == 200


async def test_a_stranger_s_page_reads_nothing_over_a_browser_of_this_machine(asked: _Asked) -> None:
    for page in (
        FOREIGN,  # also one whose origin may use the rest
        {"origin": "null"},
        {"origin": "http://localhost:3000", "sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        LINK | {"sec-fetch-dest": "iframe"},
    ):
        assert (await asked.send("127.0.0.1", headers=page)).status_code == 401, page
    assert (await asked.send("127.0.0.1", headers=FOREIGN | ADMIN)).status_code == 200


async def test_our_own_page_and_a_link_to_it_are_let_in(asked: _Asked) -> None:
    for page in (
        LINK,
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
        {"origin": HERE},
    ):
        assert (await asked.send("127.0.0.1", headers=page)).status_code == 200, page


async def test_who_has_no_key_changes_nothing_but_from_our_page(asked: _Asked) -> None:
    for strange in ({}, FOREIGN, {"origin": "null"}, {"origin": "http://localhost:3000"}, LINK):
        assert (await asked.send("127.0.0.1", "POST", headers=strange)).status_code == 401, strange
    assert (await asked.send("127.0.0.1", "POST", headers={"origin": HERE})).status_code == 200
    form = {"origin": HERE, "content-type": "text/plain"}
    assert (await asked.send("127.0.0.1", "POST", headers=form, content=b"{}")).status_code == 415


async def test_where_nobody_is_asked_it_is_this_machine_alone(redis: Redis) -> None:
    asked = _Asked(redis, Settings())
    assert await asked.status("127.0.0.1") == 200
    assert await asked.status("192.0.2.1") == 401
    assert await asked.status("192.0.2.1", x_api_key="any") == 403
