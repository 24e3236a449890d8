"""A function as a tool: what the model is told of it, and that it is called."""

from __future__ import annotations

import threading

import orjson

from worker.tools.functions import runnable_of
from worker.tools.tool import ToolContext

CONTEXT = ToolContext("ann", "st_1", "toolu_1")


def weather(city: str, days: int = 1) -> str:
    """Tells the weather.

    Args:
        city: Where.
    """
    return f"{city} {days} {threading.current_thread() is threading.main_thread()}"


async def test_signature_and_docstring_are_what_the_model_is_told() -> None:
    tool = runnable_of(weather).tool
    schema = orjson.loads(tool.input_schema)
    assert (tool.name, tool.description) == ("weather", "Tells the weather.")
    assert schema["required"] == ["city"]
    assert schema["properties"]["city"]["description"] == "Where."


async def test_a_plain_function_has_a_thread_of_its_own() -> None:
    assert await runnable_of(weather).body({"city": "Rome"}, CONTEXT) == "Rome 1 False"
