"""Functions as tools: what a model is told of one is read from its signature and docstring, by the SDK's decorator.

The rule: a plain function has a thread of its own, an async one shares the worker's loop. A parameter of the type
`ToolContext` is given who calls, and no model hears of it.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

import pydantic
from anthropic import beta_tool

from worker.tools.functions.decorator import NAME, Options
from worker.tools.running.checking import BadSchemaError, InputSchema
from worker.tools.tool import Tool, ToolContext
from worker.tools.toolbox import Runnable


class NoToolError(ValueError):
    """A function that cannot be a tool: what is wrong, and what would be right."""


def runnable_of(function: Callable[..., Any], options: Options | None = None) -> Runnable:
    """The tool that a function is. Raises `NoToolError`."""
    options = options or Options()
    name = options.name or str(getattr(function, "__name__", ""))
    if not NAME.fullmatch(name):
        raise NoToolError(f"{name[:64]!r} can be no tool's name; say another by keepstream_tool(name=...)")
    hidden = _hidden(function)
    try:
        described = beta_tool(_without(function, hidden) if hidden else function, name=name)
        schema = InputSchema(described.input_schema)
        validated = pydantic.validate_call(function)
    except BadSchemaError as error:
        raise NoToolError(f"the schema of its input cannot be used: {error}") from None
    except Exception as error:
        words = str(error).partition("\n")[0]
        raise NoToolError(f"its signature has no schema: {type(error).__name__}: {words}") from error
    tool = Tool(
        name,
        described.description,
        schema.json,
        options.repeatable,
        options.approve,
        options.seconds,
        options.bytes,
        options.owners,
    )

    def given(arguments: Mapping[str, Any], context: ToolContext) -> dict[str, Any]:
        return {**arguments, **dict.fromkeys(hidden, context)}

    if not inspect.iscoroutinefunction(function):
        return Runnable(tool, schema, lambda arguments, context: validated(**given(arguments, context)), plain=True)

    async def body(arguments: Mapping[str, Any], context: ToolContext) -> object:
        return await validated(**given(arguments, context))

    return Runnable(tool, schema, body)


def _hidden(function: Callable[..., Any]) -> tuple[str, ...]:
    """The parameters that are given the context."""
    try:
        hints = typing.get_type_hints(function)
    except Exception as error:
        raise NoToolError(f"its type hints cannot be read: {type(error).__name__}: {error}") from error
    return tuple(name for name, hint in hints.items() if name != "return" and _is_context(hint))


def _is_context(hint: object) -> bool:
    return hint is ToolContext or ToolContext in typing.get_args(hint)


def _without(function: Callable[..., Any], hidden: tuple[str, ...]) -> Callable[..., Any]:
    """Something with the function's signature but for these, to read a schema from."""

    @functools.wraps(function)
    def described() -> None:
        """Never called."""

    del described.__wrapped__  # the signature is to be read from here
    signature = inspect.signature(function)
    kept = [parameter for name, parameter in signature.parameters.items() if name not in hidden]
    described.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    hints = typing.get_type_hints(function, include_extras=True)
    described.__annotations__ = {name: hint for name, hint in hints.items() if name not in hidden}
    return described
