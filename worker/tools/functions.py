"""Functions as tools: what a model is told of one is read from its signature and docstring, by the SDK's decorator.

The rule: a plain function has a thread of its own, an async one shares the worker's loop.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pydantic
from anthropic import beta_tool

from worker.tools.tool import Tool, ToolContext
from worker.tools.toolbox import Runnable


def runnable_of(function: Callable[..., Any], *, repeatable: bool = False) -> Runnable:
    """The tool that a function is."""
    described = beta_tool(function)
    tool = Tool(described.name, described.description, orjson.dumps(described.input_schema), repeatable)
    validated = pydantic.validate_call(function)

    async def body(arguments: Mapping[str, Any], _context: ToolContext) -> object:
        if inspect.iscoroutinefunction(function):
            return await validated(**arguments)
        return await asyncio.to_thread(validated, **arguments)

    return Runnable(tool, body)
