"""What `/v1/streams/{id}` says of an answer that never was whole."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from app.intake.checked import structured
from app.stream.endings import Outcome
from tests.app.served import Author, Served

START = ("message_start", {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant"}})
BEGUN = (
    "content_block_start",
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
)
HALF = (
    "content_block_delta",
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
)
CONTENT = [{"type": "text", "text": "Hel"}]


async def half(front: Served, path: str = "/v1/streams", body: dict[str, Any] | None = None) -> Author:
    async with httpx.AsyncClient(base_url=front.url) as http:
        assert (await http.post(path, json=body or {"prompt": "hi"})).status_code == 202
    author = await front.author()
    await author.write(START, BEGUN, HALF)
    return author


async def get(front: Served, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=front.url) as http:
        return await http.get(path)


async def test_what_people_saw_is_kept_where_only_the_log_has_it(front: Served) -> None:
    """Its worker gave it back in the middle of an answer, and it was cancelled while it waited for another."""
    author = await half(front)
    assert await front.front.streams.queue.give_back([author.claim]) == 1
    async with httpx.AsyncClient(base_url=front.url) as http:
        assert (await http.post(f"/v1/streams/{author.stream_id}/cancel")).status_code == 202
    shown = (await get(front, f"/v1/streams/{author.stream_id}")).json()
    assert (shown["outcome"], shown["partial"], shown["message"]["content"]) == ("cancelled", True, CONTENT)
    assert (await get(front, f"/v1/streams/{author.stream_id}/message")).status_code == 409


@pytest.mark.parametrize(
    ("outcome", "status"), [(Outcome.FAILED, 529), (Outcome.EXPIRED, 529), (Outcome.CANCELLED, 409)]
)
async def test_a_partial_message_is_shown_and_is_not_the_message(front: Served, outcome: Outcome, status: int) -> None:
    author = await half(front)
    error = None if outcome is Outcome.CANCELLED else {"type": "overloaded_error", "message": "too much"}
    await author.end(outcome, error=error, message={"id": "msg_1", "content": CONTENT}, partial="1")
    shown = (await get(front, f"/v1/streams/{author.stream_id}")).json()
    assert (shown["outcome"], shown["partial"], shown["message"]["content"]) == (outcome, True, CONTENT)
    assert (await get(front, f"/v1/streams/{author.stream_id}/message")).status_code == status


async def test_a_whole_message_is_not_partial(front: Served) -> None:
    author = await half(front)
    await author.end(Outcome.COMPLETED, message={"id": "msg_1", "content": CONTENT})
    assert "partial" not in (await get(front, f"/v1/streams/{author.stream_id}")).json()


async def test_where_nothing_came_there_is_no_message(front: Served) -> None:
    async with httpx.AsyncClient(base_url=front.url) as http:
        stream_id = (await http.post("/v1/streams", json={"prompt": "hi"})).json()["id"]
        await http.post(f"/v1/streams/{stream_id}/cancel")
    shown = (await get(front, f"/v1/streams/{stream_id}")).json()
    assert "message" not in shown
    assert "partial" not in shown


async def test_a_conversation_keeps_what_came_of_a_failed_answer(front: Served) -> None:
    conversation = await front.conversing.create("anonymous", {})
    author = await half(front, f"/v1/conversations/{conversation.id}/messages", {"content": "hi"})
    error = {"type": "overloaded_error", "message": "too much"}
    await author.end(Outcome.FAILED, error=error, message={"id": "msg_1", "content": CONTENT}, partial="1")
    answer = (await get(front, f"/v1/conversations/{conversation.id}")).json()["messages"][1]
    assert (answer["outcome"], answer["partial"], answer["content"]) == ("failed", True, CONTENT)


async def test_an_ended_stream_whose_log_is_gone_is_410(front: Served, redis: Redis) -> None:
    author = await half(front)
    await author.end(Outcome.COMPLETED)
    await redis.delete(f"ks:{{{author.stream_id}}}:log")
    assert (await get(front, f"/v1/streams/{author.stream_id}/events")).status_code == 410


async def test_what_its_json_says_is_shown_to_who_asks_for_it_and_to_nobody_else(front: Served) -> None:
    author = await half(front)
    said = [HALF[1] | {"delta": {"type": "text_delta", "text": text}, "index": 1} for text in ('{"a": [1, ', "2")]
    await author.write((BEGUN[0], BEGUN[1] | {"index": 1}), *((HALF[0], one) for one in said))
    await author.end(Outcome.CANCELLED)
    path = f"/v1/streams/{author.stream_id}/events"
    asked = await get(front, path + "?partial=1")
    value = 'event: relay.partial\ndata: {"index":1,"value":{"a":[1]}}\n\n'
    plain = (await get(front, path)).text
    assert (asked.status_code, asked.headers["content-type"]) == (200, "text/event-stream")
    assert asked.text == plain.replace("event: relay.end", value + "event: relay.end")
    last = plain.rpartition("id: ")[2].strip()
    assert (await get(front, f"{path}?partial=1&after={last}")).status_code == 204


async def test_of_what_is_to_be_shown_whole_no_value_is_shown_before(front: Served) -> None:
    author = await half(front, body={"prompt": "hi", "relay": {"delivery": "final"}})
    said = HALF[1] | {"delta": {"type": "text_delta", "text": '{"a": [1, '}, "index": 1}
    await author.write((BEGUN[0], BEGUN[1] | {"index": 1}), (HALF[0], said))
    body = b""
    path = f"/v1/streams/{author.stream_id}/events?partial=1"
    async with httpx.AsyncClient(base_url=front.url) as http, http.stream("GET", path) as answer:
        async for piece in answer.aiter_bytes():
            if b"relay.status" in piece and not body.count(b"relay.status"):  # a second later
                assert b"index" not in body + piece
                await author.write(("content_block_stop", {"type": "content_block_stop", "index": 1}))
                await author.write(("message_stop", {"type": "message_stop"}))
                await author.end(Outcome.COMPLETED, message={"id": "msg_1", "content": CONTENT})
            body += piece
    assert body.count(b"event: relay.partial") == 1
    assert body.index(b"content_block_stop") < body.index(b"relay.partial") < body.index(b"relay.end")


@pytest.mark.parametrize("query", ["partial=0", "partial=", "partial=true", "partial=1&partial=2"])
async def test_partial_is_1_or_nothing(front: Served, query: str) -> None:
    author = await half(front)
    refused = await get(front, f"/v1/streams/{author.stream_id}/events?{query}")
    assert refused.status_code == 400
    assert refused.json()["error"] == {
        "type": "invalid_request_error",
        "message": "partial: must be 1, or left out",
    }


async def test_a_schema_is_looked_at_beside_the_loop_however_small(
    front: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    here = threading.current_thread()
    monkeypatch.setattr(structured, "check", lambda _: seen.append(threading.current_thread() is here))
    asked = {"prompt": "hi", "relay": {"delivery": "final", "validate": True}}
    async with httpx.AsyncClient(base_url=front.url) as http:
        assert (await http.post("/v1/streams", json=asked)).status_code == 202
    assert seen == [False]


async def test_what_cannot_be_validated_is_refused_and_nothing_is_stored(front: Served, redis: Redis) -> None:
    asked = {"prompt": "hi", "relay": {"delivery": "final", "validate": True}}
    schema = {"format": {"type": "json_schema", "schema": {"type": "objekt"}}}
    async with httpx.AsyncClient(base_url=front.url) as http:
        for more, why in (({}, "needs a JSON schema"), ({"output_config": schema}, "objekt")):
            refused = await http.post("/v1/streams", json=asked | more)
            assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")
            assert refused.json()["error"]["message"].startswith("relay.validate: ")
            assert why in refused.json()["error"]["message"]
    assert not await redis.exists("ks:{queue}:jobs")
