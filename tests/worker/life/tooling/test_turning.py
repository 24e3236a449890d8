"""What is written with the end of a turn's message, and what of it follows."""

from __future__ import annotations

from app.stream.stages import Cause, Stage
from tests.worker.life.test_record import record, written
from worker.life.decide import Reason
from worker.life.record import Record
from worker.life.steps import End, RunTools
from worker.life.tooling.turning import complete
from worker.rawjson.codec import dumps
from worker.upstream.reading import Reading

TOOLS = {"tools": b'["clock"]', "max_turns": b"5"}


def answered(stop_reason: str, *ids: str, times: int = 1, **meta: bytes) -> tuple[Record, Reading]:
    found = record(attempt=b"1", times=times, **meta)
    found.go(found.first(Reason.WORKER_LOST).way)
    found.happens(Cause.TURN)
    reading = Reading(lambda *_: None, lambda: None, lambda: 1.0, lambda: None)
    blocks = [{"type": "tool_use", "id": one, "name": "clock", "input": {}} for one in ids]
    for event in (
        {"type": "message_start", "message": {"content": []}},
        *({"type": "content_block_start", "index": n, "content_block": block} for n, block in enumerate(blocks)),
        {"type": "message_delta", "delta": {"stop_reason": stop_reason}},
        {"type": "message_stop"},
    ):
        reading.feed(b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), dumps(event)))
    found.reading = reading
    found.see_content()
    return found, reading


async def test_all_that_the_next_holder_needs_goes_with_the_message_and_its_calls_count_no_more() -> None:
    found, reading = answered("tool_use", "t1", times=3, **TOOLS)
    way, step = complete(found, reading)
    assert (way.to, step) == (Stage.TOOLS, RunTools())
    fields = written(found)
    assert fields.pop("turn:1") == reading.message.json()
    assert fields == {
        "turn": 1,
        "content": "0",
        "free": 1,
        "before": 1,
        "claims": 2,
        "silences": 0,
        "stalls": 0,
    }
    assert found.claims == 2  # of the workers that were lost on the way here
    assert (found.progress.charged, found.progress.content, found.reading) == (0, False, None)


async def test_without_tools_a_message_is_the_end_and_writes_nothing_of_turns() -> None:
    found, reading = answered("tool_use", "t1")
    assert isinstance(complete(found, reading).step, End)
    assert found.reading is reading


async def test_calls_that_cannot_be_told_apart_end_the_stream() -> None:
    found, reading = answered("tool_use", "t1", "t1", **TOOLS)
    end = complete(found, reading).step
    assert isinstance(end, End)
    assert end.error is not None
