"""`POST /v1/messages` as a client of the Claude API sees it, whatever the worker on the other side does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from app.faces.base import answer as following
from app.faces.messages import answer, prompt
from app.fanout.drain import send_all_away
from app.settings import Settings
from app.stream import keys
from app.stream.endings import Outcome
from app.stream.log import READ_BYTES, State
from tests.app.served import Author, Served, served, until

START = ("message_start", {"type": "message_start", "message": {"id": "msg_1"}})
HELLO = ("content_block_delta", {"type": "content_block_delta", "delta": {"text": "Hello"}})
WORLD = ("content_block_delta", {"type": "content_block_delta", "delta": {"text": "world"}})
STOP = ("message_stop", {"type": "message_stop"})
RETRY = ("relay.retry", {"attempt": 2, "reason": "overloaded_error", "retry_in_ms": 500})
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
BODY = {"model": "claude-sonnet-5", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
PING = b'event: ping\ndata: {"type": "ping"}\n\n'


@pytest.fixture
async def front(redis: Redis) -> AsyncIterator[Served]:
    async with served(redis) as front:
        yield front


@pytest.fixture
async def http(front: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=front.url, timeout=20) as http:
        yield http


def asking(*, stream: bool = True, **more: Any) -> dict[str, Any]:
    return BODY | {"stream": stream} | more


def keyed(key: str = "mine", **headers: str) -> dict[str, str]:
    return {"idempotency-key": key} | headers


def post(http: httpx.AsyncClient, body: Any = None, **options: Any) -> asyncio.Task[httpx.Response]:
    """A call under way; its answer is read to the end."""
    return asyncio.create_task(http.post("/v1/messages", json=asking() if body is None else body, **options))


def wire(*events: tuple[str, dict[str, Any]]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(data)) for name, data in events)


def last_event(body: bytes) -> tuple[str, Any]:
    """The name and the data of the last event."""
    name, data = body.rstrip(b"\n").rsplit(b"\n\n", 1)[-1].split(b"\n")
    return name.removeprefix(b"event: ").decode(), orjson.loads(data.removeprefix(b"data: "))


def error_of(response: httpx.Response) -> dict[str, str]:
    """The error of an answer in the shape of the API's."""
    body = response.json()
    assert body["type"] == "error"
    assert body["request_id"] == response.headers["request-id"]
    error: dict[str, str] = body["error"]
    return error


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
        async with asyncio.timeout(20):
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


class TestWhatGoesUp:
    async def test_every_field_but_ours_untouched(self, front: Served, http: httpx.AsyncClient) -> None:
        unknown = {"novel": {"deep": [1, None, "ü"]}, "prompt": "not ours here", "metadata": {"user_id": "u"}}
        call = post(http, asking(relay={"on_interrupt": "fail"}, **unknown))
        author = await front.author()
        await author.end(Outcome.CANCELLED)
        await call
        assert json.loads(author.meta["request"]) == BODY | unknown

    async def test_the_clients_version_betas_and_query_verbatim_and_never_its_key(
        self, front: Served, http: httpx.AsyncClient
    ) -> None:
        headers = [
            ("content-type", "application/json"),
            ("anthropic-version", "2023-06-01"),
            ("anthropic-beta", "one,two"),
            ("anthropic-beta", "three"),
            ("x-api-key", "the-clients"),
            ("authorization", "Bearer the-clients"),
        ]
        call = asyncio.create_task(
            http.post("/v1/messages?beta=true&x=%2F", content=orjson.dumps(asking()), headers=headers)
        )
        author = await front.author()
        await author.end(Outcome.CANCELLED)
        await call
        sent = json.loads(author.meta["headers"])
        assert sent == {"anthropic-version": "2023-06-01", "anthropic-beta": "one,two, three"}
        assert author.meta["query"] == b"beta=true&x=%2F"
        assert not any(b"the-clients" in value for value in author.meta.values())

    async def test_a_streamed_answer_is_never_restarted(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        author = await front.author()
        assert author.meta["on_interrupt"] == b"fail"
        await author.end(Outcome.CANCELLED)
        await call
        refused = await http.post("/v1/messages", json=asking(relay={"on_interrupt": "restart"}))
        assert refused.status_code == 400
        assert "on_interrupt" in error_of(refused)["message"]


class TestIdempotency:
    async def test_a_retry_attaches_to_the_same_stream(self, front: Served, http: httpx.AsyncClient) -> None:
        first, second = post(http, headers=keyed()), post(http, headers=keyed())
        author = await front.author()
        await author.write(START, HELLO, STOP)
        await author.end(Outcome.COMPLETED, message=MESSAGE)
        answers = [await first, await second, await http.post("/v1/messages", json=asking(), headers=keyed())]
        assert {answer_.headers["x-keepstream-id"] for answer_ in answers} == {author.stream_id}
        assert {answer_.content for answer_ in answers} == {wire(START, HELLO, STOP)}

    async def test_streaming_or_not_is_not_part_of_the_question(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        await author.write(START, HELLO, STOP)
        await author.end(Outcome.COMPLETED, message=MESSAGE)
        await call
        whole = await http.post("/v1/messages", json=asking(stream=False), headers=keyed())
        assert whole.headers["x-keepstream-id"] == author.stream_id
        assert whole.json() == MESSAGE

    async def test_another_body_with_the_same_key_is_refused(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        refused = await http.post("/v1/messages", json=asking(max_tokens=11), headers=keyed())
        assert refused.status_code == 422
        await author.end(Outcome.CANCELLED)
        await call

    @pytest.mark.parametrize("body", [asking(), asking(max_tokens=11)], ids=["same", "other"])
    async def test_a_failure_before_content_frees_the_key(
        self, front: Served, http: httpx.AsyncClient, body: dict[str, Any]
    ) -> None:
        call = post(http, headers=keyed())
        failed = await front.author()
        await failed.tell(*RETRY)
        await failed.fail(529, "overloaded_error", "Overloaded", exhausted=True)
        assert (await call).status_code == 529
        again = post(http, body, headers=keyed())
        author = await front.author()
        assert author.stream_id != failed.stream_id
        await author.write(START, STOP)
        assert (await again).content == wire(START, STOP)

    async def test_a_failure_after_content_keeps_the_key(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        await author.write(START, HELLO)
        await author.fail(529, "overloaded_error", "Overloaded")
        first = await call
        second = await http.post("/v1/messages", json=asking(), headers=keyed())
        assert second.headers["x-keepstream-id"] == author.stream_id
        assert second.content.startswith(wire(START, HELLO))
        assert last_event(second.content)[1]["error"] == last_event(first.content)[1]["error"]

    async def test_a_cancelled_stream_keeps_the_key(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        await author.end(Outcome.CANCELLED)
        await call
        again = await http.post("/v1/messages", json=asking(), headers=keyed())
        assert (again.status_code, again.headers["x-keepstream-id"]) == (409, author.stream_id)

    async def test_who_comes_back_sees_the_newest_attempt_alone(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, asking(stream=False), headers=keyed())
        author = await front.author()
        await author.write(START, HELLO)
        await author.restart()
        again = post(http, headers=keyed())
        await author.write(START, WORLD, STOP)
        await author.end(Outcome.COMPLETED, message=MESSAGE)
        await call
        assert (await again).content == wire(START, WORLD, STOP)

    async def test_however_long_the_older_one_was(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, asking(stream=False), headers=keyed())
        author = await front.author()
        await author.write(START, HELLO, ("content_block_delta", {"text": "x" * 2 * READ_BYTES}), HELLO)
        await author.restart()
        again = post(http, headers=keyed())
        await author.write(START, WORLD, STOP)
        await author.end(Outcome.COMPLETED, message=MESSAGE)
        await call
        assert (await again).content == wire(START, WORLD, STOP)

    async def test_a_restart_of_what_was_shown_is_an_error_and_never_a_second_start(
        self, front: Served, http: httpx.AsyncClient
    ) -> None:
        whole = post(http, asking(stream=False), headers=keyed())
        author = await front.author()
        await author.write(START, HELLO)
        async with http.stream("POST", "/v1/messages", json=asking(), headers=keyed()) as response:
            parts = response.aiter_raw()
            assert await anext(parts) == wire(START, HELLO)
            await author.restart()
            await author.write(START, WORLD, STOP)
            rest = b"".join([part async for part in parts])
        assert b"message_start" not in rest
        assert last_event(rest)[0] == "error"
        await author.end(Outcome.COMPLETED, message=MESSAGE)
        await whole


class TestLastEventId:
    async def test_a_streaming_retry_goes_on_where_it_was(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        await author.write(START, HELLO)
        last_id = author.last_id
        again = post(http, headers=keyed(**{"last-event-id": last_id}))
        await author.write(WORLD, STOP)
        await author.end(Outcome.COMPLETED)
        assert (await call).content == wire(START, HELLO, WORLD, STOP)
        assert (await again).content == wire(WORLD, STOP)

    async def test_who_had_the_message_stop_is_told_that_nothing_follows(
        self, front: Served, http: httpx.AsyncClient
    ) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        await author.write(START, STOP)
        await call
        last_id = author.last_id
        again = post(http, headers=keyed(**{"last-event-id": last_id}))
        await until(lambda: front.hub.readers)
        await author.end(Outcome.COMPLETED)
        response = await again
        assert (response.status_code, response.content) == (204, b"")
        assert "content-type" not in response.headers
        later = await http.post("/v1/messages", json=asking(), headers=keyed(**{"last-event-id": last_id}))
        assert (later.status_code, later.content) == (204, b"")

    async def test_a_restart_voids_what_was_shown_before(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, asking(stream=False), headers=keyed())
        author = await front.author()
        await author.write(START, HELLO)
        last_id = author.last_id
        await author.restart()
        await author.write(START, WORLD, STOP)
        again = await http.post("/v1/messages", json=asking(), headers=keyed(**{"last-event-id": last_id}))
        assert (again.status_code, error_of(again)["type"]) == (500, "api_error")
        await author.end(Outcome.COMPLETED, message=MESSAGE)
        await call

    async def test_who_has_it_all_is_told_so(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        await author.write(START, STOP)
        await author.end(Outcome.COMPLETED)
        await call
        done = await http.post("/v1/messages", json=asking(), headers=keyed(**{"last-event-id": author.last_id}))
        assert (done.status_code, done.content) == (204, b"")
        assert done.headers["x-keepstream-id"] == author.stream_id

    @pytest.mark.parametrize("last_id", ["000000100-00000000", "nonsense"])
    async def test_an_event_of_no_stream_or_of_another_is_refused_and_nothing_is_started(
        self, front: Served, http: httpx.AsyncClient, last_id: str
    ) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        await author.write(START, HELLO)
        for headers in (keyed(), keyed("another"), {}):
            refused = await http.post("/v1/messages", json=asking(), headers=headers | {"last-event-id": last_id})
            assert refused.status_code == 400
        assert await front.front.streams.queue.waiting() == 0
        await author.end(Outcome.CANCELLED)
        await call


class TestAClientThatLeaves:
    @pytest.fixture(autouse=True)
    def _soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(prompt, "ABANDON_SECONDS", 0.05)

    async def test_without_a_key_the_stream_is_cancelled(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        author = await front.author()
        assert author.meta["abandon_after"] == b"0.05"
        await author.write(START, HELLO)
        call.cancel()
        await wait_for_cancel(front, author.stream_id)

    async def test_also_while_it_waits(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        await until(lambda: front.hub.readers)
        [tail] = front.hub.tails
        call.cancel()
        await until(lambda: outcome_of(front, tail.stream_id))
        assert await outcome_of(front, tail.stream_id) == b"cancelled"

    async def test_unless_somebody_reads_it_at_its_own_address(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        author = await front.author()
        await author.write(START, HELLO)
        async with http.stream("GET", f"/v1/streams/{author.stream_id}/events") as response:
            call.cancel()
            parts = response.aiter_raw()
            await author.write(WORLD)
            while b"world" not in await anext(parts):
                pass
            await until(lambda: len(front.hub.readers) == 1)
            await asyncio.sleep(0.2)  # four times what an unread stream is given
            assert await is_cancelled(front, author.stream_id) is False
        await wait_for_cancel(front, author.stream_id)

    async def test_with_a_key_the_stream_goes_on(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        assert b"abandon_after" not in author.meta
        await author.write(START, HELLO)
        call.cancel()
        await until(lambda: not front.hub.readers)
        await asyncio.sleep(0.2)  # four times what an unread stream is given
        assert await is_cancelled(front, author.stream_id) is False
        again = post(http, headers=keyed())
        await author.write(WORLD, STOP)
        assert (await again).content == wire(START, HELLO, WORLD, STOP)

    @pytest.mark.parametrize("headers", [{}, keyed()], ids=["without a key", "with a key"])
    @pytest.mark.parametrize("stream", [True, False], ids=["streaming", "whole"])
    async def test_a_word_of_its_own_counts(
        self, front: Served, http: httpx.AsyncClient, headers: dict[str, str], *, stream: bool
    ) -> None:
        call = post(http, asking(stream=stream, relay={"abandon_after": 0.02}), headers=headers)
        author = await front.author()
        assert author.meta["abandon_after"] == b"0.02"
        await until(lambda: front.hub.readers)
        call.cancel()
        await wait_for_cancel(front, author.stream_id)


class TestDraining:
    async def test_a_front_that_drains_takes_nothing_new(self, front: Served, http: httpx.AsyncClient) -> None:
        front.hub.draining = True
        response = await http.post("/v1/messages", json=asking())
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert response.headers["connection"] == "close"
        assert await front.front.streams.queue.waiting() == 0

    async def test_an_answer_that_ends_in_time_is_whole(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        author = await front.author()
        await author.write(START, HELLO)
        await until(lambda: front.hub.readers)
        front.hub.leave_by = asyncio.get_running_loop().time() + 20
        await send_all_away(front.hub, 0)
        await author.write(STOP)
        assert (await call).content == wire(START, HELLO, STOP)

    async def test_one_that_does_not_ends_with_an_error(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        author = await front.author()
        await author.write(START, HELLO)
        await until(lambda: any(reader.position.offset for reader in front.hub.readers))
        front.hub.leave_by = asyncio.get_running_loop().time() + 0.05
        await send_all_away(front.hub, 0)
        response = await call
        assert response.content.startswith(wire(START, HELLO))
        name, data = last_event(response.content)
        assert (name, data["error"]["type"]) == ("error", "api_error")

    async def test_one_without_a_head_is_sent_to_another_front(self, front: Served, http: httpx.AsyncClient) -> None:
        streamed, whole = post(http), post(http, asking(stream=False))
        await until(lambda: len(front.hub.readers) == 2)
        await send_all_away(front.hub, 0)
        for call in (streamed, whole):
            response = await call
            assert response.status_code == 503
            assert response.headers["retry-after"] == "1"
            assert "x-keepstream-id" in response.headers


class TestBadInput:
    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"model": None}, "model"),
            ({"max_tokens": 0}, "max_tokens"),
            ({"max_tokens": "many"}, "max_tokens"),
            ({"messages": []}, "messages"),
            ({"messages": [{"role": "user", "content": ""}]}, "messages.0.content"),
            ({"stream": "yes"}, "stream"),
            ({"relay": {"novel": 1}}, "relay.novel"),
        ],
    )
    async def test_what_can_be_known_to_be_wrong_is_refused(
        self, front: Served, http: httpx.AsyncClient, change: dict[str, Any], named: str
    ) -> None:
        response = await http.post("/v1/messages", json=asking() | change)
        assert response.status_code == 400
        assert error_of(response)["type"] == "invalid_request_error"
        assert named in error_of(response)["message"]
        assert await front.front.streams.queue.waiting() == 0

    async def test_the_short_form_is_none_of_the_claude_apis(self, http: httpx.AsyncClient) -> None:
        response = await http.post("/v1/messages", json={"prompt": "hi"})
        assert response.status_code == 400

    async def test_what_is_too_large_or_no_json_or_elsewhere(self, redis: Redis) -> None:
        async with (
            served(redis, Settings(max_prompt_bytes=100)) as front,
            httpx.AsyncClient(base_url=front.url) as http,
        ):
            large = await http.post("/v1/messages", json=asking(novel="x" * 100))
            assert (large.status_code, error_of(large)["type"]) == (413, "request_too_large")
            broken = await http.post("/v1/messages", content=b"{", headers={"content-type": "application/json"})
            assert (broken.status_code, error_of(broken)["type"]) == (400, "invalid_request_error")
            elsewhere = await http.post("/v1/message", json=asking())
            assert (elsewhere.status_code, error_of(elsewhere)["type"]) == (404, "not_found_error")
            assert (await http.get("/v1/messages")).status_code == 405

    async def test_a_full_queue_looks_like_the_apis_own_limit(self, redis: Redis) -> None:
        async with served(redis, Settings(queue_limit=1)) as front, httpx.AsyncClient(base_url=front.url) as http:
            waiting = post(http)
            await until(lambda: front.hub.readers)
            response = await http.post("/v1/messages", json=asking())
            assert response.status_code == 429
            assert error_of(response)["type"] == "rate_limit_error"
            assert float(response.headers["retry-after"]) > 0
            assert "x-should-retry" not in response.headers
            await (await front.author()).end(Outcome.CANCELLED)
            await waiting


async def begin(front: Served) -> Author:
    """The worker of the next stream, once it has written the first content."""
    author = await front.author()
    await author.write(START, HELLO)
    return author


async def is_cancelled(front: Served, stream_id: str) -> bool:
    meta = await front.log.meta(stream_id, "cancel")
    assert meta is not None
    return meta.get("cancel") == b"1" or meta["state"] == State.ENDED.encode()


async def wait_for_cancel(front: Served, stream_id: str) -> None:
    await until(lambda: is_cancelled(front, stream_id))


async def outcome_of(front: Served, stream_id: str) -> bytes | None:
    return (await front.log.meta(stream_id, "outcome") or {}).get("outcome")
