"""Conversations whose answers use tools: `POST …/tool_results`, and what of several turns is kept and heard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from app.stream.endings import Outcome
from app.stream.workers.offers import Offers, written
from tests.app.faces.native.test_offered_tools import CLOCK
from tests.app.served import Author, Served

TOOLS = [{"name": "weather", "input_schema": {"type": "object"}}]
CALL = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bern"}}
CLOCKED = {"type": "tool_use", "id": "toolu_c", "name": "clock", "input": {}}
TOLD = {"tool_use_id": "toolu_c", "name": "clock", "content": "12:00", "is_error": False, "elapsed_ms": 1}
RESULT = {"tool_use_id": "toolu_1", "content": "sunny"}


@pytest.fixture
async def http(front: Served, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    await Offers(redis, 10.0).say("a worker", written([CLOCK])[0])
    async with httpx.AsyncClient(base_url=front.url) as client:
        yield client


async def called(front: Served, http: httpx.AsyncClient, **body: Any) -> tuple[str, Author]:
    """A conversation whose answer ends with a call of a client's tool, and had one of ours."""
    talk = (await http.post("/v1/conversations", json={})).json()["id"]
    asked = {"content": "weather?", "tools": TOOLS, "relay": {"tools": ["clock"], "max_turns": 5}, **body}
    said = await http.post(f"/v1/conversations/{talk}/messages", json=asked)
    assert said.status_code == 202, said.text
    author = await front.author()
    await author.tell("relay.tool", TOLD, **{"result:toolu_c": orjson.dumps(TOLD).decode()})
    turns = {"turn": "2", "turns": "2", "turn:1": {"content": [CLOCKED]}}
    await author.end(Outcome.COMPLETED, message={"content": [CALL]}, stop_reason="tool_use", **turns)
    return talk, author


async def give(http: httpx.AsyncClient, talk: str, *results: Any, key: str = "", **more: Any) -> httpx.Response:
    headers = {"idempotency-key": key} if key else None
    body = {"results": list(results or (RESULT,)), **more}
    return await http.post(f"/v1/conversations/{talk}/tool_results", json=body, headers=headers)


async def test_results_go_on_with_what_was_asked_and_said(front: Served, http: httpx.AsyncClient) -> None:
    talk, _ = await called(front, http, temperature=0.5)
    kept = (await http.get(f"/v1/conversations/{talk}")).json()["messages"][-1]
    result = {"type": "tool_result", "tool_use_id": "toolu_c", "content": "12:00"}
    assert kept["steps"] == [{"role": "assistant", "content": [CLOCKED]}, {"role": "user", "content": [result]}]
    answer = await give(http, talk, key="k")
    assert answer.status_code == 202, answer.text
    assert (await give(http, talk, key="k")).json() == answer.json() | {"state": "queued"}
    assert (await give(http, talk)).status_code == 409  # one stream at a time
    meta = await front.log.meta(answer.json()["id"], "request", "tools", "max_turns") or {}
    request = orjson.loads(meta["request"])
    assert (request["tools"], request["temperature"]) == (TOOLS, 0.5)
    assert (meta["tools"], meta["max_turns"]) == (b'["clock"]', b"3")
    assert [message["role"] for message in request["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert request["messages"][-1]["content"] == [{**RESULT, "type": "tool_result"}]
    author = await front.author()
    await author.end(
        Outcome.COMPLETED, message={"content": [{"type": "text", "text": "sunny"}]}, stop_reason="end_turn"
    )
    shown = (await http.get(f"/v1/conversations/{talk}")).json()["messages"]
    assert [message["role"] for message in shown] == ["user", "assistant", "user", "assistant"]
    assert (await give(http, talk)).status_code == 409  # nothing is called any more
    markdown = (await http.get(f"/v1/conversations/{talk}/export?format=markdown")).text
    assert markdown.index("12:00") < markdown.index("Bern") < markdown.index("sunny")


async def test_what_is_no_answer_to_a_call_is_refused_and_changes_nothing(
    front: Served, http: httpx.AsyncClient
) -> None:
    talk, _ = await called(front, http)
    before = (await http.get(f"/v1/conversations/{talk}")).json()
    for results in ([RESULT, RESULT], [{**RESULT, "tool_use_id": "toolu_c"}], [{**RESULT, "content": 5}]):
        assert (await give(http, talk, *results)).status_code == 400
    assert (await http.post(f"/v1/conversations/{talk}/tool_results", json={"results": []})).status_code == 400
    for name in ("content", "messages", "after", "regenerate"):
        assert (await give(http, talk, **{name: "x"})).status_code == 400
    assert (await give(http, "cv_" + "0" * 32)).status_code == 404
    assert (await http.get(f"/v1/conversations/{talk}")).json() == before
