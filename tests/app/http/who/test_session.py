"""The pages' session, at a front that asks for keys: what its cookie opens, for whom, and how it ends."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import AsyncIterator
from http.cookies import Morsel, SimpleCookie
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.settings import Settings
from tests.app.served import Served, served, until

ALICE, BOB, BACKEND = ({"x-api-key": f"{name}-key"} for name in ("alice", "bob", "backend"))
SECRET = "a secret of the issuer, of 32 bytes and more"
HTTPS = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7"}


def line(owner: str, *words: str) -> str:
    return " ".join((owner, hashlib.sha256(f"{owner}-key".encode()).hexdigest(), *words)) + "\n"


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    file = tmp_path / "keys"
    file.write_text(line("alice") + line("bob") + line("backend", "delegate"))
    return file


@pytest.fixture
async def front(redis: Redis, keys_file: Path) -> AsyncIterator[Served]:
    settings = Settings(
        api_keys_file=str(keys_file),
        jwt_secret=SECRET,
        cors_origins=("https://app.example",),
        trusted_proxies=(ip_network("127.0.0.1/32"),),
    )
    async with served(redis, settings) as front:
        yield front


@pytest.fixture
async def http(front: Served) -> AsyncIterator[httpx.AsyncClient]:
    # Without cookies of its own: a test says which are sent.
    async with httpx.AsyncClient(base_url=front.url) as http:
        yield http


async def opened(http: httpx.AsyncClient, **headers: str) -> Morsel[str]:
    answer = await http.post("/session", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    http.cookies.clear()
    [cookie] = SimpleCookie(answer.headers["set-cookie"]).values()
    return cookie


def cookie(session: Morsel[str], **headers: str) -> dict[str, str]:
    return {"cookie": f"{session.key}={session.value}", **headers}


async def begin(http: httpx.AsyncClient, headers: dict[str, str], **more: Any) -> httpx.Response:
    return await http.post("/v1/streams", json={"prompt": "hi"}, headers=headers, **more)


async def listed(http: httpx.AsyncClient, headers: dict[str, str]) -> int:
    return (await http.get("/v1/conversations", headers=headers)).status_code


async def test_its_owner_is_that_of_the_key(front: Served, http: httpx.AsyncClient) -> None:
    session = await opened(http, **ALICE)
    stream = (await begin(http, cookie(session, origin=front.url))).json()["id"]
    for headers, status in ((cookie(session), 200), (ALICE, 200), (BOB, 404)):
        assert (await http.get(f"/v1/streams/{stream}", headers=headers)).status_code == status


async def test_whose_it_is_is_told_by_a_digest(http: httpx.AsyncClient) -> None:
    told = [(await http.post("/session", headers=who)).headers["x-keepstream-owner"] for who in (ALICE, ALICE, BOB)]
    assert told[0] == told[1] != told[2]
    assert not {"alice", "bob"} & set(told)


async def test_a_token_opens_one_that_ends_with_it(http: httpx.AsyncClient) -> None:
    token = jwt.encode({"sub": "carol", "exp": time.time() + 600}, SECRET)
    for carried in ({"x-api-key": token}, {"authorization": f"Bearer {token}"}):
        session = await opened(http, **carried)
        assert 590 <= int(session["max-age"]) <= 600
        assert await listed(http, cookie(session)) == 200


async def test_what_the_cookie_says_to_a_browser(http: httpx.AsyncClient) -> None:
    session = await opened(http, **ALICE)
    assert (session.key, session["secure"]) == ("keepstream", "")
    secure = await opened(http, **ALICE, **HTTPS)
    assert (secure.key, secure["secure"]) == ("__Host-keepstream", True)
    for one in (session, secure):
        assert (one["httponly"], one["samesite"], one["path"], one["domain"]) == (True, "Strict", "/", "")
        assert int(one["max-age"]) == 30 * 86_400


async def test_over_https_only_the_cookie_counts_that_nobody_else_can_have_set(http: httpx.AsyncClient) -> None:
    session = await opened(http, **ALICE)
    assert await listed(http, cookie(session, **HTTPS)) == 401
    secure = await opened(http, **ALICE, **HTTPS)
    assert await listed(http, cookie(secure, **HTTPS)) == 200


async def test_nobody_opens_one_without_a_key(http: httpx.AsyncClient) -> None:
    session = await opened(http, **ALICE)
    for headers in ({}, {"x-api-key": "none"}, cookie(session)):
        answer = await http.post("/session", headers=headers)
        assert (answer.status_code, answer.headers.get("set-cookie")) == (401, None)
    assert (await http.get("/session")).status_code == 405


OTHERS: tuple[dict[str, str], ...] = (
    {},
    {"origin": "https://app.example"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "null"},
    {"origin": "https://evil.example"},
    {"sec-fetch-site": "same-origin"},
)


async def test_by_a_cookie_alone_only_our_own_pages_change_anything(front: Served, http: httpx.AsyncClient) -> None:
    session = await opened(http, **ALICE)
    made = (await http.post("/v1/conversations", json={}, headers=ALICE)).json()["id"]
    changes = [
        ("POST", "/v1/streams", {"prompt": "hi"}),
        ("POST", "/v1/conversations", {}),
        ("PATCH", f"/v1/conversations/{made}", {"title": "x"}),
        ("DELETE", f"/v1/conversations/{made}", None),
        ("POST", "/v1/messages/count_tokens", {}),
        ("DELETE", "/session", None),
    ]
    for (method, path, body), other in itertools.product(changes, OTHERS):
        answer = await http.request(method, path, json=body, headers=cookie(session, **other))
        assert (answer.status_code, answer.json()["error"]["type"]) == (403, "permission_error"), (path, other)
    for other in OTHERS:
        assert (await http.get(f"/v1/conversations/{made}", headers=cookie(session, **other))).status_code == 200
    assert (await begin(http, cookie(session, origin=front.url))).status_code == 202


async def test_over_https_a_page_that_came_without_is_not_our_own(front: Served, http: httpx.AsyncClient) -> None:
    """Whoever is on the way can have written it, and has our name."""
    session = await opened(http, **ALICE, **HTTPS)
    assert (await begin(http, cookie(session, origin=front.url, **HTTPS))).status_code == 403
    ours = front.url.replace("http:", "https:")
    assert (await begin(http, cookie(session, origin=ours, **HTTPS))).status_code == 202


async def test_a_key_goes_before_it(http: httpx.AsyncClient) -> None:
    session = await opened(http, **ALICE)
    stream = (await begin(http, cookie(session, **BOB))).json()["id"]
    assert (await http.get(f"/v1/streams/{stream}", headers=BOB)).status_code == 200
    assert await listed(http, cookie(session, **{"x-api-key": "none"})) == 401
    assert await listed(http, cookie(session, authorization="Basic cHJveHk6aXRz")) == 200  # a proxy's own


async def test_it_is_forgotten_by_the_server_and_by_the_browser(front: Served, http: httpx.AsyncClient) -> None:
    session, other = await opened(http, **ALICE), await opened(http, **ALICE)
    ended = await http.delete("/session", headers=cookie(session, origin=front.url))
    assert ended.status_code == 204
    assert "keepstream=" in ended.headers["set-cookie"]
    assert "Max-Age=0" in ended.headers["set-cookie"]
    assert await listed(http, cookie(session)) == 401
    assert await listed(http, cookie(other)) == 200
    for headers in ({}, cookie(session, origin=front.url)):
        assert (await http.delete("/session", headers=headers)).status_code == 204


async def test_who_signs_in_anew_has_one_session(http: httpx.AsyncClient) -> None:
    before = await opened(http, **ALICE)
    now = await opened(http, **BOB, **cookie(before))
    assert (await listed(http, cookie(before)), await listed(http, cookie(now))) == (401, 200)


async def test_it_ends_with_its_key(http: httpx.AsyncClient, keys_file: Path) -> None:
    session, other = await opened(http, **ALICE), await opened(http, **BOB)
    keys_file.write_text(line("bob"))  # noqa: ASYNC240  # a line

    async def refused() -> bool:
        return await listed(http, cookie(session)) == 401

    await until(refused)
    assert await listed(http, cookie(other)) == 200


async def test_of_a_delegate_it_is_its_user_s_or_acts_for_any(front: Served, http: httpx.AsyncClient) -> None:
    own, acting = await opened(http, **BACKEND, **{"x-keepstream-user": "u1"}), await opened(http, **BACKEND)
    stream = (await begin(http, cookie(own, origin=front.url))).json()["id"]
    path = f"/v1/streams/{stream}"
    assert (await http.get(path, headers=cookie(acting))).status_code == 404
    assert (await http.get(path, headers=cookie(acting, **{"x-keepstream-user": "u1"}))).status_code == 200
    assert (await http.get(path, headers=cookie(own, **{"x-keepstream-user": "u1"}))).status_code == 200
    assert (await http.get(path, headers=cookie(own, **{"x-keepstream-user": "u2"}))).status_code == 403
    assert (await http.post("/session", headers={**ALICE, "x-keepstream-user": "u1"})).status_code == 403


async def test_while_redis_is_away_its_reader_is_to_come_back(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await opened(http, **ALICE)

    async def away(*_: object) -> None:
        raise RedisConnectionError

    monkeypatch.setattr("app.access.passes.sessions.Sessions.find", away)
    assert await listed(http, cookie(session)) == 503
    answer = await http.get(f"/v1/streams/st_{'0' * 32}/events", headers=cookie(session))
    assert (answer.status_code, answer.content[:7]) == (200, b"retry: ")


async def test_where_nobody_is_asked_a_cookie_says_nothing(redis: Redis) -> None:
    async with served(redis) as front, httpx.AsyncClient(base_url=front.url) as http:
        session = await opened(http)
        assert (await begin(http, cookie(session))).status_code == 202
        assert (await begin(http, {"cookie": f"keepstream={'A' * 43}"})).status_code == 202
