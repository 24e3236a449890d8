"""Whichever way a stream goes, each of its calls is one line of its ledger, and what they cost is the ending's sum."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx
import orjson
import pytest

from app.stream import frames, keys
from app.stream.ledger.lines import Calls, CallState, calls_of
from tests.worker.plain_upstream import EVENT_STREAM, PlainUpstream
from tests.worker.workshop import Stream, Workshop
from worker.life import life
from worker.rawjson.codec import dumps

# Of the worker here: a log is full soon. Of the one that is to wait for nobody: a silence is over soon.
SETTINGS = {"max_log_bytes": 12_000, "retry_wait_max": 20.0}
IMPATIENT = {**SETTINGS, "stall_timeout": 2.0}
SECONDS_MAX = 1800
TAGGED = "[[sim: tag={}]] "


@dataclass(frozen=True)
class Way:
    """A prompt, how its calls end, and what is done meanwhile."""

    prompt: str
    states: str
    outcome: str = "completed"
    cancel_at: int = 0  # when so many frames stand
    fields: dict[str, str | bytes] = field(default_factory=dict)


KEEP: dict[str, str | bytes] = {"on_interrupt": "fail"}
WAYS = {
    "whole": Way("[[sim: tokens=5]]", "complete"),
    "restarted": Way("[[sim: cut-after=3 times=1 tokens=5]]", "cut complete"),
    "kept": Way("[[sim: cut-after=3 tokens=5]]", "cut", "failed", fields=KEEP),
    "garbled": Way("[[sim: bad-json-after=3 times=1 tokens=5]]", "cut complete"),
    "told of an error": Way("[[sim: error-after=3 times=1 tokens=5]]", "cut complete"),
    "tried again": Way("[[sim: status=500 times=1 tokens=5 retry-after=0.01]]", "failed complete"),
    "overloaded": Way("[[sim: status=529 times=2 tokens=5 retry-after=0.01]]", "refused refused complete"),
    "given up": Way("[[sim: status=500 retry-after=0.01]]", "failed failed failed", "failed"),
    "would fail again": Way("[[sim: status=400]]", "failed", "failed"),
    "declined": Way("[[sim: refusal]]", "refused", "refused"),
    "cut before content": Way("[[sim: cut-after=0 times=1 tokens=5]]", "cut complete"),
    "full": Way("[[sim: tokens=500]]", "cut", "failed"),
    "cancelled": Way("[[sim: tokens=500 rate=20 ping=0.1]]", "cut", "cancelled", cancel_at=4),
    "cancelled between calls": Way("[[sim: status=500 retry-after=15]]", "failed", "cancelled", cancel_at=1),
}
SILENT_WAYS = {
    "silent": Way("[[sim: stall-after=2]]", "cut", "failed", fields=KEEP),
    "silent before anything": Way("[[sim: slow-head=60 times=1 tokens=5]]", "failed complete"),
}


async def lived(shop: Workshop, name: str, way: Way) -> tuple[str, Stream]:
    stream_id = await shop.submit(TAGGED.format(name.replace(" ", "-")) + way.prompt, **way.fields)
    if way.cancel_at:
        await shop.until(stream_id, lambda stream: len(stream.frames) >= way.cancel_at)
        await shop.log.cancel(stream_id)
    return stream_id, await shop.ended(stream_id)


def ledger(stream: Stream) -> Calls:
    """Checked: nothing is open, and the ending has the sum."""
    calls = calls_of(stream.meta.get("calls"), 0, "")
    (end,) = stream.data("relay.end")
    assert calls.open is None
    assert [line.n for line in calls.lines] == list(range(1, calls.made + 1))
    assert end["cost_usd"] == calls.cost_usd == stream.json("cost_usd")
    assert calls.sums.nano == sum(round((line.cost_usd or 0) * 10**9) for line in calls.lines)
    return calls


def states(calls: Calls) -> str:
    return " ".join(line.state for line in calls.lines)


@pytest.mark.parametrize(("ways", "settings"), [(WAYS, SETTINGS), (SILENT_WAYS, IMPATIENT)], ids=["", "silent"])
async def test_each_call_is_a_line_whichever_way_its_stream_goes(
    shop: Workshop, ways: dict[str, Way], settings: dict[str, float]
) -> None:
    async with shop.worker(**settings):
        streams = await asyncio.gather(*(lived(shop, name, way) for name, way in ways.items()))
    async with httpx.AsyncClient() as http:
        meter = (await http.get(f"{shop.claude}/_sim/meter")).json()
    made = Counter(one["tag"] for one in meter.values())
    for (name, way), (_, stream) in zip(ways.items(), streams, strict=True):
        calls = ledger(stream)
        assert (name, stream.outcome, states(calls)) == (name, way.outcome, way.states)
        assert (name, made[name.replace(" ", "-")]) == (name, calls.made)
        assert all(line.request_id in meter for line in calls.lines if line.state != CallState.FAILED), name
        for line in calls.lines:
            assert bool(line.cost_usd) == line.used == (line.state in ("complete", "cut")), (name, line)


async def test_a_stream_whose_time_is_up_pays_for_what_came(shop: Workshop) -> None:
    born = str(round((time.time() - SECONDS_MAX + 6) * 1000))
    async with shop.worker():
        stream = await shop.run("[[sim: tokens=500 rate=50]]", created_at=born)
    assert (stream.outcome, states(ledger(stream))) == ("expired", "cut")


async def test_a_log_that_was_lost_loses_no_call(shop: Workshop) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: cut-after=6 times=1 tokens=300 rate=100]]")
        await shop.until(stream_id, lambda stream: "relay.reset" in stream.names and len(stream.frames) > 30)
        await shop.redis.delete(keys.log(stream_id))
        await shop.redis.hdel(keys.meta(stream_id), "calls")
        stream = await shop.ended(stream_id)
    assert (stream.outcome, states(ledger(stream))) == ("completed", "cut cut complete")


@pytest.mark.parametrize("named", [True, False], ids=["which wrote", "which died before it could"])
async def test_the_call_of_a_lost_worker_is_closed_by_the_next(shop: Workshop, *, named: bool) -> None:
    stream_id = await shop.submit("[[sim: tokens=5]]")
    [claim] = await shop.queue.claim("lost", 1, slots=1, lease_ms=1, stream_id=stream_id)
    await shop.log.begin(claim)
    fields: dict[str, str | bytes] = {"attempt": "1"}
    told, position = b"", frames.origin(stream_id)
    if named:
        fields |= {"content": "1", "calls": Calls().opened("asked").answered("req_lost").encode()}
        for name, data in (
            (
                b"message_start",
                b'{"type":"message_start","message":{"model":"claude-sonnet-5","usage":{"input_tokens":9}}}',
            ),
            (
                b"content_block_start",
                b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"begun"}}',
            ),
        ):
            raw, *after = frames.encode(name, data, *position)
            told, position = told + raw, frames.Position(*after)
    await shop.log.append(claim, 0, told, fields)
    async with shop.worker():
        stream = await shop.ended(stream_id)
    lost, _ = ledger(stream).lines
    assert states(ledger(stream)) == "cut complete"
    assert (lost.request_id, lost.estimated) == (("req_lost", True) if named else (None, False))
    assert bytes(lost.usage) == (b'{"input_tokens":9,"output_tokens":2}' if named else b"null")


async def test_who_is_handed_a_stream_finds_its_ledger_closed(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop.worker("first") as parts:
        stream_id = await shop.submit("[[sim: tokens=100 rate=100 stall-after=20 times=1]]")
        await shop.until(stream_id, lambda stream: len(stream.frames) > 5)
        parts.pool.stop_taking()
        for lease in parts.pool.leases.values():
            lease.life.hand_over()
        handed = await shop.until(stream_id, lambda stream: stream.meta.get("handed_over") == b"1")
        assert states(calls_of(handed.meta["calls"], 0, "")) == "cut"
    monkeypatch.setattr(life, "brought_by", None)  # nothing is read back
    async with shop.worker("second"):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, states(ledger(stream))) == ("completed", "cut complete")


async def test_what_the_upstream_tells_apart_is_priced_apart(shop: Workshop) -> None:
    """Another model answered than was asked: in its fast mode, from caches, with searches and with advice."""
    advice = {"type": "advisor_message", "model": "claude-haiku-4-5", "input_tokens": 100, "output_tokens": 10}
    told = {
        "input_tokens": 1000,
        "cache_read_input_tokens": 10_000,
        "cache_creation_input_tokens": 500,
        "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 200},
        "output_tokens": 1,
        "speed": "fast",
    }
    used = {"output_tokens": 50, "server_tool_use": {"web_search_requests": 2}, "iterations": [advice]}
    events: list[dict[str, object]] = [
        {"type": "message_start", "message": {"model": "claude-opus-5", "usage": told}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "advised"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": used},
        {"type": "message_stop"},
    ]
    body = b"".join(b"event: %b\ndata: %b\n\n" % (str(one["type"]).encode(), dumps(one)) for one in events)
    head = EVENT_STREAM + b"request-id: req_1\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
    with PlainUpstream(head + body) as claude:
        async with shop.worker(anthropic_base_url=claude.url):
            stream = await shop.run("")
    [line] = ledger(stream).lines
    assert (line.request_id, line.model, line.state, line.estimated) == ("req_1", "claude-opus-5", "complete", False)
    opus = 1000 * 10 + 10_000 * 1 + 300 * 12.5 + 200 * 20 + 50 * 50  # millionths of a dollar
    assert line.cost_usd == pytest.approx((opus + 2 * 10_000 + 100 * 1 + 10 * 5) / 10**6)
    assert orjson.loads(bytes(line.usage)) == told | used
