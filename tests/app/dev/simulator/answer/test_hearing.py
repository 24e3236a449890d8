from typing import Any

from app.dev.simulator.answer.hearing import asked_at, directive_text, rounds_of_results, told

CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "clock", "input": {"x": 1}}]}
RESULT: dict[str, Any] = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "noon"}]}
PAUSED = {"role": "assistant", "content": [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]}


def test_turns_are_counted_since_somebody_last_said_something() -> None:
    question = {"role": "user", "content": "Time?"}
    earlier = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}, question]
    assert [directive_text([*earlier, *more]) for more in ([], [CALL, RESULT], [PAUSED], [CALL, RESULT] * 2)] == [
        ("Time?", 1), ("Time?", 2), ("Time?", 2), ("Time?", 3)
    ]  # fmt: skip
    spoken = {"role": "user", "content": [*RESULT["content"], {"type": "text", "text": "And?"}]}
    assert directive_text([*earlier, CALL, spoken]) == ("And?", 1)
    assert (asked_at([*earlier, CALL, spoken]), rounds_of_results([*earlier, CALL, spoken])) == (4, 1)


def test_results_are_told_with_their_calls_and_no_older_ones() -> None:
    messages = [{"role": "user", "content": "Time?"}, CALL, RESULT]
    noon = {"tool_use_id": "a", "name": "clock", "input": {"x": 1}, "content": "noon", "is_error": False}
    assert told(messages) == [noon]
    assert told([*messages, {"role": "assistant", "content": "Noon"}, {"role": "user", "content": "Thanks"}]) == []
