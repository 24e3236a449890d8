"""An answer of several turns, as a conversation keeps it."""

from __future__ import annotations

from typing import Any

import orjson

from app.stream.conversations import answer_steps, turns
from app.stream.readback.steps import Steps

CALL = {"type": "tool_use", "id": "toolu_1", "name": "clock", "input": {}}
TOLD = {"tool_use_id": "toolu_1", "name": "clock", "content": "12:00", "is_error": False, "elapsed_ms": 3}
BLOCK = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "12:00"}
META = {"outcome": b"completed", "created_at": b"0", "stop_reason": b"end_turn"}


def message(*content: Any) -> bytes:
    return orjson.dumps({"content": list(content)})


def answer(steps: Steps, last: bytes = b"", **meta: bytes) -> dict[str, Any]:
    return turns.answer("st_1", META | {"message": last} | meta, (), 0, steps)


def test_the_turns_before_the_last_are_kept_as_the_api_takes_them() -> None:
    steps = Steps((message(CALL),), {"toolu_1": orjson.dumps(TOLD)})
    said = answer(steps, message({"type": "text", "text": "noon"}))
    assert said["steps"] == [{"role": "assistant", "content": [CALL]}, {"role": "user", "content": [BLOCK]}]
    assert (said["content"], "tool_results" in said) == ([{"type": "text", "text": "noon"}], False)
    failed = Steps((message(CALL),), {"toolu_1": orjson.dumps(TOLD | {"is_error": True})})
    assert answer(failed)["steps"][1]["content"] == [BLOCK | {"is_error": True}]
    assert "steps" not in answer(Steps(), message(CALL))


def test_what_ours_brought_for_the_last_turn_is_kept_beside_it() -> None:
    said = answer(Steps((), {"toolu_1": orjson.dumps(TOLD)}), message(CALL, CALL | {"id": "toolu_2"}))
    assert (said["tool_results"], len(said["content"])) == ([BLOCK], 2)


def test_what_cannot_be_read_or_written_is_left_out() -> None:
    assert answer_steps.before(Steps((message(CALL), b"{", message(CALL)))) == [
        {"role": "assistant", "content": [CALL]}
    ]
    deep: Any = "x"
    for _ in range(250):
        deep = [deep]
    assert "steps" not in answer(Steps((message(CALL | {"input": deep}),)), message())
    assert answer_steps.brought(message(CALL), {"toolu_1": b"5"}) == []


def test_a_part_of_what_was_cancelled_is_marked_and_nothing_of_what_was_to_be_seen_whole() -> None:
    steps = Steps((message(CALL),), {"toolu_1": orjson.dumps(TOLD)})
    cancelled = answer(steps, outcome=b"cancelled")
    assert (cancelled["partial"], cancelled["content"], len(cancelled["steps"])) == (True, [], 2)
    assert "steps" not in answer(steps, outcome=b"cancelled", delivery=b"final")


def test_an_event_carries_none_of_what_is_large() -> None:
    large = Steps((message(CALL),), {"toolu_1": orjson.dumps(TOLD | {"content": "x" * turns.EVENT_CONTENT_BYTES})})
    said = answer(large, message())
    _, event = turns.added(said)
    assert event["message"]["content"] is None
    assert not {"steps", "tool_results"} & event["message"].keys()
