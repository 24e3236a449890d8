"""What a front says of a stream that it ends: all that earlier holders left, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from app.intake.ending import FRAME_USAGE_BYTES, ending_of
from app.stream import frames
from app.stream.endings import Outcome
from app.stream.ledger.lines import Calls, CallState, bill_of
from app.stream.ledger.usage import Brought, Cost
from app.stream.log import Begun, Claim, Log, Status
from app.watch.events.subjects import Subject, Trace, request_ids
from tests.app.stream.telling import accept

START = b'{"type":"message_start","message":{"model":"claude-x","usage":%b}}'
USAGE = b'{"input_tokens":10,"output_tokens":1}'
BLOCK = b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'
SAID = b"forty letters, and not a single one more"
TEXT = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%b"}}' % SAID
TOO_LATE = {"type": "timeout_error", "message": "too late"}


def by_token(_model: str, usage: Mapping[str, Any]) -> Cost:
    return Cost(usage["input_tokens"] + usage["output_tokens"])


async def ended(redis: Redis, *events: bytes, error: dict[str, str] | None = None, **fields: Any) -> Any:
    """The ending of a stream whose holder left these events and fields."""
    log, holder = Log(redis), Claim("st_1", 1, "w/1")
    position = await accept(log, "st_1")
    await log.begin(holder)
    told, where = b"", position
    for event in events:
        raw, *after = frames.encode(orjson.loads(event)["type"].encode(), event, *where)
        told, where = told + raw, frames.Position(*after)
    await log.append(holder, 0, told, fields | ({"content": "1"} if events else {}))
    begun = await log.begin(Claim("st_1", 2, "front"))
    return await ending_of(log, "st_1", begun, Outcome.EXPIRED, error, pricing=by_token)


async def test_where_nobody_called_nothing_was_used(redis: Redis) -> None:
    ending = await ended(redis, error=TOO_LATE)
    assert ending.data == {
        "outcome": "expired",
        "stop_reason": None,
        "usage": None,
        "cost_usd": 0,
        "attempts": 0,
        "error": TOO_LATE,
    }
    assert ending.fields.keys() == {"outcome", "attempts", "calls", "cost_usd", "error"}
    assert bill_of(ending.fields).calls == 0


@pytest.mark.parametrize("told_of", [True, False], ids=["its worker told of it", "its worker died before"])
async def test_a_call_that_its_worker_left_open_is_closed_by_what_stands(redis: Redis, *, told_of: bool) -> None:
    left = {"calls": Calls().opened("asked").answered("req_1").encode()} if told_of else {}
    ending = await ended(redis, START % USAGE, BLOCK, TEXT, attempt="1", model="asked", **left)
    [line] = orjson.loads(ending.fields["calls"])["lines"]
    used = {"input_tokens": 10, "output_tokens": 10}
    assert line == {
        "n": 1,
        "request_id": "req_1" if told_of else None,
        "model": "claude-x",
        "state": "cut",
        "usage": used,
        "cost_usd": 2e-8,
        "estimated": True,
    }
    assert (ending.data["usage"], ending.data["estimated"], ending.data["cost_usd"]) == (used, True, 2e-8)
    assert (orjson.loads(ending.fields["usage"]), ending.fields["estimated"]) == (used, "1")
    assert (ending.told.output_tokens, ending.told.cost_usd) == (10, 2e-8)


async def test_what_was_closed_before_stays_and_is_in_the_sum(redis: Redis) -> None:
    cut = Brought("claude-x", b'{"input_tokens":7,"output_tokens":0}', counted=True)
    calls = Calls().opened("m").closed(CallState.CUT, cut, by_token)
    ending = await ended(redis, attempt="1", calls=calls.encode())
    assert ending.fields["calls"] == calls.encode()
    assert (ending.data["usage"], ending.data["cost_usd"]) == (None, 7e-9)


async def test_a_use_that_is_too_long_for_the_frame_stands_in_the_meta(redis: Redis) -> None:
    usage = USAGE[:-1] + b',"more":"%b"}' % (b"x" * FRAME_USAGE_BYTES)
    ending = await ended(redis, START % usage, BLOCK, attempt="1")
    assert ending.data["usage"] == {"input_tokens": 10, "output_tokens": 1}
    assert b"xxx" in ending.fields["usage"]


async def test_it_is_told_where_the_stream_has_its_place_in_its_trace(redis: Redis) -> None:
    log = Log(redis)
    begun = Begun(Status.OK, 0, 0, None, {"owner": b"me", "traceparent": b"00-1-2-01", "tracestate": b"a=1"})
    told = (await ending_of(log, "st_1", begun, Outcome.CANCELLED, None, pricing=by_token)).told
    assert told.of == Subject("st_1", "me", trace=Trace("00-1-2-01", "a=1"))


async def test_it_is_told_by_what_the_stream_s_client_calls_its_request_and_not_who_asks_for_its_end(
    redis: Redis,
) -> None:
    token = request_ids.set(("req_2", "another's"))
    try:
        ending = await ended(redis, client_request_id="theirs")
    finally:
        request_ids.reset(token)
    assert (ending.told.of.request_id, ending.told.of.client_request_id) == ("req_2", "theirs")
