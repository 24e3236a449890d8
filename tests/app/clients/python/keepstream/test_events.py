"""Events as a program meets them: by class, by name, and by what they add to the text."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from app.clients.python.keepstream import (
    Approval,
    End,
    Event,
    InvalidAnswerError,
    Partial,
    Reset,
    Retry,
    Status,
    ToolResult,
)
from app.clients.python.keepstream.events import event_of


def read(name: str, /, **data: Any) -> Event:
    return event_of(name, json.dumps(data), "1")


@pytest.mark.parametrize(
    ("event", "text", "thinking"),
    [
        ({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hello"}}, "Hello", ""),
        ({"type": "content_block_start", "content_block": {"type": "text", "text": "Hel"}}, "Hel", ""),
        ({"type": "content_block_start", "content_block": {"type": "tool_use", "name": "x"}}, "", ""),
        ({"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "Hm"}}, "", "Hm"),
        ({"type": "content_block_delta", "delta": {"type": "of_later", "text": "x"}}, "", ""),
        ({"type": "content_block_delta", "delta": None}, "", ""),
        ({"type": "content_block_delta", "delta": {"type": "text_delta", "text": 1}}, "", ""),
        ({}, "", ""),
    ],
)
def test_what_an_event_adds(event: dict[str, Any], text: str, thinking: str) -> None:
    found = read("content_block_delta", **event)
    assert (type(found), found.text, found.thinking) == (Event, text, thinking)


def test_each_of_ours_has_names_for_what_is_in_it() -> None:
    reset = read("relay.reset", attempt=2, reason="worker_lost")
    assert isinstance(reset, Reset)
    assert (reset.attempt, reset.reason, reset.text, reset.turn) == (2, "worker_lost", "", None)
    of_a_turn = read("relay.reset", attempt=2, reason="worker_lost", turn=3)
    assert isinstance(of_a_turn, Reset)
    assert of_a_turn.turn == 3
    retry = read("relay.retry", attempt=2, reason="overloaded_error", retry_in_ms=1500)
    assert isinstance(retry, Retry)
    assert (retry.attempt, retry.reason, retry.retry_in) == (2, "overloaded_error", 1.5)
    status = read("relay.status", state="queued", position=3)
    assert isinstance(status, Status)
    assert (status.state, status.position, status.silent, status.retry_in) == ("queued", 3, None, None)
    held = read("relay.status", state="held", retry_in_ms=200)
    assert isinstance(held, Status)
    assert (held.retry_in, held.position) == (0.2, None)
    tool = read("relay.tool", tool_use_id="t", name="clock", content="noon", is_error=False, elapsed_ms=3)
    assert isinstance(tool, ToolResult)
    assert (tool.tool_use_id, tool.name, tool.content, tool.is_error) == ("t", "clock", "noon", False)
    assert tool.elapsed == 0.003
    approval = read("relay.approval", tool_use_id="t", name="pay", input={"usd": 5})
    assert isinstance(approval, Approval)
    assert (approval.tool_use_id, approval.name, approval.input) == ("t", "pay", {"usd": 5})
    partial = read("relay.partial", index=1, value=[1])
    assert isinstance(partial, Partial)
    assert (partial.index, partial.value) == (1, [1])
    running = read("relay.status", state="running", elapsed_ms=1500, output_tokens=412)
    assert isinstance(running, Status)
    assert (running.elapsed, running.output_tokens) == (1.5, 412)
    error = {"type": "api_error", "message": "x"}
    end = read(
        "relay.end", outcome="failed", stop_reason=None, usage=None, cost_usd=0.5, attempts=3, turns=2, error=error
    )
    assert isinstance(end, End)
    assert (end.outcome, end.stop_reason, end.usage, end.cost_usd, end.attempts) == ("failed", None, None, 0.5, 3)
    assert (end.error, end.turns) == (error, 2)


@pytest.mark.parametrize(
    "name", ["relay.reset", "relay.retry", "relay.status", "relay.partial", "relay.approval", "relay.tool", "relay.end"]
)
@pytest.mark.parametrize("data", ["{}", "[]", "null", '"x"', "1"])
def test_one_that_is_bare_or_odd_is_still_one(name: str, data: str) -> None:
    event = event_of(name, data, "")
    for one in dir(type(event)):
        if isinstance(getattr(type(event), one), property):
            getattr(event, one)


def test_whatever_is_not_known_is_handed_out_as_it_came() -> None:
    event = event_of("relay.of_later", '{"half": "\\ud800"}', "7")
    assert event == Event("relay.of_later", {"half": "\ud800"}, "7")
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.id = "8"  # type: ignore[misc]


def test_a_program_can_match_on_them() -> None:
    match read("relay.end", outcome="truncated", cost_usd=None):
        case End(outcome="truncated", cost_usd=None):
            pass
        case other:
            pytest.fail(str(other))


@pytest.mark.parametrize("data", ["", "{", "[" * 99_999])
def test_what_is_no_json_is_told(data: str) -> None:
    with pytest.raises(InvalidAnswerError, match="'x' came without JSON"):
        event_of("x", data, "")
