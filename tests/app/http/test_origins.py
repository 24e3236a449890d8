"""Whose page is asking, and by which name."""

from __future__ import annotations

import httpx
import pytest
from redis.asyncio import Redis
from starlette.datastructures import Headers

from app.environment import is_loopback
from app.http.origins import foreign_host, foreign_page
from app.settings import Settings
from tests.app.served import served

OURS, APP, EVIL = "http://127.0.0.1:8000", "https://app.example.com", "https://evil.example"
HOST = ("host", "127.0.0.1:8000")


def asked(*fields: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.encode(), value.encode("latin-1")) for name, value in fields])


@pytest.mark.parametrize(
    ("fields", "foreign"),
    [
        ((), False),  # no browser
        ((("sec-fetch-site", "none"),), False),
        ((("sec-fetch-site", "cross-site"),), True),
        ((("sec-fetch-site", "same-site"),), True),
        ((("origin", OURS),), False),
        ((("origin", "http://127.0.0.1:8001"),), True),
        ((("origin", "http://localhost:8000"),), True),
        ((("origin", "null"),), True),
        ((("origin", ""),), True),
        ((("origin", "file://"),), True),
        ((("origin", EVIL),), True),
        ((("origin", EVIL), ("sec-fetch-site", "cross-site")), True),
        ((("origin", EVIL), ("sec-fetch-site", "same-origin")), False),  # a proxy calls us by another name
        ((("origin", EVIL), ("x-forwarded-host", "evil.example")), False),  # likewise
        ((("origin", OURS), ("origin", EVIL)), True),
        ((("origin", APP),), False),
        ((("origin", APP), ("sec-fetch-site", "cross-site")), False),
        ((("origin", APP + "/"),), True),
        ((("origin", "https://relay.example"),), False),  # of KEEPSTREAM_HOSTS
        ((("origin", "http://[::1"),), True),
        ((("origin", "http://127.0.0.1:99999999"),), True),
        ((("origin", "\xff"),), True),
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "PUT", "OPTIONS", "GET", "HEAD"])
def test_a_foreign_page_may_only_look(method: str, fields: tuple[tuple[str, str], ...], *, foreign: bool) -> None:
    found = foreign_page(method, asked(HOST, *fields), {APP}, {"relay.example"})
    assert found is (foreign and method not in ("GET", "HEAD"))


@pytest.mark.parametrize(
    "name",
    ["localhost", "LOCALHOST", "localhost.", "x.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1"],
)
def test_names_of_this_machine(name: str) -> None:
    assert is_loopback(name)


@pytest.mark.parametrize(
    "name",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "1", "nothost"],
)
def test_other_names(name: str) -> None:
    assert not is_loopback(name)


@pytest.mark.parametrize(
    ("hosts", "foreign"),
    [
        ([], False),
        (["localhost:8000"], False),
        (["[::1]:8000"], False),
        (["relay.example:80"], False),
        (["evil.example"], True),
        (["localhost", "evil.example"], True),
        (["evil.example:8000"], True),
        (["localhost@evil.example"], True),
        (["["], True),
        (["\xff"], True),
    ],
)
def test_who_we_are_called(hosts: list[str], *, foreign: bool) -> None:
    assert foreign_host(asked(*(("host", host) for host in hosts)), ("relay.example",)) is foreign


async def test_the_wall(redis: Redis) -> None:
    async with served(redis, Settings(cors_origins=(APP,))) as front, httpx.AsyncClient(base_url=front.url) as http:
        body = {"prompt": "hello"}
        for origin, status in ((EVIL, 403), ("null", 403), (APP, 202), (front.url, 202)):
            answer = await http.post("/v1/streams", json=body, headers={"origin": origin})
            assert answer.status_code == status
            assert ("access-control-allow-origin" in answer.headers) is (origin == APP)
            if status == 403:
                assert answer.json()["error"]["type"] == "permission_error"
        for kind in (None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "text/x+json"):
            headers = {} if kind is None else {"content-type": kind}
            for path in (
                "/v1/streams",
                "/v1/messages",
                "/api/chat",
                "/v1/conversations",
                f"{answer.headers['location']}/cancel",
            ):
                assert (await http.post(path, content=b'{"prompt":"x"}', headers=headers)).status_code == 415, path
        assert (await http.post("/v1/streams")).status_code == 400
        assert (await http.post("/v1/streams/st_0/cancel")).status_code == 404
        for path, status in (("/v1/streams", 403), ("/", 403), ("/healthz", 200), ("/readyz", 200)):
            assert (await http.get(path, headers={"host": "evil.example"})).status_code == status


async def test_every_answer_says_how_it_is_to_be_kept_and_read(redis: Redis) -> None:
    async with served(redis) as front, httpx.AsyncClient(base_url=front.url) as http:
        for path in ("/healthz", "/v1/streams/st_0", "/nothing", "/v1/conversations"):
            headers = (await http.get(path)).headers
            assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store"), path
        assert (await http.get("/")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("prefix", ["", "/relay", "/relay/relay"])
async def test_under_a_path(redis: Redis, prefix: str) -> None:
    async with served(redis, Settings(root_path="/relay")) as front, httpx.AsyncClient(base_url=front.url) as http:
        made = await http.post(f"{prefix}/v1/streams", json={"prompt": "hello"})
        assert made.status_code == 202
        told = made.json()
        assert made.headers["location"] == f"/relay/v1/streams/{told['id']}"
        assert told["events_url"] == f"/relay/v1/streams/{told['id']}/events"
        assert told["cancel_url"] == f"/relay/v1/streams/{told['id']}/cancel"
        assert (await http.get(f"{prefix}/v1/streams/{told['id']}")).status_code == 200
        for path in (
            "/",
            "/docs",
            "/docs/api",
            "/chat.js",
            "/keepstream.js",
            "/chat/messages.js",
            "/docs.js",
            "/api.js",
        ):
            text = (await http.get(prefix + path)).text
            for wrong in ('from"/chat', 'from "/chat', 'src="/chat', 'href="/chat', 'fetch("/openapi', 'base=""'):
                assert wrong not in text, path
        assert 'href="/relay/chat.css"' in (await http.get(f"{prefix}/")).text
        assert 'href="/relay/docs/words"' in (await http.get(f"{prefix}/docs")).text
        assert (await http.get(f"{prefix}/openapi.json")).json()["servers"] == [{"url": "/relay"}]
        assert (await http.get("/relayed/healthz")).status_code == 404


@pytest.mark.parametrize("root", ["/api", "/v1", "/api/chat", "/docs"])
async def test_a_path_that_is_called_as_one_of_ours_begins_hides_none(redis: Redis, root: str) -> None:
    async with served(redis, Settings(root_path=root)) as front, httpx.AsyncClient(base_url=front.url) as http:
        for prefix in (root, ""):  # a proxy that leaves it, and one that takes it away
            assert (await http.get(f"{prefix}/healthz")).status_code == 200
            assert (await http.get(f"{prefix}/api/chat/x/stream")).status_code == 204
            assert (await http.post(f"{prefix}/api/chat", json={"id": "x", "messages": []})).status_code == 400
            made = await http.post(f"{prefix}/v1/streams", json={"prompt": "hello"})
            assert made.headers["location"] == f"{root}/v1/streams/{made.json()['id']}"
            assert (await http.get(f"{prefix}/v1/streams/{made.json()['id']}")).status_code == 200
