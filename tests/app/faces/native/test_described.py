"""What `GET /v1/streams/{id}` shows of an answer of several turns; of others see `test_routes.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.approvals.approvals import Verdict
from app.stream.workers.offers import Offers, written
from tests.app.faces.native.calls.test_approving import ASK, asked
from tests.app.faces.native.test_offered_tools import CLOCK
from tests.app.served import Served


@pytest.fixture
async def http(front: Served, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    await Offers(redis, 10.0).say("a worker", written([CLOCK])[0])
    async with httpx.AsyncClient(base_url=front.url) as client:
        yield client


async def test_what_was_said_so_far_and_what_is_to_be_decided_is_shown(
    front: Served, http: httpx.AsyncClient, redis: Redis
) -> None:
    author = await asked(front, http)
    calls = [{"type": "tool_use", "id": call, "name": "pay", "input": {}} for call in ("toolu_1", "toolu_2")]
    said = orjson.dumps({"id": "msg_1", "role": "assistant", "stop_reason": "tool_use", "content": calls})
    asks = {"ask:toolu_1": orjson.dumps(ASK), "ask:toolu_2": orjson.dumps(ASK | {"tool_use_id": "toolu_2"})}
    fields = {"turn": "1", "turn:1": said, "content": "0", **asks}
    await redis.hset(keys.meta(author.stream_id), mapping=fields)  # type: ignore[misc]  # redis-py's types mix both clients
    shown = (await http.get(f"/v1/streams/{author.stream_id}")).json()
    assert shown["turns"] == [orjson.loads(said)]
    assert [one["tool_use_id"] for one in shown["approvals"]] == ["toolu_1", "toolu_2"]
    await front.front.streams.queue.approvals.decide(author.stream_id, "toolu_1", Verdict(approve=True))
    assert [one["tool_use_id"] for one in (await http.get(f"/v1/streams/{author.stream_id}")).json()["approvals"]] == [
        "toolu_2"
    ]
    await http.post(f"/v1/streams/{author.stream_id}/cancel")
    shown = (await http.get(f"/v1/streams/{author.stream_id}")).json()
    assert (shown["turns"], shown["message"], shown["partial"]) == ([orjson.loads(said)], orjson.loads(said), True)
    assert (shown["stop_reason"], "approvals" in shown) == ("tool_use", False)
    assert (await http.get(f"/v1/streams/{author.stream_id}/message")).status_code == 409


async def test_nothing_is_shown_early_of_what_is_to_be_seen_whole_but_what_a_person_is_to_decide(
    front: Served, http: httpx.AsyncClient, redis: Redis
) -> None:
    author = await asked(front, http, delivery="final")
    call = {"type": "tool_use", "id": "toolu_1", "name": "pay", "input": {}}
    fields = {"turn": "1", "turn:1": orjson.dumps({"content": [call]}), "ask:toolu_1": orjson.dumps(ASK)}
    await redis.hset(keys.meta(author.stream_id), mapping=fields)  # type: ignore[misc]  # redis-py's types mix both clients
    shown = (await http.get(f"/v1/streams/{author.stream_id}")).json()
    assert (shown["turns"], shown["approvals"]) == ([], [ASK])
