"""What a client's tools brought: what is taken, what is refused, and that the bytes that came go on."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.intake.calls.results import RESULTS_MAX, answered, continued, result_block, results_of, turn_of
from app.intake.raw_json import InvalidPromptError, Raw, fields_of, raw

CALL = '{"type":"tool_use","id":"toolu_1","name":"weigh","input":{"kg": 1.10000000000000000001}}'
THOUGHT = '{"type":"thinking","thinking":"\\u00e9","signature":"sig=="}'
MESSAGE = f'{{"id":"msg_1","content":[{THOUGHT},{{"type":"text","text":""}},{CALL}]}}'.encode()


def given(*results: Any) -> Any:
    return results_of(raw(list(results)))


def one(**more: Any) -> dict[str, Any]:
    return {"tool_use_id": "toolu_1", "content": "sunny", **more}


def test_a_result_is_a_block_of_the_api_in_the_bytes_that_came() -> None:
    [result] = results_of(
        Raw(b'[ {"tool_use_id" : "toolu_1","content":[{"type":"text","n":1.0e400}],"is_error":true} ]')
    )
    assert result.tool_use_id == "toolu_1"
    assert result.block == (
        b'{"tool_use_id":"toolu_1","content":[{"type":"text","n":1.0e400}],"is_error":true,"type":"tool_result"}'
    )
    assert given(one(type="tool_result", content=""))[0].block.endswith(b'"type":"tool_result"}')


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (None, "results: must be a list"),
        ({}, "results: must be a list"),
        ("x", "results: must be a list"),
        ([1], "results: must be a list"),
        ([{}], "results: must be a list"),
        ([{"content": "x"}], "results: must be a list"),
        ([{"tool_use_id": 5, "content": "x"}], "results: must be a list"),
        ([{"tool_use_id": "a"}], "results.0.content"),
        ([one(), {"tool_use_id": "a", "content": None}], "results.1.content"),
        ([one(content=5)], "results.0.content"),
        ([one(content=["x"])], "results.0.content"),
        ([one(is_error="yes")], "results.0.is_error"),
        ([one(type="text")], "results.0.type"),
        ([one(tool_use_id="x" * 300)], "results.0.tool_use_id"),
    ],
)
def test_what_is_no_result_is_refused_in_words(results: Any, said: str) -> None:
    with pytest.raises(InvalidPromptError, match=said):
        results_of(None if results is None else raw(results))


@pytest.mark.parametrize(
    "text", [b'{"tool_use_id":"a"}', b'{"tool_use_id":"a","content":"x"}', b"{}", b"1", b'["",""]']
)
def test_millions_of_them_are_refused_before_they_are_there(text: bytes) -> None:
    many = Raw(b"[" + b",".join([text] * 200_000) + b"]")
    with pytest.raises(InvalidPromptError, match="results:"):
        results_of(many)


def test_as_many_as_may_be_are_taken() -> None:
    assert len(given(*[{"tool_use_id": f"a{n}", "content": ""} for n in range(RESULTS_MAX)])) == RESULTS_MAX


def test_a_turn_is_what_was_said_without_texts_that_are_empty() -> None:
    turn = turn_of(MESSAGE)
    assert turn.calls == ("toolu_1",)
    assert [bytes(block) for block in turn.content] == [THOUGHT.encode(), CALL.encode()]
    assert turn_of(b'{"content":"x"}').content == turn_of(b"{}").content == ()


def test_each_call_is_answered_once_and_in_its_order() -> None:
    results = given(one(tool_use_id="b"), one(tool_use_id="a"))
    blocks = answered(("a", "ours", "b"), {"ours": b"{}"}, results)
    assert [orjson.loads(block).get("tool_use_id") for block in blocks] == ["a", None, "b"]
    assert answered((), {}, []) == []


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["a"], 'there is none for "b"'),
        ([], 'there is none for "a", "b"'),
        (["a", "b", "c"], '"c" is no call'),
        (["a", "b", "a"], '"a" is there twice'),
        (["a", "b", "ours"], '"ours" is no call'),
        (["\n" + "x" * 200], r'"\\nx'),
    ],
)
def test_what_is_missing_or_was_never_asked_for_is_named(ids: list[str], said: str) -> None:
    with pytest.raises(InvalidPromptError, match=said):
        answered(("a", "b", "ours"), {"ours": b"{}"}, given(*[one(tool_use_id=name) for name in ids]))


def test_what_a_tool_of_the_workers_brought_is_told_as_the_model_was_told_it() -> None:
    told = {"tool_use_id": "a", "name": "clock", "content": "12:00", "is_error": False, "elapsed_ms": 3}
    assert orjson.loads(result_block(orjson.dumps(told))) == {
        "type": "tool_result",
        "tool_use_id": "a",
        "content": "12:00",
    }
    assert orjson.loads(result_block(orjson.dumps(told | {"is_error": True})))["is_error"] is True


def test_what_goes_on_is_what_was_asked_and_what_was_said_since() -> None:
    asked = b'[{"role":"user","content":"x","n":1.0000000000000000000001} ] '
    turn = turn_of(MESSAGE)
    messages = continued(Raw(asked), [(turn, answered(turn.calls, {}, given(one())))])
    found = orjson.loads(bytes(messages))
    before = orjson.loads(asked)
    assert found[: len(before)] == before
    assert [message["role"] for message in found[len(before) :]] == ["assistant", "user"]
    assert bytes(messages).startswith(asked[:-2])
    assert b"1.10000000000000000001" in bytes(messages)
    assert fields_of(b'{"messages":' + bytes(messages) + b"}")
