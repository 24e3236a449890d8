"""The turns of a stream, as its meta keeps them, whatever stands there."""

from __future__ import annotations

from redis.asyncio import Redis

from app.stream import keys
from app.stream.log import Log
from app.stream.readback.steps import Steps, asks_of, calls_of, steps_of

STREAM = "st_steps"
FIRST = b'{"content":[{"type":"tool_use","id":"a"},{"type":"text","text":"x"},{"type":"tool_use","id":"b"}]}'
LAST = b'{"content":[{"type":"tool_use","id":"c"},{"type":"tool_use","id":"d"}]}'


async def test_messages_and_results_are_found_by_the_number_of_turns(redis: Redis) -> None:
    log = Log(redis)
    await log.open(
        STREAM, {"turn": "2", "turn:1": FIRST, "turn:2": LAST, "result:a": "1", "result:c": "3", "result:x": "?"}
    )
    meta = await log.meta(STREAM, "turn", "turns") or {}
    assert await steps_of(log, STREAM, meta | {"turns": b"2"}, LAST) == Steps((FIRST,), {"a": b"1", "c": b"3"})
    assert (await steps_of(log, STREAM, meta | {"turns": b"3"}, b"{}")).messages == (FIRST, LAST)
    assert await steps_of(log, STREAM, meta) == Steps((FIRST, LAST), {"a": b"1", "c": b"3"})
    assert await steps_of(log, STREAM, {}) == await steps_of(log, STREAM, {"turn": b"many"}) == Steps()
    await redis.delete(keys.meta(STREAM))
    assert await steps_of(log, STREAM, meta) == Steps()


def test_calls_are_read_from_whatever_a_model_wrote() -> None:
    assert calls_of(FIRST) == ["a", "b"]
    for odd in (b"", b"[]", b"{", b'{"content":5}', b'{"content":[5,{"type":"tool_use"},{"type":"tool_use","id":5}]}'):
        assert calls_of(odd) == []


async def test_a_person_is_to_decide_what_has_no_verdict(redis: Redis) -> None:
    log = Log(redis)
    ask = '{"tool_use_id":"%s","name":"pay","input":{"n":1}}'
    asks = {f"ask:{call}": ask % call for call in ("c", "d")}
    await log.open(STREAM, {"turn": "2", "turn:2": LAST, **asks, "verdict:c": "{}", "ask:a": ask % "a"})
    assert await asks_of(log, STREAM, {"turn": b"2"}) == [{"tool_use_id": "d", "name": "pay", "input": {"n": 1}}]
    assert await asks_of(log, STREAM, {"turn": b"1"}) == await asks_of(log, STREAM, {}) == []
