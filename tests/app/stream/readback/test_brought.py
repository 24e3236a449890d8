"""What a call had brought, from its log: the same as its worker would have said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from app.dev.simulator.answer.events import frames as events_of
from app.dev.simulator.answer.plan import plan
from app.dev.simulator.prompts import parse
from app.stream import frames
from app.stream.ledger.usage import Brought
from app.stream.log import Claim, Log
from app.stream.readback.brought import Bringing, brought_of
from tests.app.stream.telling import accept
from worker.rawjson.codec import loads
from worker.upstream.message import GatheredMessage
from worker.upstream.sse import Parser

Events = list[tuple[bytes, bytes]]

PROMPTS = {
    "text": "Hello",
    "thinking": "[[sim: thinking tokens=30]]",
    "tool": '[[sim: tool=get_weather tool-input="{\\"city\\":\\"Łódź\\",\\"days\\":[1,2.5]}"]]',
    "refusal": "[[sim: refusal]]",
    "hostile": "[[sim: hostile]]",
    "citations": "[[sim: citations tokens=5]]",
    "nothing": "[[sim: tokens=0]]",
}
STRANGE: list[Any] = [
    {"type": "message_start", "message": {"model": 7, "usage": [1]}},
    {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 3, "output_tokens": 1, "x": None}}},
    {"type": "message_start", "message": {"model": "second", "usage": {}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "fallback", "to": {"model": "bold"}}},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": "begun 🐢"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "ż\ud800"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "thinking_delta", "thinking": "elsewhere"}},
    {"type": "content_block_delta", "index": 9, "delta": {"type": "text_delta", "text": "nowhere"}},
    {"type": "content_block_delta", "index": [], "delta": {"type": "text_delta", "text": "nowhere"}},
    {"type": "content_block_start", "content_block": {"type": "server_tool_use", "input": {}}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"a":'}},
    {"type": "message_delta", "delta": None, "usage": {"output_tokens": 99}},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 5, "input_tokens": None},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "more"}},
    {"type": "message_delta", "delta": {"stop_reason": 7}, "usage": {"cache_read_input_tokens": 2}},
]


def answered(prompt: str) -> Events:
    body = {"model": "claude-sonnet-5", "max_tokens": 500, "messages": [{"role": "user", "content": prompt}]}
    told = b"".join(frame for frame, _ in events_of(plan(body, parse(prompt)), "msg_1"))
    return [(name or b"", data) for name, data in Parser().feed(told) if name != b"ping"]


def strange() -> Events:
    return [(event["type"].encode(), json.dumps(event).encode()) for event in STRANGE]


def each(events: Events) -> Iterator[tuple[Brought, Brought]]:
    """After each event: as the log tells it, and as a worker has gathered it."""
    log, gathered = Bringing(), GatheredMessage()
    offset, crc = frames.origin("st_1")
    for name, data in events:
        raw, offset, crc = frames.encode(name, data, offset, crc)
        log.take(raw)
        gathered.add(loads(data), data)
        yield log.brought, gathered.brought(whole=name == b"message_stop")


@pytest.mark.parametrize("events", [*map(answered, PROMPTS.values()), strange()], ids=[*PROMPTS, "strange"])
def test_it_is_the_same_wherever_the_call_was_cut(events: Events) -> None:
    assert Bringing().brought == GatheredMessage().brought(whole=False)
    for from_log, of_worker in each(events):
        assert from_log == of_worker


def test_output_that_follows_the_last_count_was_not_counted() -> None:
    counted = [from_log.counted for from_log, _ in each(strange())]
    assert counted == [False] * 12 + [True, False, False]


async def test_it_is_read_of_the_newest_attempt(redis: Redis) -> None:
    log, claim = Log(redis), Claim("st_1", 1, "w/1")
    position = await accept(log, "st_1")
    await log.begin(claim)
    told, where = b"", position
    for name, data in [*answered("one")[:5], (b"relay.reset", b'{"attempt":2,"reason":"x"}')]:
        raw, *after = frames.encode(name, data, *where)
        told, where = told + raw, frames.Position(*after)
    base = where.offset
    for name, data in answered("[[sim: tokens=8]]")[:6]:
        raw, *after = frames.encode(name, data, *where)
        told, where = told + raw, frames.Position(*after)
    await log.append(claim, position.offset, told, {"base": base, "content": "1"})
    assert await brought_of(log, "st_1") == list(each(answered("[[sim: tokens=8]]")[:6]))[-1][1]


TURNS = [*answered(PROMPTS["tool"]), (b"relay.tool", b'{"tool_use_id":"t1"}'), *answered(PROMPTS["text"])]


def test_of_several_turns_it_is_the_newest_call_s() -> None:
    [*_, (brought, _)] = each(TURNS)
    [*_, (alone, _)] = each(answered(PROMPTS["text"]))
    assert brought == alone


@pytest.mark.parametrize("left", [0, 1, 4])
def test_of_a_turn_that_broke_nothing_counts_but_what_came_after_it(left: int) -> None:
    reset = (b"relay.reset", b'{"attempt":3,"reason":"cut","turn":2}')
    text = answered(PROMPTS["text"])
    [*_, (brought, _)] = each([*TURNS[:-2], reset, *text[:left]])
    assert brought == (list(each(text))[left - 1][0] if left else Brought())
