"""An answer as far as it has come: its text, what it waits for, and what is said of its ending."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.clients.python.keepstream import Event
from app.terminal.answer import Answer, clean, clean_json, figures, first_token, resumed, verdict
from app.terminal.exits import Exit, exit_of


def after(*events: tuple[str, Any]) -> Answer:
    answer = Answer()
    for name, data in events:
        answer.take(Event(name, data, ""))
    return answer


def text(words: str) -> tuple[str, Any]:
    return "content_block_delta", {"delta": {"type": "text_delta", "text": words}}


def tool(name: str, given: str) -> list[tuple[str, Any]]:
    return [
        ("content_block_start", {"content_block": {"type": "tool_use", "name": name, "input": {}}}),
        ("content_block_delta", {"delta": {"type": "input_json_delta", "partial_json": given}}),
        ("content_block_stop", {}),
    ]


def test_deltas_are_one_text() -> None:
    assert after(text("Hel"), text("lo")).text == "Hello"


def test_texts_on_both_sides_of_a_tool_are_apart() -> None:
    result = ("relay.tool", {"name": "clock", "content": "12:00", "is_error": False, "elapsed_ms": 200})
    assert after(
        text("Let me see."), *tool("clock", '{"zone":"UTC"}'), result, ("message_start", {}), text("Noon.")
    ).text == ("Let me see.\n\n`clock zone: UTC`\n\n`clock → 12:00 · 0.2 s`\n\nNoon.")


def test_a_turn_that_begins_again_leaves_those_before_it() -> None:
    result = ("relay.tool", {"name": "clock", "content": "12:00", "is_error": False})
    reset = ("relay.reset", {"attempt": 2, "reason": "worker_lost", "turn": 2})
    begun = (("message_start", {}), *tool("clock", "{}"), result, ("message_start", {}), text("It is "))
    before = "`clock`\n\n`clock → 12:00`"
    answer = after(*begun, reset)
    assert (answer.text, answer.attempt, answer.kept) == (before, 2, len(before))
    again = after(*begun, reset, ("message_start", {}), text("Noon."))
    assert again.text == f"{before}\n\nNoon."
    assert after(*begun, ("relay.reset", {"attempt": 2, "reason": "lost"})).kept == 0


def test_who_has_to_be_asked_is_known_until_there_is_a_result() -> None:
    asks = ("relay.approval", {"tool_use_id": "t1", "name": "pay", "input": {"usd": 5}})
    given = ("relay.tool", {"tool_use_id": "t1", "name": "pay", "content": "No.", "is_error": True})
    assert (after(asks).asked, after(asks).status) == ({"t1": "`pay usd: 5`"}, "waiting for approval")
    assert after(asks, given).asked == {}


def test_texts_that_follow_each_other_are_one_paragraph() -> None:
    start = ("content_block_start", {"content_block": {"type": "text", "text": ""}})
    assert after(start, text("The sky "), start, text("is blue.")).text == "The sky is blue."


@pytest.mark.parametrize(
    ("status", "shown", "wait"),
    [
        ({"state": "queued", "position": 3}, "in the line, place 3", 0.0),
        ({"state": "thinking", "silent_ms": 42_900}, "thinking, silent for 42 s", 0.0),
        ({"state": "held", "retry_in_ms": 1500}, "the limit of the Claude API is reached", 1.5),
        ({"state": "running", "elapsed_ms": 2000, "output_tokens": 412}, "writing, 412 tokens", 0.0),
        ({"state": "waiting"}, "waiting for approval", 0.0),
        ({"state": "of a later version"}, "thinking", 0.0),
    ],
)
def test_what_is_told_beside_the_log_is_shown(status: dict[str, Any], shown: str, wait: float) -> None:
    answer = after(("message_start", {}), ("relay.status", status))
    assert (answer.status, answer.wait) == (shown, wait)


def test_a_reset_voids_what_came() -> None:
    answer = after(text("old"))
    assert answer.text == "old"
    for name, data in (text("older"), ("relay.reset", {"attempt": 2, "reason": "worker_lost"}), text("new")):
        answer.take(Event(name, data, ""))
    assert (answer.text, answer.attempt, answer.reason) == ("new", 2, "worker_lost")


@pytest.mark.parametrize(
    ("event", "status", "wait"),
    [
        (("relay.status", {"state": "queued", "position": 3}), "in the line, place 3", 0),
        (("message_start", {}), "thinking", 0),
        (("content_block_delta", {"delta": {"type": "thinking_delta", "thinking": "hm"}}), "thinking", 0),
        (tool("clock", "")[0], "calling clock", 0),
        (
            ("relay.retry", {"attempt": 2, "reason": "overloaded_error", "retry_in_ms": 2500}),
            "Claude is overloaded; trying again",
            2.5,
        ),
        (
            ("relay.retry", {"attempt": 2, "reason": "cut", "retry_in_ms": 500}),
            "the Claude API failed (cut); trying again",
            0.5,
        ),
        (text("x"), "", 0),
        (("relay.end", {"outcome": "completed"}), "", 0),
    ],
)
def test_what_is_waited_for_is_told(event: tuple[str, Any], status: str, wait: float) -> None:
    answer = after(event)
    assert (answer.status, answer.wait) == (status, wait)


@pytest.mark.parametrize("data", [None, [], "x", {}, {"delta": 1}, {"delta": {"type": "text_delta", "text": 1}}])
def test_what_nobody_knows_yet_is_passed_over(data: Any) -> None:
    names = ("content_block_delta", "content_block_start", "message_start", "relay.status", "something_new")
    assert after(*((name, data) for name in names)).text == ""


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("completed", Exit.COMPLETED),
        ("truncated", Exit.TRUNCATED),
        ("refused", Exit.REFUSED),
        ("cancelled", Exit.CANCELLED),
        ("failed", Exit.FAILED),
        ("expired", Exit.FAILED),
        ("something new", Exit.FAILED),
    ],
)
def test_an_ending_is_an_exit_code_and_a_word(outcome: str, code: Exit) -> None:
    assert exit_of(outcome) is code
    assert bool(verdict({"outcome": outcome})) == (code is not Exit.COMPLETED)


def test_a_failure_is_told_with_its_message() -> None:
    end = {"outcome": "failed", "error": {"type": "api_error", "message": "no\x1b[2J"}}
    assert verdict(end) == "failed: no\N{REPLACEMENT CHARACTER}[2J"


@pytest.mark.parametrize(
    ("end", "seconds", "said"),
    [
        (
            {"outcome": "completed", "usage": {"output_tokens": 80}, "cost_usd": 0.0039},
            2.0,
            "80 tokens · 40/s · $0.0039",
        ),
        ({"outcome": "truncated", "usage": {"output_tokens": 80}, "cost_usd": None}, None, "80 tokens"),
        ({"outcome": "completed", "usage": {"output_tokens": 80}, "cost_usd": None}, 0.1, "80 tokens"),
        ({"outcome": "completed", "usage": None, "cost_usd": None}, 1.0, ""),
        ({"outcome": "cancelled", "usage": {"output_tokens": 1}, "cost_usd": 0.1}, 1.0, ""),
    ],
)
def test_figures_are_told_as_far_as_they_are_known(end: dict[str, Any], seconds: float | None, said: str) -> None:
    assert figures(end, seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, ""), (0.042, "first token in 0.04s"), (12.34, "first token in 12.3s")]
)
def test_how_long_the_first_token_took_where_that_was_seen(seconds: float | None, said: str) -> None:
    assert first_token(seconds) == said


def test_json_holds_the_same_and_steers_no_terminal() -> None:
    value = {"a\x9b": '\x1b[2J \x7f \u202e ż 😀 \\ "'}
    line = clean_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(line) == value
    assert clean(line) == line
    assert "ż" in line


def test_a_lost_connection_leaves_a_word_behind() -> None:
    assert [resumed(times) for times in range(3)] == [
        "",
        "resumed after a lost connection",
        "resumed after 2 lost connections",
    ]


def test_line_ends_are_one_kind_and_nothing_steers() -> None:
    assert clean("a\r\nb\rc\td") == "a\nb\nc\td"
    assert set(clean("".join(map(chr, [*range(9), *range(14, 32), *range(127, 160), 0x202E, 0xD800])))) == {"\ufffd"}
