"""`POST /v1/streams/{id}/tool_results`: which streams go on, with what, and who is told what else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from app.settings import Settings
from app.stream import keys
from app.stream.endings import Outcome
from app.stream.workers.offers import Offers, written
from tests.app.faces.native.test_offered_tools import CLOCK
from tests.app.faces.native.test_routes import START
from tests.app.served import Author, Served, served

TOOLS = [{"name": "weather", "input_schema": {"type": "object"}}]
ASKED = {
    "model": "claude-sonnet-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "weather?"}],
    "tools": TOOLS,
}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bern"}}
MESSAGE = {"id": "msg_1", "content": [CALL]}
RESULT = {"tool_use_id": "toolu_1", "content": "sunny"}


@pytest.fixture
async def http(front: Served, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    await Offers(redis, 10.0).say("a worker", written([CLOCK])[0])
    async with httpx.AsyncClient(base_url=front.url) as client:
        yield client


async def called(
    front: Served, http: httpx.AsyncClient, *, message: Any = MESSAGE, headers: Any = None, **body: Any
) -> Author:
    """A stream that has ended with a call of a client's tool."""
    answer = await http.post("/v1/streams", json=ASKED | body, headers=headers)
    assert answer.status_code == 202, answer.text
    author = await front.author()
    await author.write(START)
    await author.end(Outcome.COMPLETED, message=message, stop_reason="tool_use")
    return author


async def give(http: httpx.AsyncClient, stream_id: str, *results: Any, key: str = "", **more: Any) -> httpx.Response:
    headers = {"idempotency-key": key} if key else None
    body = {"results": list(results or (RESULT,)), **more}
    return await http.post(f"/v1/streams/{stream_id}/tool_results", json=body, headers=headers)


async def asked_of(front: Served, answer: httpx.Response) -> Any:
    assert answer.status_code == 202, answer.text
    meta = await front.log.meta(answer.json()["id"], "request")
    assert meta is not None
    return orjson.loads(meta["request"])


async def test_a_new_stream_goes_on_with_all_that_was_said(front: Served, http: httpx.AsyncClient) -> None:
    stream_id = (await called(front, http)).stream_id
    answer = await give(http, stream_id)
    assert await asked_of(front, answer) == ASKED | {
        "messages": [
            *ASKED["messages"],  # type: ignore[misc]  # is a list
            {"role": "assistant", "content": [CALL]},
            {"role": "user", "content": [{"type": "tool_result", **RESULT}]},
        ]
    }
    new = answer.json()["id"]
    assert new != stream_id
    assert answer.headers["location"] == f"/v1/streams/{new}"
    assert answer.json() == {
        "id": new,
        "state": "queued",
        "events_url": f"/v1/streams/{new}/events",
        "cancel_url": f"/v1/streams/{new}/cancel",
    }


async def test_it_may_go_on_again_and_again(front: Served, http: httpx.AsyncClient) -> None:
    first = (await called(front, http)).stream_id
    assert (await give(http, first)).status_code == 202
    author = await front.author()
    call = CALL | {"id": "toolu_2"}
    await author.end(Outcome.COMPLETED, message={"content": [call]}, stop_reason="tool_use")
    asked = await asked_of(front, await give(http, author.stream_id, RESULT | {"tool_use_id": "toolu_2"}))
    assert [message["role"] for message in asked["messages"]] == ["user", "assistant", "user", "assistant", "user"]


async def test_what_was_asked_of_the_relay_holds_unless_it_is_asked_anew(
    front: Served, http: httpx.AsyncClient
) -> None:
    relay = {"on_interrupt": "fail", "delivery": "final", "abandon_after": 30, "cache_prompt": "1h"}
    headers = {"anthropic-beta": "interleaved-thinking-2025-05-14"}
    stream_id = (await called(front, http, relay=relay, headers=headers)).stream_id
    answer = await give(http, stream_id, relay={"abandon_after": 60, "ticket": True}, max_tokens=7)
    assert (await asked_of(front, answer))["max_tokens"] == 7
    assert answer.json()["ticket"]
    meta = await front.log.meta(answer.json()["id"], *relay, "headers") or {}
    assert {name: meta[name].decode() for name in relay} == relay | {"abandon_after": "60"}
    assert orjson.loads(meta["headers"]) == headers


async def test_the_same_again_is_the_same_stream_and_other_results_are_a_conflict(
    front: Served, http: httpx.AsyncClient
) -> None:
    stream_id = (await called(front, http)).stream_id
    answers = await asyncio.gather(*(give(http, stream_id) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {202}
    [new] = {answer.json()["id"] for answer in answers}
    other = await give(http, stream_id, RESULT | {"content": "rain"})
    assert (other.status_code, other.json()["error"]["stream_id"], other.headers["x-keepstream-id"]) == (409, new, new)
    # A key of the client's own makes another stream, and is one as everywhere.
    branch = await give(http, stream_id, RESULT | {"content": "rain"}, key="k")
    assert branch.json()["id"] not in (new, stream_id)
    assert (await give(http, stream_id, RESULT | {"content": "rain"}, key="k")).json()["id"] == branch.json()["id"]
    assert (await give(http, stream_id, key="k")).status_code == 422


async def test_where_it_failed_before_anything_came_the_same_results_are_taken_again(
    front: Served, http: httpx.AsyncClient
) -> None:
    stream_id = (await called(front, http)).stream_id
    first = (await give(http, stream_id)).json()["id"]
    await (await front.author()).fail(529, "overloaded_error", "too much")
    again = await give(http, stream_id)
    assert (again.status_code, again.json()["id"] == first) == (202, False)


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([], 400),
        ([RESULT, RESULT], 400),
        ([RESULT, RESULT | {"tool_use_id": "toolu_0"}], 400),
        ([RESULT | {"content": 5}], 400),
        ([RESULT | {"content": [{"type": "text", "text": "sunny"}], "is_error": True}], 202),
    ],
)
async def test_each_call_is_answered_once(front: Served, http: httpx.AsyncClient, results: Any, status: int) -> None:
    author = await called(front, http)
    answer = await http.post(f"/v1/streams/{author.stream_id}/tool_results", json={"results": results})
    assert answer.status_code == status, answer.text
    if not results:
        assert "toolu_1" in answer.json()["error"]["message"]


async def test_what_our_own_tools_brought_in_the_same_turn_is_not_asked_for(
    front: Served, http: httpx.AsyncClient
) -> None:
    """Turns before the last one are said again, with what they brought."""
    await http.post("/v1/streams", json=ASKED | {"relay": {"tools": ["clock"], "max_turns": 5}})
    author = await front.author()
    clock = {"type": "tool_use", "id": "toolu_a", "name": "clock", "input": {}}
    both = {"content": [clock | {"id": "toolu_b"}, CALL]}
    told = {"name": "clock", "content": "12:00", "is_error": False, "elapsed_ms": 1}
    for call in ("toolu_a", "toolu_b"):
        data = {"tool_use_id": call, **told}
        await author.tell("relay.tool", data, **{f"result:{call}": orjson.dumps(data).decode()})
    turns = {"turn": "2", "turns": "2", "turn:1": {"content": [{"type": "text", "text": ""}, clock]}, "turn:2": both}
    await author.end(Outcome.COMPLETED, message=both, stop_reason="tool_use", **turns)
    shown = (await http.get(f"/v1/streams/{author.stream_id}")).json()
    assert (shown["turns"], shown["message"]) == ([turns["turn:1"], both], both)
    refused = await give(http, author.stream_id, RESULT, {"tool_use_id": "toolu_b", "content": "13:00"})
    assert refused.status_code == 400
    answer = await give(http, author.stream_id)
    told_again = {"type": "tool_result", "content": "12:00"}
    assert (await asked_of(front, answer))["messages"][1:] == [
        {"role": "assistant", "content": [clock]},
        {"role": "user", "content": [told_again | {"tool_use_id": "toolu_a"}]},
        {"role": "assistant", "content": both["content"]},
        {"role": "user", "content": [told_again | {"tool_use_id": "toolu_b"}, {"type": "tool_result", **RESULT}]},
    ]
    meta = await front.log.meta(answer.json()["id"], "tools", "max_turns") or {}
    assert (meta["tools"], meta["max_turns"]) == (b'["clock"]', b"3")


async def test_only_a_stream_that_ended_with_a_call_goes_on(
    front: Served, http: httpx.AsyncClient, redis: Redis
) -> None:
    await http.post("/v1/streams", json=ASKED)
    author = await front.author()
    assert (await give(http, author.stream_id)).status_code == 409
    await author.end(Outcome.COMPLETED, message=MESSAGE, stop_reason="end_turn")
    assert (await give(http, author.stream_id)).status_code == 409
    assert "request" not in (await front.log.meta(author.stream_id, "request") or {})
    assert (await give(http, "st_" + "0" * 32)).status_code == 404
    await redis.delete(keys.meta(author.stream_id), keys.log(author.stream_id))
    assert (await give(http, author.stream_id)).status_code == 410
    whole = await called(front, http)
    for name in ("messages", "prompt"):
        assert (await give(http, whole.stream_id, **{name: "x"})).status_code == 400
    assert (await give(http, whole.stream_id, relay=5)).status_code == 400


async def test_what_was_asked_is_kept_for_who_may_go_on_alone(front: Served, http: httpx.AsyncClient) -> None:
    kept = await called(front, http)
    assert "request" in (await front.log.meta(kept.stream_id, "request") or {})
    await http.post("/v1/streams", json={name: value for name, value in ASKED.items() if name != "tools"})
    author = await front.author()
    await author.end(Outcome.COMPLETED, message=MESSAGE, stop_reason="tool_use")
    assert "request" not in (await front.log.meta(author.stream_id, "request") or {})
    assert (await give(http, author.stream_id)).status_code == 409
    conversation = await front.conversing.create("anonymous", {})
    await http.post(f"/v1/conversations/{conversation.id}/messages", json={"content": "hi", "tools": TOOLS})
    author = await front.author()
    await author.end(Outcome.COMPLETED, message=MESSAGE, stop_reason="tool_use")
    refused = await give(http, author.stream_id)
    assert (refused.status_code, conversation.id in refused.json()["error"]["message"]) == (409, True)


async def test_what_would_be_larger_than_a_body_may_be_is_refused(redis: Redis) -> None:
    async with (
        served(redis, Settings(max_prompt_bytes=2000)) as front,
        httpx.AsyncClient(base_url=front.url) as http,
    ):
        stream_id = (await called(front, http, system="x" * 900)).stream_id
        assert (await give(http, stream_id, RESULT | {"content": "x" * 1000})).status_code == 413
