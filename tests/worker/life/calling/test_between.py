"""What is written between two calls."""

from __future__ import annotations

import orjson
import pytest

from app.stream import frames
from tests.worker.life.test_record import record
from worker.life.calling.between import announce_call
from worker.life.steps import Restart, Retry


async def test_a_retry_is_told_with_the_attempt_that_follows() -> None:
    found = record(attempt=b"1")
    announce_call(found, Retry("worker_lost", 0.25))
    append = found.writer.take()
    assert append is not None
    assert b'{"attempt":2,"reason":"worker_lost","retry_in_ms":250}' in append.data


@pytest.mark.parametrize(
    ("meta", "told", "base"),
    [
        ({}, {"attempt": 2, "reason": "worker_lost"}, True),
        ({"turn": b"1"}, {"attempt": 2, "reason": "worker_lost"}, True),
        ({"turn": b"2", "turn:1": b"{}"}, {"attempt": 2, "reason": "worker_lost", "turn": 2}, False),
    ],
)
async def test_a_restart_names_the_turn_that_broke_where_readers_keep_those_before(
    meta: dict[str, bytes], told: dict[str, object], *, base: bool
) -> None:
    """The first turn is all there is: whoever comes without an id begins behind its reset."""
    found = record(attempt=b"1", content=b"1", tools=b'["clock"]', **meta)
    announce_call(found, Restart("worker_lost", 0.0))
    append = found.writer.take()
    assert append is not None
    [frame] = frames.split(append.data)
    assert (frame.name, orjson.loads(frame.data)) == ("relay.reset", told)
    assert ("base" in append.fields, append.fields["content"]) == (base, "0")
