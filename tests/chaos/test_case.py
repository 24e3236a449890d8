"""The checker of `make chaos` sees what it is there for."""

from __future__ import annotations

import random

import pytest

from app.dev.simulator.prompts import parse
from app.stream import frames
from app.stream.endings import Outcome, end_data
from tests.chaos.case import Case
from tests.chaos.load.asks import WHOLE, Fault, ask, small
from tests.harness.reader import Sight, ViolationError

STREAM = "st_" + 32 * "0"
TEXT = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}'


def log_of(*events: tuple[str, str], calls: int = 1, outcome: Outcome = Outcome.COMPLETED) -> bytes:
    position, raw = frames.origin(STREAM), b""
    for name, data in events:
        frame, *where = frames.encode(name.encode(), data.encode(), *position)
        position, raw = frames.Position(*where), raw + frame
    frame, _ = frames.encode_json("relay.end", end_data(outcome, attempts=calls), position)
    return raw + frame


def case(*sights: bytes, fault: Fault = WHOLE) -> Case:
    made = small(1, random.Random(1), fault)  # noqa: S311 - any will do
    return Case(STREAM, made, 0.0, sights=[Sight(STREAM, seen=bytearray(seen)) for seen in sights])


def whole(one: Case) -> tuple[tuple[str, str], ...]:
    text = one.ask.expected.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return ("message_start", "{}"), ("content_block_delta", TEXT % text), ("message_stop", "{}")


def test_what_was_promised_passes() -> None:
    one = case()
    log = log_of(*whole(one))
    one.sights = [Sight(STREAM, seen=bytearray(log)), Sight(STREAM, seen=bytearray(log[-100:]))]
    one.sights[1].seen.clear()
    one.judge(log)
    assert (one.outcome, one.judge_calls(1, 0)) == ("completed", "")
    assert not any(sight.seen for sight in one.sights)


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ((("message_start", "{}"), ("relay.end", "{}")), "2 endings"),
        ((("message_start", "{}"), ("message_start", "{}"), ("message_stop", "{}")), "two answers"),
        ((("message_start", "{}"), ("content_block_delta", TEXT % "a")), "without message_stop"),
    ],
)
def test_a_log_that_breaks_the_law_is_seen(events: tuple[tuple[str, str], ...], what: str) -> None:
    with pytest.raises(ViolationError, match=what):
        case().judge(log_of(*events))


def test_a_log_that_does_not_prove_itself_is_seen() -> None:
    one = case()
    log = log_of(*whole(one))
    with pytest.raises(ViolationError, match="does not prove itself"):
        one.judge(log.replace(b"text_delta", b"text_Delta", 1))


def test_a_reader_that_saw_something_else_is_seen() -> None:
    one = case(b"not the log")
    with pytest.raises(ViolationError, match="not the log's end"):
        one.judge(log_of(*whole(one)))
    other = log_of(("message_start", "{}"), ("content_block_delta", TEXT % "another"), ("message_stop", "{}"))
    with pytest.raises(ViolationError, match="another text"):
        case(other).judge(other)


def test_an_ending_that_nobody_asked_for_is_seen() -> None:
    with pytest.raises(ViolationError, match="cancelled by nobody"):
        case().judge(log_of(("message_start", "{}"), outcome=Outcome.CANCELLED))


RETRIED = ("relay.retry", '{"attempt":2,"reason":"worker_lost","retry_in_ms":0}')
REFUSED = ("relay.retry", '{"attempt":1,"reason":"rate_limit_error","retry_in_ms":0}')


def test_calls_that_were_not_told_are_seen_and_hands_that_changed_without_a_cause() -> None:
    one = case()
    one.judge(log_of(*whole(one)))
    assert "paid more calls" in one.judge_calls(2, 0)
    assert one.judge_calls(2, 1) == ""
    again = case()
    again.judge(log_of(RETRIED, *whole(again), calls=2))
    assert "disturbed by nothing" in again.judge_calls(2, 0)
    assert again.judge_calls(2, 1) == ""


def test_a_refused_call_is_none() -> None:
    one = case()
    one.judge(log_of(REFUSED, *whole(one)))
    assert one.judge_calls(2, 0) == ""
    assert "disturbed by nothing" in one.judge_calls(1, 0)


def test_the_prompts_say_what_the_simulator_understands() -> None:
    dice = random.Random(7)  # noqa: S311 - the same each time
    asked = [ask(number, dice) for number in range(1, 301)]
    for one in asked:
        assert parse(one.text).tag == one.tag
    assert sum(one.size > 2_000_000 for one in asked) == 3
    assert sum(one.large for one in asked) == 15
