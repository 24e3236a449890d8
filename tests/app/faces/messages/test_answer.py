"""What a client of the Claude API is answered, whatever the worker on the other side does."""

from __future__ import annotations

import asyncio

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from app.faces.base import answer as following
from app.faces.messages import answer, prompt
from app.stream import keys
from app.stream.endings import Outcome
from tests.app.faces.messages.calls import (
    HELLO,
    MESSAGE,
    PING,
    RETRY,
    START,
    STOP,
    WORLD,
    asking,
    begin,
    error_of,
    last_event,
    post,
    wire,
)
from tests.app.served import Served, until
from tests.patience import PATIENCE


class TestStreaming:
    async def test_the_upstreams_events_and_nothing_else(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        author = await front.author()
        await author.tell(*RETRY)
        await author.write(START, HELLO)
        await author.write(WORLD, STOP)
        await author.end(Outcome.COMPLETED)
        response = await call
        assert response.status_code == 200
        assert response.content == wire(START, HELLO, WORLD, STOP)
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["cache-control"] == "no-cache, no-transform"
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers["x-keepstream-id"] == author.stream_id
        assert response.headers["location"] == f"/v1/streams/{author.stream_id}"

    async def test_each_event_comes_as_soon_as_it_stands_in_the_log(
        self, front: Served, http: httpx.AsyncClient
    ) -> None:
        writing = asyncio.create_task(begin(front))
        async with http.stream("POST", "/v1/messages", json=asking()) as response:
            author = await writing
            parts = response.aiter_raw()
            assert await anext(parts) == wire(START, HELLO)
            await author.write(WORLD)
            assert await anext(parts) == wire(WORLD)
            await author.write(STOP)
            assert b"".join([part async for part in parts]) == wire(STOP)

    async def test_a_failure_before_content_is_the_upstreams_own(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        author = await front.author()
        await author.tell(*RETRY)
        await author.fail(529, "overloaded_error", "Overloaded", retry_after=7, request_id="req_up", exhausted=True)
        response = await call
        assert response.status_code == 529
        assert error_of(response) == {"type": "overloaded_error", "message": "Overloaded"}
        assert response.headers["retry-after"] == "7"
        assert response.headers["x-should-retry"] == "false"
        assert response.headers["request-id"] == "req_up"
        assert response.headers["x-keepstream-id"] == author.stream_id

    async def test_a_failure_that_was_not_tried_again_leaves_that_to_the_client(
        self, front: Served, http: httpx.AsyncClient
    ) -> None:
        call = post(http)
        await (await front.author()).fail(429, "rate_limit_error", "slow down", retry_after=0.25)
        response = await call
        assert response.status_code == 429
        assert "x-should-retry" not in response.headers
        assert (response.headers["retry-after"], response.headers["retry-after-ms"]) == ("1", "250")

    @pytest.mark.parametrize(("told", "said"), [(True, "true"), (False, "false"), (None, None)])
    async def test_the_upstreams_own_word_on_retries_is_passed_on(
        self, front: Served, http: httpx.AsyncClient, *, told: bool | None, said: str | None
    ) -> None:
        call = post(http)
        await (await front.author()).fail(500, "api_error", "no", should_retry=told)
        assert (await call).headers.get("x-should-retry") == said

    @pytest.mark.parametrize(("status", "kind"), [(401, "authentication_error"), (403, "permission_error")])
    async def test_a_refused_key_is_ours_and_not_the_clients(
        self, front: Served, http: httpx.AsyncClient, status: int, kind: str
    ) -> None:
        call = post(http)
        await (await front.author()).fail(status, kind, "invalid x-api-key")
        response = await call
        assert response.status_code == 500
        assert response.headers["x-should-retry"] == "false"
        assert error_of(response)["type"] == "api_error"
        assert "x-api-key" not in error_of(response)["message"]

    async def test_a_failure_after_content_is_an_event_and_then_the_end(
        self, front: Served, http: httpx.AsyncClient
    ) -> None:
        call = post(http)
        author = await front.author()
        await author.write(START, HELLO)
        await author.fail(529, "overloaded_error", "Overloaded", request_id="req_up")
        response = await call
        assert response.status_code == 200
        assert response.content.startswith(wire(START, HELLO))
        error = {"type": "overloaded_error", "message": "Overloaded"}
        assert last_event(response.content) == ("error", {"type": "error", "error": error, "request_id": "req_up"})

    async def test_a_worker_that_gave_up_is_not_asked_again(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        await (await front.author()).end(Outcome.FAILED, error={"type": "api_error", "message": "gave up"})
        response = await call
        assert response.status_code == 500
        assert response.headers["x-should-retry"] == "false"
        assert error_of(response) == {"type": "api_error", "message": "gave up"}

    async def test_an_expired_stream_is_a_timeout(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        await (await front.author()).end(Outcome.EXPIRED, error={"type": "timeout_error", "message": "too long"})
        assert (await call).status_code == 504

    async def test_a_cancelled_stream_is_not_started_again_by_the_sdk(
        self, front: Served, http: httpx.AsyncClient
    ) -> None:
        call = post(http)
        await (await front.author()).end(Outcome.CANCELLED)
        response = await call
        assert response.status_code == 409
        assert response.headers["x-should-retry"] == "false"
        assert error_of(response)["type"] == "conflict_error"

    async def test_a_stream_cancelled_after_content_ends_with_an_error(
        self, front: Served, http: httpx.AsyncClient
    ) -> None:
        call = post(http)
        author = await front.author()
        await author.write(START, HELLO)
        await author.end(Outcome.CANCELLED)
        name, data = last_event((await call).content)
        assert (name, data["error"]["type"]) == ("error", "conflict_error")

    async def test_a_stream_that_redis_loses_ends_with_an_error(
        self, front: Served, http: httpx.AsyncClient, redis: Redis
    ) -> None:
        call = post(http)
        author = await front.author()
        await author.write(START, HELLO)
        await until(lambda: any(reader.position.offset for reader in front.hub.readers))
        await redis.delete(keys.log(author.stream_id), keys.meta(author.stream_id))
        name, data = last_event((await call).content)
        assert (name, data["error"]["type"]) == ("error", "api_error")

    async def test_an_ending_without_its_message_stop_is_never_a_clean_end(
        self, front: Served, http: httpx.AsyncClient
    ) -> None:
        call = post(http)
        author = await front.author()
        await author.write(START, HELLO)
        await author.end(Outcome.FAILED, error={"type": "api_error", "message": "cut"})
        assert last_event((await call).content)[0] == "error"

    async def test_http_1_0_is_served_without_chunks(self, front: Served) -> None:
        """Some proxies still speak it: chunks would be part of the answer to them."""
        body = orjson.dumps(asking())
        head = b"POST /v1/messages HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(front.url.rpartition(":")[2]))
        writer.write(head + body)
        author = await front.author()
        await author.write(START, HELLO)
        await author.write(WORLD)
        await author.write(STOP)
        await author.end(Outcome.COMPLETED)
        async with asyncio.timeout(PATIENCE):
            told, _, answered = (await reader.read(-1)).partition(b"\r\n\r\n")
        writer.close()
        assert b"transfer-encoding" not in told
        assert answered == wire(START, HELLO, WORLD, STOP)


class TestTheHead:
    async def test_it_goes_out_with_a_ping_when_its_time_is_over(
        self, front: Served, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(answer.Answer, "first_seconds", 0.05)
        async with http.stream("POST", "/v1/messages", json=asking()) as response:
            assert response.status_code == 200
            parts = response.aiter_raw()
            assert await anext(parts) == PING
            author = await front.author()
            await author.fail(529, "overloaded_error", "Overloaded", exhausted=True)
            name, data = last_event(b"".join([part async for part in parts]))
            assert (name, data["error"]) == ("error", {"type": "overloaded_error", "message": "Overloaded"})

    async def test_silence_is_filled_with_pings(
        self, front: Served, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(following, "PING_SECONDS", 0.05)
        writing = asyncio.create_task(begin(front))
        async with http.stream("POST", "/v1/messages", json=asking()) as response:
            parts = response.aiter_raw()
            author = await writing
            assert await anext(parts) == wire(START, HELLO)
            assert await anext(parts) == PING
            assert await anext(parts) == PING
            await author.write(WORLD)
            await author.write(STOP)
            assert wire(WORLD, STOP) == b"".join([part async for part in parts]).replace(PING, b"")


class TestWhole:
    async def test_the_finished_message(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, asking(stream=False))
        author = await front.author()
        await author.write(START, HELLO, STOP)
        await author.end(Outcome.COMPLETED, message=MESSAGE)
        response = await call
        assert response.status_code == 200
        assert response.json() == MESSAGE
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-keepstream-id"] == author.stream_id

    async def test_a_restart_is_invisible(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, asking(stream=False))
        author = await front.author()
        assert author.meta["on_interrupt"] == b"restart"
        await author.write(START, HELLO)
        await author.restart()
        await author.write(START, WORLD, STOP)
        await author.end(Outcome.COMPLETED, message=MESSAGE)
        assert (await call).json() == MESSAGE

    async def test_a_failure_has_its_status_also_after_content(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, asking(stream=False))
        author = await front.author()
        await author.write(START, HELLO)
        await author.fail(529, "overloaded_error", "Overloaded", exhausted=True)
        response = await call
        assert response.status_code == 529
        assert response.headers["x-should-retry"] == "false"

    @pytest.mark.parametrize("stream", [True, False])
    async def test_what_does_not_fit_its_schema_is_not_asked_for_and_paid_again(
        self, front: Served, http: httpx.AsyncClient, *, stream: bool
    ) -> None:
        call = post(http, asking(stream=stream, relay={"delivery": "final"}))
        author = await front.author()
        await author.write(START, HELLO)
        error = {"type": "validation_error", "message": "no"}
        await author.end(Outcome.FAILED, error=error, content="1", partial="1")
        for response in (await call, await http.get(f"/v1/streams/{author.stream_id}/message")):
            assert response.status_code == 500
            assert response.headers["x-should-retry"] == "false"
            assert error_of(response) == error

    async def test_a_stream_that_redis_loses_is_an_error(
        self, front: Served, http: httpx.AsyncClient, redis: Redis
    ) -> None:
        call = post(http, asking(stream=False))
        author = await front.author()
        await redis.delete(keys.log(author.stream_id), keys.meta(author.stream_id))
        response = await call
        assert response.status_code == 500
        assert "lost" in error_of(response)["message"]

    async def test_a_client_that_goes_away_does_not_stop_it(
        self, front: Served, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(prompt, "ABANDON_SECONDS", 0.01)
        call = post(http, asking(stream=False))
        author = await front.author()
        assert b"abandon_after" not in author.meta
        call.cancel()
        await until(lambda: not front.hub.readers)
        await author.write(START, HELLO, STOP)
        await author.end(Outcome.COMPLETED, message=MESSAGE)
        assert (await http.get(f"/v1/streams/{author.stream_id}/message")).json() == MESSAGE
