"""`POST /v1/messages`: what goes up, what is the same question, what is refused."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from app.settings import Settings
from app.stream.endings import Outcome
from app.stream.log import READ_BYTES
from tests.app.faces.messages.calls import (
    BODY,
    HELLO,
    MESSAGE,
    RETRY,
    START,
    STOP,
    WORLD,
    asking,
    error_of,
    keyed,
    last_event,
    post,
    wire,
)
from tests.app.served import Served, served, until


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
