"""Bodies in flight, ids by the query, what an upstream's refusal of our key is, and what a client calls its request."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from app.http.envelope import TRANSPORT_SECURITY
from app.http.static import CONTENT_SECURITY_POLICY
from app.settings import Settings
from app.stream import keys
from app.stream.endings import Outcome
from app.watch.events.of_fronts import RequestServed
from tests.app.served import served, until
from tests.harness.heard import heard
from tests.patience import PATIENCE

JSON = b"content-type: application/json\r\n"
POST = b"POST /v1/streams HTTP/1.1\r\nhost: localhost\r\n" + JSON


async def test_bodies_in_flight_are_bounded_together(redis: Redis) -> None:
    async with served(redis, Settings(bodies_bytes=100_000)) as front, httpx.AsyncClient(base_url=front.url) as http:
        port = int(front.url.rsplit(":", 1)[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST + b"content-length: 80001\r\n\r\n" + b" " * 80_000)

        async def full() -> bool:
            answer = await http.post("/v1/streams", json={"prompt": "x" * 30_000})
            if answer.status_code == 503:
                assert answer.headers["retry-after"] == "1"
                assert answer.json()["error"]["type"] == "api_error"
            return answer.status_code == 503

        await until(full)
        assert (await http.post("/v1/streams", json={"prompt": "small"})).status_code == 202
        writer.write(b"x")
        async with asyncio.timeout(PATIENCE):
            assert b" 400 " in await reader.readline()
        writer.close()
        assert (await http.post("/v1/streams", json={"prompt": "x" * 30_000})).status_code == 202


async def test_a_body_that_is_too_large_is_told_so_also_to_pages(redis: Redis) -> None:
    origin = "https://app.example.com"
    settings = Settings(max_prompt_bytes=1000, cors_origins=(origin,))
    async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url) as http:
        for _ in range(3):
            answer = await http.post(
                "/v1/streams", content=b"x" * 1_000_000, headers={"origin": origin, "content-type": "application/json"}
            )
            assert answer.status_code == 413
            assert answer.headers["access-control-allow-origin"] == origin
        assert Settings().max_prompt_bytes == 32 * 1024 * 1024


@pytest.mark.parametrize("name", ["after", "lastEventId", "last_event_id"])
async def test_the_last_id_may_come_by_the_query(redis: Redis, name: str) -> None:
    async with served(redis) as front, httpx.AsyncClient(base_url=front.url) as http:
        path = (await http.post("/v1/streams", json={"prompt": "hello"})).json()["events_url"]
        author = await front.author()
        await author.write(("content_block_start", {"type": "content_block_start", "index": 0}))
        middle = author.last_id
        await author.fail(400, "invalid_request_error", "no")
        assert (await http.get(f"{path}?{name}={author.last_id}")).status_code == 204
        assert "content_block_start" not in (await http.get(f"{path}?{name}={middle}")).text
        assert "content_block_start" in (await http.get(f"{path}?{name}=")).text
        assert (await http.get(f"{path}?{name}=nonsense")).status_code == 400
        header = {"last-event-id": author.last_id}
        assert (await http.get(f"{path}?{name}={middle}", headers=header)).status_code == 204
        assert "content_block_start" in (await http.get(f"{path}?{name}=", headers={"last-event-id": ""})).text


@pytest.mark.parametrize(("status", "kind"), [(401, "authentication_error"), (403, "permission_error")])
async def test_a_key_of_ours_that_is_refused_is_nothing_of_the_clients(redis: Redis, status: int, kind: str) -> None:
    async with served(redis) as front, httpx.AsyncClient(base_url=front.url) as http:
        made = (await http.post("/v1/streams", json={"prompt": "hello"})).json()
        await (await front.author()).fail(status, kind, "invalid x-api-key")
        answer = await http.get(f"/v1/streams/{made['id']}/message")
        assert answer.status_code == 500
        assert answer.json()["error"]["type"] == "api_error"
        assert answer.headers["x-should-retry"] == "false"


async def test_what_a_client_calls_its_request_is_kept(redis: Redis) -> None:
    async with served(redis) as front, httpx.AsyncClient(base_url=front.url) as http:
        for given, kept in (("theirs-1", b"theirs-1"), ("x" * 129, None), ("a\tb", None)):
            made = await http.post("/v1/streams", json={"prompt": "x"}, headers={"x-request-id": given})
            assert await redis.hget(keys.meta(made.json()["id"]), "client_request_id") == kept  # type: ignore[misc]


async def test_all_lines_of_a_header_go_up(redis: Redis) -> None:
    lines = [("anthropic-beta", "one,two"), ("anthropic-beta", "three"), ("content-type", "application/json")]
    async with served(redis) as front, httpx.AsyncClient(base_url=front.url) as http:
        made = await http.post("/v1/streams", content=b'{"prompt":"x"}', headers=lines)
        stored = await redis.hget(keys.meta(made.json()["id"]), "headers")  # type: ignore[misc]
        assert stored == b'{"anthropic-beta":"one,two, three"}'


async def test_who_is_not_known_is_told_how_to_say_so(redis: Redis, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"alice {'0' * 64}\n")
    async with served(redis, Settings(api_keys_file=str(file))) as front, httpx.AsyncClient(base_url=front.url) as http:
        answer = await http.get("/v1/conversations")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="keepstream"')


async def test_pages_say_what_a_browser_may_do_with_them_and_what_is_private_is_kept_by_nobody(redis: Redis) -> None:
    settings = Settings.from_env({"KEEPSTREAM_TRUSTED_PROXIES": "127.0.0.1"})
    async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url) as http:
        made = await http.post("/v1/streams", json={"prompt": "hello"})
        path = made.headers["location"]
        author = await front.author()
        await author.end(Outcome.COMPLETED, message={"content": []})
        for page in ("/", "/docs", "/docs/words", "/docs/api"):
            headers = (await http.get(page)).headers
            assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["x-content-type-options"] == "nosniff"
            assert "strict-transport-security" not in headers
        private = [made, await http.get("/v1/streams", params={"api_key": "x"})]
        private += [await http.get(f"{path}{of}") for of in ("", "/message", "/nothing")]
        private += [await http.post(f"{path}/cancel"), await http.get("/v1/conversations"), await http.get("/readyz")]
        for answer in private:
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await http.get(f"{path}/events")).headers["cache-control"] == "no-cache, no-transform"
        for asked in ("/", path, f"{path}/events", "/nothing"):
            answer = await http.get(asked, headers={"x-forwarded-proto": "https"})
            assert answer.headers["strict-transport-security"] == TRANSPORT_SECURITY


async def test_who_still_sends_hears_that_a_front_is_about_to_stop(redis: Redis) -> None:
    """A connection that is closed under a body takes the answer away with it."""
    async with served(redis) as front, httpx.AsyncClient(base_url=front.url) as http:
        front.hub.draining = True
        body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x" * 8_000_000}]}
        answer = await http.post("/v1/messages", json=body)
        assert answer.status_code == 503
        assert "shutting down" in answer.json()["error"]["message"]
        small = await http.post("/v1/messages", json={**body, "messages": []})
        assert (small.status_code, small.headers["connection"]) == (503, "close")


async def test_each_refusal_is_told_with_its_route_status_and_kind(redis: Redis) -> None:
    with heard() as told:
        async with served(redis) as front, httpx.AsyncClient(base_url=front.url) as http:
            await http.get("/nothing/here?secret=1")
            await http.put("/v1/streams")
            await http.post("/v1/streams", content=b"x", headers={"content-type": "text/plain"})
            await http.get("/v1/streams/st_no/events")
            await redis.set(keys.meta(unfit := "st_" + "0" * 32), "no hash", ex=9)
            await http.get(f"/v1/streams/{unfit}")
            await http.get("/healthz")
            reader, writer = await asyncio.open_connection("127.0.0.1", int(front.url.rsplit(":", 1)[1]))
            writer.write(b"nonsense\r\n\r\n")
            body = await reader.read()
            writer.close()
    told_of = [event for event in told if isinstance(event, RequestServed)]
    assert [(one.method, one.route, one.status, one.error_type) for one in told_of] == [
        ("GET", "", 404, "not_found_error"),
        ("PUT", "/v1/streams", 405, "invalid_request_error"),
        ("POST", "/v1/streams", 415, "invalid_request_error"),
        ("GET", "/v1/streams/{id}/events", 404, "not_found_error"),
        ("GET", "/v1/streams/{id}", 500, "api_error"),
        ("GET", "/healthz", 200, ""),
        ("", "", 400, "invalid_request_error"),
    ]
    assert told_of[-1].of.request_id in body.decode()
    (ours,) = (one for one in told_of if one.status >= 500)
    assert (ours.error, ours.place.partition(":")[0]) == ("ResponseError", "read_response (app/stream/redis/links.py")
    assert {(one.error, one.place) for one in told_of if one is not ours} == {("", "")}
