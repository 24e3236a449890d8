"""A function as a tool: what the model is told of it, and that it is called."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any, Literal

import orjson
import pytest

from worker.tools.functions.decorator import Options
from worker.tools.functions.runnable import NoToolError, runnable_of
from worker.tools.tool import ToolContext

CONTEXT = ToolContext("ann", "st_1", "toolu_1")


def weather(city: str, day: date, unit: Literal["c", "f"] = "c") -> str:
    """Tells the weather.

    And more of it.

    Args:
        city: Where.
        day: When.
    """
    return f"{city} {day:%A} {unit} {threading.current_thread().name}"


async def whose(mine: ToolContext, other: ToolContext | None = None) -> str:
    assert other is mine
    return mine.owner


def test_signature_and_docstring_are_what_the_model_is_told() -> None:
    tool = runnable_of(weather, Options(name="wetter", repeatable=True, owners=("ann",))).tool
    schema = orjson.loads(tool.input_schema)
    assert (tool.name, tool.description) == ("wetter", "Tells the weather.\n\nAnd more of it.")
    assert schema["required"] == ["city", "day"]
    assert schema["properties"]["city"]["description"] == "Where."
    assert schema["properties"]["unit"]["enum"] == ["c", "f"]
    assert schema["additionalProperties"] is False
    assert (tool.repeatable, tool.approve, tool.owners) == (True, False, ("ann",))


def test_a_plain_function_is_for_a_thread_and_is_given_what_its_hints_say() -> None:
    runnable = runnable_of(weather)
    assert runnable.plain
    assert runnable.body({"city": "Rome", "day": "2026-01-01"}, CONTEXT) == "Rome Thursday c MainThread"


async def test_who_calls_is_told_to_who_wants_to_know_and_to_no_model() -> None:
    runnable = runnable_of(whose)
    assert not runnable.plain
    assert orjson.loads(runnable.tool.input_schema).get("properties", {}) == {}
    assert await runnable.body({}, CONTEXT) == "ann"


def positional(a: int, /) -> None: ...
def rows(*rows: int) -> None: ...
def unknown(a: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821
def odd(a: threading.Lock) -> None: ...
def anything(**anything: Any) -> None: ...


@pytest.mark.parametrize("function", [positional, rows, unknown, odd, lambda: None], ids=lambda one: one.__name__)
def test_what_cannot_be_a_tool_says_why(function: Any) -> None:
    with pytest.raises(NoToolError, match=r"\w"):
        runnable_of(function)


def test_what_takes_anything_is_a_tool() -> None:
    assert runnable_of(anything).schema.fault_of({"a": 1}) == ""
