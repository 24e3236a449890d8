"""What has happened to a stream: its stage moves by the table alone, and what it costs stands before it counts."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.settings import Settings
from app.stream.frames import origin
from app.stream.ledger.lines import Calls, CallState, Open, calls_of
from app.stream.ledger.usage import Brought, Cost
from app.stream.log import Begun, Claim, Status
from app.stream.stages import Cause, NoWayError, Stage
from app.watch.events import of_streams
from tests.harness.heard import heard
from worker.life import decide
from worker.life.decide import Reason
from worker.life.ending.accounting import account_of
from worker.life.interrupt import Interrupt, Interruption
from worker.life.record import Record
from worker.life.steps import HandOver, Restart, Start
from worker.log import commit
from worker.tools.toolbox import Toolbox

PRICES = SimpleNamespace(cost=lambda *_: Cost(7))
REQUEST = b'{"model":"m","max_tokens":5,"messages":[]}'


class Commits:
    def ready(self, _: object) -> None:
        """What is written is taken by the test."""


def services_of(toolbox: object) -> Any:
    return cast("Any", SimpleNamespace(settings=Settings(), committer=Commits(), prices=PRICES, toolbox=toolbox))


def record(
    *,
    counted: bool = False,
    stalled: bool = False,
    toolbox: object = None,
    interrupt: Interrupt | None = None,
    times: int = 1,
    **meta: bytes,
) -> Record:
    begun = Begun(Status.OK, 5000, 0, origin("st_1"), {"request": REQUEST, "model": b"m", **meta}, counted)
    claim, services = Claim("st_1", 1, "w/1", times, stalled=stalled), services_of(toolbox or Toolbox())
    return Record(claim, services, interrupt or Interrupt(), begun)


def written(found: Record) -> dict[str, Any]:
    append = found.writer.take()
    return dict(append.fields) if append is not None else {}


def calls(fields: dict[str, Any]) -> Calls:
    """Taken out of the fields of a write."""
    return calls_of(fields.pop("calls"), 0, "")


@pytest.mark.parametrize(
    ("meta", "stage"),
    [
        ({}, Stage.WAITING),
        ({"attempt": b"1"}, Stage.LOST),
        ({"attempt": b"1", "content": b"1"}, Stage.LOST),
        ({"attempt": b"1", "handed_over": b"1"}, Stage.HANDED_OVER),
        ({"attempt": b"1", "handed_over": b"1", "content": b"1"}, Stage.HANDED_OVER),
        ({"held": b"1"}, Stage.HELD),
        ({"attempt": b"1", "held": b"1"}, Stage.HELD),
        ({"content": b"1"}, Stage.LOST),  # whatever the counts say: something stands
    ],
)
async def test_a_stream_is_where_its_last_holder_left_it(meta: dict[str, bytes], stage: Stage) -> None:
    assert record(**meta).stage is stage


async def test_it_moves_by_the_table_or_not_at_all() -> None:
    found = record()
    with pytest.raises(NoWayError):
        found.happens(Cause.TURN)
    with pytest.raises(NoWayError):
        found.go(decide.on_message(Stage.CONTENT, None).way)
    assert found.stage is Stage.WAITING
    way, step = found.first(Reason.WORKER_LOST)
    found.go(way)
    assert (found.stage, step) == (Stage.BETWEEN, Start())
    found.make_call()
    assert found.stage is Stage.CALLING


async def test_a_call_that_was_counted_and_not_made_is_taken_back_with_what_comes_next() -> None:
    found = record(counted=True, attempt=b"1")
    assert (found.stage, found.progress.attempts) == (Stage.WAITING, 0)
    found.go(found.first(Reason.WORKER_LOST).way)
    await found.count()
    assert (found.progress.attempts, found.uncounted) == (1, {})
    assert found.ledger.calls.open == Open("m")
    found.uncount()
    taken_back = dict(found.uncounted)
    assert (found.progress.attempts, calls(taken_back), taken_back) == (0, Calls(), {"attempt": 0})


async def test_a_call_whose_count_the_log_did_not_take_is_counted_again() -> None:
    found = record()
    found.go(found.first(Reason.WORKER_LOST).way)
    counting = asyncio.create_task(found.count())
    await asyncio.sleep(0)
    fields = written(found)
    assert calls(fields) == Calls().opened("m")
    assert fields == {"attempt": 1, "handed_over": "0", "held": "0"}
    found.writer.refuse(Status.CONFLICT)
    with pytest.raises(Interruption):
        await counting
    found.uncount()
    found.resume(Begun(Status.OK, 5000, 0, origin("st_1"), {"request": REQUEST, "model": b"m"}, counted=False))
    again = asyncio.create_task(found.count())
    await asyncio.sleep(0)
    fields = written(found)
    assert calls(fields) == Calls().opened("m")
    assert fields == {"attempt": 1, "handed_over": "0", "held": "0"}
    found.writer.answered()
    with pytest.raises(Interruption):  # nobody has cleared the reason here
        await again


async def test_an_append_that_cannot_be_made_is_told_once_and_of_whom_it_is() -> None:
    found = record(owner=b"me")
    with heard() as events:
        commit.refuse(found.writer, ValueError("a secret"))
    assert events == [of_streams.AppendRefused(found.chronicle.of, Status.REFUSED, "ValueError")]
    assert found.chronicle.of.owner == "me"


async def test_who_leaves_the_line_is_not_held_any_more_also_where_its_first_call_was_counted_as_it_began() -> None:
    found = record(counted=True, attempt=b"1", held=b"1")
    found.go(found.first(Reason.HELD).way)
    await found.count()
    assert written(found) == {"held": "0"}


async def test_what_stands_in_a_log_is_what_counts_where_the_meta_says_that_it_was_held() -> None:
    found = record(attempt=b"1", held=b"1", content=b"1")
    assert found.first(found.checkpoint.reason).step == Restart(Reason.WORKER_LOST, 0.0)


async def test_a_worker_that_stood_still_costs_the_stream_nothing_where_it_had_called() -> None:
    found = record(stalled=True, attempt=b"2", free=b"1")
    assert (found.progress.charged, written(found)) == (0, {"free": 2, "stalls": 1})
    assert record(stalled=True, attempt=b"2", handed_over=b"1").progress.charged == 2


async def test_a_call_that_its_holder_did_not_live_to_close_is_closed_and_written() -> None:
    found = record(attempt=b"1")
    assert found.ledger.calls.open == Open("m")
    found.settle(Brought("m", b'{"input_tokens":3}', output_bytes=8))
    [line] = calls(written(found)).lines
    assert (line.state, bytes(line.usage), line.request_id) == ("cut", b'{"input_tokens":3,"output_tokens":2}', None)


async def test_what_a_log_has_lost_of_the_ledger_is_written_again() -> None:
    left = Calls().opened("m").closed(CallState.CUT, Brought(), PRICES.cost)
    found = record(attempt=b"1", calls=left.encode())
    found.resume(Begun(Status.OK, 5000, 0, origin("st_1"), {"request": REQUEST, "model": b"m"}, counted=False))
    assert calls(written(found)) == left


async def test_nothing_is_left_open_at_the_end() -> None:
    found = record(attempt=b"1")
    assert [line.state for line in account_of(found).calls.lines] == ["cut"]


async def test_a_drain_puts_the_stream_down_with_its_count() -> None:
    found = record(attempt=b"1")
    found.go(found.first(Reason.WORKER_LOST).way)
    way, step = decide.on_drain(found.stage, found.progress)
    assert step == HandOver(free=0)
    found.go(way)
    assert found.stage is Stage.HANDED_OVER
