"""The checkers of loops of tools see what they are there for."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.dev.simulator.prompts import parse
from app.stream import frames
from app.stream.endings import Outcome, end_data
from tests.chaos.load.asks import Fault
from tests.chaos.loops import asks, tools
from tests.chaos.loops.case import Loop, Run, runs_in
from tests.chaos.loops.history import History
from tests.harness.reader import Sight, ViolationError
from worker.tools import ToolContext

STREAM = "st_" + 32 * "0"
Event = tuple[str, dict[str, Any]]
START: Event = ("message_start", {})
STOP: Event = ("message_stop", {"type": "message_stop"})
NO_RUN = "0" * 32


def said(text: str) -> Event:
    return "content_block_delta", {"type": "content_block_delta", "index": 0, "delta": {"text": text}}


def stops(reason: str) -> Event:
    return "message_delta", {"type": "message_delta", "delta": {"stop_reason": reason}}


def calls(*ids: str, name: str = "pay") -> list[Event]:
    """A turn that calls these."""
    kind = "content_block_start"
    blocks = [{"type": "tool_use", "id": one, "name": name} for one in ids]
    begun: list[Event] = [
        (kind, {"type": kind, "index": n, "content_block": block}) for n, block in enumerate(blocks, 1)
    ]
    return [START, said("Well."), *begun, stops("tool_use"), STOP]


def result(call: str, content: str = "", name: str = "pay", *, is_error: bool = False) -> Event:
    told = {"tool_use_id": call, "name": name, "content": content or f"ran {call}", "is_error": is_error}
    return "relay.tool", {**told, "elapsed_ms": 1}


def tells(*results: Event) -> list[Event]:
    """The turn in which the model says what it was told."""
    names = "tool_use_id", "name", "content", "is_error"
    told = json.dumps([{name: data[name] for name in names} for _, data in results])
    return [START, said(told), stops("end_turn"), STOP]


def reset(turn: int | None = None) -> Event:
    return "relay.reset", {"attempt": 2, "reason": "stall", **({} if turn is None else {"turn": turn})}


def asked(call: str, name: str = "sign") -> Event:
    return "relay.approval", {"tool_use_id": call, "name": name, "input": {}}


WHOLE = [*calls("a", "b"), result("b"), result("a"), *calls("c"), result("c"), *tells(*map(result, "abc"))]


def log_of(events: list[Event], turns: int = 3, outcome: Outcome = Outcome.COMPLETED) -> bytes:
    position, raw = frames.origin(STREAM), b""
    for name, data in (*events, ("relay.end", end_data(outcome, attempts=3, turns=turns))):
        frame, position = frames.encode_json(name, data, position)
        raw += frame
    return raw


def judged(events: list[Event], turns: int = 3, **more: Any) -> Loop:
    rng = random.Random(1)  # noqa: S311 - any will do
    one = Loop(STREAM, replace(asks.loop(1, rng), fault=Fault(attempts=3)), 0.0, **more)
    one.judge(log_of(events, turns, Outcome.CANCELLED if one.cancelled else Outcome.COMPLETED))
    return one


def runs(*ids: str, name: str = "pay") -> list[Run]:
    return [Run(name, STREAM, one, f"ran {one}") for one in ids]


def test_what_was_promised_passes() -> None:
    one = judged(WHOLE)
    assert (one.outcome, one.turns, list(one.calls)) == ("completed", 3, ["a", "b", "c"])
    assert (one.judge_calls(3, 0), one.judge_runs(runs(*"abc"))) == ("", [])


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ([*calls("a"), *calls("b")], "begins before turn 1 is done"),
        ([*calls("a", "b"), result("a"), START], "begins before turn 1 is done"),
        ([*tells(), START], "begins before turn 1 is done"),
        ([*calls("a"), said("more")], "outside of a message"),
        ([said("more")], "outside of a message"),
        ([*calls("a"), result("a"), *calls("a")], "two calls are a"),
        ([*calls("a"), result("a"), result("a")], "two results"),
        ([*calls("a"), result("b")], "no call of the turn"),
        ([*calls("a"), result("a"), *calls("b"), result("a")], "no call of the turn"),
        ([START, result("a")], "no call of the turn"),
        ([*calls("a"), result("a", name="look")], "a call of pay"),
        ([*calls("a", name="sign"), asked("a"), asked("a")], "asked twice"),
        ([*calls("a"), reset()], "turn 1 is to be forgotten"),
        ([*calls("a"), result("a"), START, reset()], "turn 1 is to be forgotten"),
        ([*calls("a"), result("a"), START, reset(1)], "turn 1 is to be forgotten"),
        ([*calls("a"), result("a"), START, reset(3)], "turn 3 is to be forgotten"),
        (calls("a"), "told 3 turns, there are 1"),
        ([*calls("a", "b"), result("a"), *calls("c"), result("c"), *tells()], "begins before turn 1 is done"),
        ([*calls("a"), result("a"), *calls("b"), *calls("c")], "begins before turn 2 is done"),
        ([*calls("a"), result("a"), *calls("b"), result("b"), *calls("c")], "a call has no result"),
        ([*calls("a"), result("a"), *calls("b"), result("b"), *calls("c"), result("c")], "another turn than the last"),
        ([*calls("a"), result("a"), *calls("b"), result("b"), *tells(result("a"))], "the model was told"),
        ([*calls("a"), result("a"), *calls("b"), result("b"), *tells(*map(result, "ba"))], "the model was told"),
    ],
)
def test_what_breaks_the_law_of_turns_is_seen(events: list[Event], what: str) -> None:
    with pytest.raises(ViolationError, match=what):
        judged(events)


def test_a_reset_takes_its_turn_alone_away() -> None:
    broken = [*calls("a"), result("a"), START, said("no"), reset(2), *calls("b"), result("b")]
    events = [START, said("no"), reset(), *broken, *tells(*map(result, "ab"))]
    log = log_of(events)
    sight = Sight(STREAM)
    for frame in frames.split(log):
        sight.take(frame.raw[:-2])
    assert bytes(sight.seen) == History.of(log).kept
    assert judged(events, sights=[Sight(STREAM, seen=bytearray(sight.seen))]).resets == 2
    for other in (log, bytes(sight.seen)[1:]):
        with pytest.raises(ViolationError, match="something else"):
            judged(events, sights=[Sight(STREAM, seen=bytearray(other))])


def test_an_ending_as_failed_is_a_tool_s_that_was_interrupted_or_a_fault() -> None:
    one = judged(WHOLE)
    one.error = "tool_interrupted"
    assert "interrupted by nothing" in one.judge_calls(3, 0)
    assert one.judge_calls(3, 1) == ""
    with pytest.raises(ViolationError, match="failed with"):
        one.judge(log_of(WHOLE, outcome=Outcome.FAILED))


def test_what_ran_twice_or_unasked_is_seen_and_a_result_of_no_run() -> None:
    one = judged(WHOLE)
    assert any("pay ran 2 times for a" in wrong for wrong in one.judge_runs(runs(*"aabc")))
    assert any("no run" in wrong for wrong in one.judge_runs(runs(*"ab")))
    assert one.judge_runs([*runs(*"abc"), *runs("x", "x", name="look")]) == []
    signed = judged([*calls("a", name="sign"), asked("a"), result("a", name="sign")], turns=1, cancelled=True)
    assert any("nobody approved" in wrong for wrong in signed.judge_runs(runs("a", name="sign")))
    signed.verdicts = {"a": True}
    assert signed.judge_runs(runs("a", name="sign")) == []
    signed.verdicts = {"a": False}
    assert any("refused, and has the result" in wrong for wrong in signed.judge_runs([]))


def test_the_prompts_say_what_the_simulator_understands() -> None:
    dice = random.Random(7)  # noqa: S311 - the same each time
    asked = [asks.loop(number, dice) for number in range(1, 201)]
    for one in asked:
        assert parse(one.text).tag == one.tag
    assert any(" turn=" in one.text for one in asked)


async def test_each_run_of_a_tool_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tools.FILE, str(tmp_path / "runs"))
    monkeypatch.setattr(tools, "LONGEST_SECONDS", 0.0)
    said = [await tools.pay(ToolContext("", STREAM, "a")) for _ in range(2)]
    found = runs_in((tmp_path / "runs").read_text())
    assert [f"{one.name} {one.run}" for one in found] == said
    assert len({one.run for one in found}) == 2
