"""What the model hears of answers of several turns: never a call without its result."""

from __future__ import annotations

from typing import Any

import pytest

from app.faces.conversations.history import STOPPED, plan, upstream_messages
from app.faces.conversations.prompt import results_turn
from app.intake.raw_json import InvalidPromptError, fields_of
from app.stream.errors import NoCallError

USE, RESULT = (
    {"type": "tool_use", "id": "t1", "name": "clock", "input": {}},
    {"type": "tool_result", "tool_use_id": "t1"},
)
STEP = [{"role": "assistant", "content": [USE]}, {"role": "user", "content": [RESULT]}]
NOON = [{"type": "text", "text": "noon"}]


def stepped(outcome: str, content: list[dict[str, Any]], *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "msg_b", "role": "assistant", "outcome": outcome, "content": content, "steps": list(steps), **more}


def asked(name: str, text: str = "when?") -> dict[str, Any]:
    return {"id": name, "role": "user", "content": [{"type": "text", "text": text}]}


def roles(*messages: dict[str, Any]) -> list[tuple[str, list[str]]]:
    heard = upstream_messages([asked("msg_a"), *messages])
    return [(one["role"], [block["type"] for block in one["content"]]) for one in heard]


def test_the_turns_of_an_answer_are_heard_before_its_last() -> None:
    said = stepped("completed", NOON, *STEP)
    assert roles(said, asked("msg_c")) == [
        ("user", ["text"]),
        ("assistant", ["tool_use"]),
        ("user", ["tool_result"]),
        ("assistant", ["text"]),
        ("user", ["text"]),
    ]


def test_of_a_failed_answer_no_turn_is_heard() -> None:
    assert roles(stepped("failed", [USE], *STEP, partial=True), asked("msg_c")) == [("user", ["text", "text"])]


def test_of_a_cancelled_one_those_are_heard_whose_calls_have_their_results() -> None:
    open_call = {"role": "assistant", "content": [USE | {"id": "t2"}]}
    said = stepped("cancelled", [USE | {"id": "t3"}], *STEP, open_call, partial=True)
    heard = upstream_messages([asked("msg_a"), said, asked("msg_c")])
    assert [one["role"] for one in heard] == ["user", "assistant", "user"]
    assert heard[1]["content"] == [USE]
    assert [block["type"] for block in heard[2]["content"]] == ["tool_result", "text", "text"]
    assert heard[2]["content"][1]["text"] == STOPPED


def test_a_turn_that_the_api_paused_needs_no_results() -> None:
    paused = {"role": "assistant", "content": [{"type": "text", "text": "wait"}]}
    assert roles(stepped("completed", NOON, paused)) == [("user", ["text"]), ("assistant", ["text", "text"])]


def test_results_answer_the_calls_of_the_last_answer_with_what_ours_brought() -> None:
    theirs, ours = USE | {"id": "t2"}, {**RESULT, "content": "12:00"}
    last = stepped("completed", [USE, theirs], stop_reason="tool_use", tool_results=[ours])
    turn = results_turn(fields_of(b'{"results":[{"tool_use_id":"t2","content":"x"}]}'), "cv_1")
    made = plan(turn, [asked("msg_a"), last], "msg_c", 0)
    assert made.add is not None
    assert [block["tool_use_id"] for block in made.add["content"]] == ["t1", "t2"]
    assert roles(last, made.add)[1:] == [
        ("assistant", ["tool_use", "tool_use"]),
        ("user", ["tool_result", "tool_result"]),
    ]
    for nothing in ([], [asked("msg_a")], [last | {"stop_reason": "end_turn"}], [last | {"outcome": "cancelled"}]):
        with pytest.raises(NoCallError):
            plan(turn, nothing, "msg_c", 0)
    with pytest.raises(InvalidPromptError, match="t2"):
        plan(results_turn(fields_of(b'{"results":[]}'), "cv_1"), [last], "msg_c", 0)
