"""What a worker knows of a stream's turns, and what it makes of a log that does not know it any more."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.stream.stages import When
from worker.life.asking.asked import Asked
from worker.life.tooling.loop import Loop, unasked
from worker.life.tooling.turns import Turns, turns_of
from worker.tools.tool import Result, Tool

ASKED = Asked(tools=("pay", "look"), max_turns=10)
OFFERED: Mapping[str, Tool] = {
    "pay": Tool("pay", "", b"{}", repeatable=False),
    "look": Tool("look", "", b"{}", repeatable=True),
}
MESSAGE = (
    b'{"content":[{"type":"tool_use","id":"p","name":"pay","input":{}},'
    b'{"type":"tool_use","id":"l","name":"look","input":{}}],"stop_reason":"tool_use"}'
)
RESULT = Result(b'"done"', is_error=False, elapsed_ms=1)


def due(**meta: bytes) -> Turns:
    return turns_of({"turn": b"1", "turn:1": MESSAGE, **meta})


def running(*started: str) -> Loop:
    """A loop in whose first turn the calls run, of which these have started."""
    loop = Loop(ASKED, Turns(), b"{}")
    loop.finish(MESSAGE, loop.uses_of(MESSAGE))
    loop.begin(loop.plan(OFFERED).once)
    for use in loop.uses:
        if use.id in started:
            loop.started(use)
    return loop


@pytest.mark.parametrize(
    ("meta", "found"),
    [
        ({}, {When.DUE}),
        ({"began": b'["p"]'}, {When.BROKEN}),
        ({"began": b'["p"]', "result:p": b"{}"}, {When.DUE}),
        ({"began": b'["l"]'}, {When.DUE}),
    ],
)
def test_a_holder_finds_whether_tools_are_due_or_broken(meta: dict[str, bytes], found: set[When]) -> None:
    assert Loop(ASKED, due(**meta), b"{}").conditions(OFFERED) == found


def test_between_two_turns_nothing_is_due() -> None:
    assert Loop(ASKED, turns_of({"turn": b"2", "turn:1": MESSAGE}), b"{}").conditions(OFFERED) == frozenset()


def test_what_a_worker_does_not_offer_is_taken_for_what_must_not_run_twice() -> None:
    assert Loop(ASKED, due(began=b'["p"]'), b"{}").conditions({}) == {When.BROKEN}


def test_a_log_that_lost_a_result_is_told_it_again_and_nothing_is_run_again() -> None:
    loop = running("p")
    loop.result(loop.uses[0], RESULT)
    loop.resume(due())
    assert loop.conditions(OFFERED) == {When.DUE}
    assert [use.id for use in loop.plan(OFFERED).run] == ["l"]
    assert "p" in loop.turns.results
    assert "p" not in loop.logged


def test_what_runs_here_is_not_broken_by_a_log_that_begins_anew() -> None:
    loop = running("p")
    loop.resume(due(began=b'["p"]'))
    assert loop.conditions(OFFERED) == {When.BROKEN}
    loop.running = {"p"}
    assert loop.conditions(OFFERED) == {When.DUE}


def test_what_never_started_here_is_not_broken_although_the_log_says_that_it_began() -> None:
    loop = running()
    loop.resume(due(began=b'["p"]'))
    assert loop.conditions(OFFERED) == {When.DUE}
    assert loop.plan(OFFERED).once == {"p"}


def test_a_log_that_lost_a_turn_whose_tool_ran_and_must_not_run_twice_ends_the_stream() -> None:
    """The model would be asked again, and would call it again, by another name."""
    loop = running("p")
    loop.result(loop.uses[0], RESULT)
    loop.resume(Turns())
    assert loop.conditions(OFFERED) == {When.BROKEN}
    other = running("l")
    other.resume(Turns())
    assert other.conditions(OFFERED) == frozenset()


def test_what_was_about_to_run_and_did_not_is_the_next_holder_s_to_run() -> None:
    loop = running()
    assert loop.withdraw() == {"began": b"[]"}
    assert running("p").withdraw() == {"began": b'["p"]'}


def test_turns_that_cannot_be_told_apart_are_unreadable() -> None:
    doubled = MESSAGE.replace(b'"id":"l"', b'"id":"p"')
    assert not Loop(ASKED, turns_of({"turn": b"1", "turn:1": doubled}), b"{}").readable


def test_who_calls_what_was_not_offered_is_told_so() -> None:
    told = unasked("x" * 500)
    assert told.is_error
    assert len(told.content) < 200
