"""A directive's value is what was meant, or refused in words that go on from its name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dev.simulator import values


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (values.flag, None, True),
        (values.truth, "false", False),
        (values.count, "12", 12),
        (values.rate, "0", 0),
        (values.rate, "0.001", 0.001),
        (values.seconds, "1.5", 1.5),
        (values.status, "529", 529),
        (values.text, "", ""),
        (values.optional_text, None, ""),
        (values.json_object, '{"a":1}', {"a": 1}),
    ],
)
def test_it_is_what_was_meant(read: Callable[[str | None], Any], text: str | None, value: Any) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *[
            (values.flag, "x"),
            (values.truth, "1"),
            (values.truth, None),
            (values.text, None),
            (values.json_object, "[]"),
        ],
        *[(read, text) for read in (values.count, values.seconds) for text in (None, "x", "-1", "50000001", "nan")],
        *[(values.rate, text) for text in ("-1", "0.0001", "inf", "nan")],
        *[(values.status, "200"), (values.status, "600"), (values.json_object, "{"), (values.count, "1.5")],
    ],
)
def test_what_cannot_be_meant_is_refused(read: Callable[[str | None], Any], text: str | None) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # any
        read(text)
    assert values.number_error(refused.value).startswith(("is ", "takes ", "needs "))


@given(st.text(max_size=12))
def test_whatever_is_written_is_a_value_or_refused(text: str) -> None:
    for read in values.FORMS:
        with suppress(ValueError):
            read(text)


@pytest.mark.parametrize("wrong", [",a", "a,", "a{", 'a{"b":}', "a b", ";", "a!!", "a;;b", "!"])
def test_calls_that_say_nothing_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|needs) "):
        values.tool_turns(wrong)


def test_calls_of_several_turns() -> None:
    assert values.tool_turns(None) == ((values.ToolCall("*"),),)
    assert values.tool_turns(' a , b!{"x": [1]} ; mcp__c~ ') == (
        (values.ToolCall("a"), values.ToolCall("b", {"x": [1]}, breaks=True)),
        (values.ToolCall("mcp__c", broken=True),),
    )
