"""However a call is left, its line is closed once, and says how it was left."""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.stream.ledger.lines import Calls, Open
from app.stream.ledger.usage import Brought, Cost
from app.watch.events import of_processes
from tests.harness.heard import heard
from worker.life.calling.ledger import Ledger
from worker.life.interrupt import Interrupt, Why
from worker.log.writer import FullLogError
from worker.rawjson.codec import dumps
from worker.upstream import failure
from worker.upstream.failure import Failure, UpstreamError
from worker.upstream.message import GatheredMessage

START = {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}}


def reading(*, begun: bool) -> Any:
    message = GatheredMessage()
    if begun:
        message.add(START, dumps(START))
    return SimpleNamespace(message=message)


def ledger(interrupt: Interrupt | None = None) -> Ledger:
    return Ledger(Calls(), lambda *_: Cost(7), interrupt or Interrupt())


def refusal(status: int) -> UpstreamError:
    return UpstreamError(Failure("r", "r", "no", status, request_id="req_2"))


@pytest.mark.parametrize(
    ("left_by", "before", "after"),
    [
        (None, "complete", "complete"),
        (refusal(429), "refused", "cut"),
        (refusal(529), "refused", "cut"),
        (refusal(500), "failed", "cut"),
        (refusal(400), "failed", "cut"),
        (UpstreamError(failure.LOST), "failed", "cut"),
        (FullLogError(), "cut", "cut"),
        (asyncio.CancelledError(), "cut", "cut"),
        (ValueError("ours"), "failed", "cut"),
        (KeyboardInterrupt(), "cut", "cut"),
    ],
)
def test_it_says_how_it_was_left(left_by: BaseException | None, before: str, after: str) -> None:
    """`after`: where its message had begun."""
    for begun, state in ((False, before), (True, after)):
        found = ledger()
        with contextlib.suppress(BaseException), found.call("asked", reading(begun=begun)):
            found.answered("req_1")
            if left_by is not None:
                raise left_by
        [line] = found.calls.lines
        assert (found.calls.open, line.state, line.model) == (None, state, "m" if begun else "asked")
        assert line.cost_usd == (7e-9 if begun else 0)
        told = isinstance(left_by, UpstreamError) and left_by.failure.request_id
        assert line.request_id == (told or "req_1")


@pytest.mark.parametrize(("why", "state"), [(Why.STALLED, "failed"), (Why.SILENT, "failed"), (Why.DRAINED, "cut")])
def test_a_silence_that_was_too_long_is_the_upstream_s(why: Why, state: str) -> None:
    interrupt = Interrupt()
    found = ledger(interrupt)
    with contextlib.suppress(asyncio.CancelledError), found.call("m", reading(begun=False)):
        interrupt.stop(why)
        raise asyncio.CancelledError
    assert found.calls.lines[0].state == state


def test_a_call_that_was_announced_is_not_opened_again() -> None:
    found = ledger()
    found.announce("m")
    with found.call("m", reading(begun=True)):
        assert (found.calls.made, found.calls.open) == (1, Open("m"))
    assert found.calls.made == 1


def test_one_that_was_not_made_is_none() -> None:
    found = ledger()
    found.announce("m")
    found.withdraw()
    assert found.final == Calls()


def test_what_another_left_open_is_closed_by_what_stands() -> None:
    found = Ledger(Calls().opened("m").answered("req_1"), lambda *_: Cost(7), Interrupt())
    found.settle(Brought("answered", b'{"input_tokens":3}', output_bytes=1))
    found.settle(Brought())
    [line] = found.final.lines
    assert (line.state, line.model, line.request_id, line.estimated) == ("cut", "answered", "req_1", True)


def test_a_price_that_fails_loses_neither_the_answer_nor_the_line() -> None:
    found = Ledger(Calls(), cast("Any", lambda *_: 1 // 0), Interrupt())
    with heard() as events, found.call("m", reading(begun=True)):
        pass
    assert (found.calls.open, found.calls.made, len(found.calls.lines)) == (None, 1, 1)
    assert [type(event) for event in events] == [of_processes.Fault]


def test_what_a_call_used_is_told_once_and_of_one_that_used_nothing_nothing_is() -> None:
    told: list[tuple[str, int, int]] = []
    found = Ledger(
        Calls(),
        lambda *_: Cost(7),
        Interrupt(),
        lambda model, before, after: told.append((model, after.input - before.input, after.nano - before.nano)),
    )
    with contextlib.suppress(UpstreamError), found.call("m", reading(begun=False)):
        raise refusal(529)
    for _ in range(2):
        with found.call("m", reading(begun=True)):
            pass
    assert found.final.made == 3
    assert told == [("m", 3, 7), ("m", 3, 7)]
