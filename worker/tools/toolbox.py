"""The tools of a worker, and one call of one of them.

The rule: `run` has a result for the model whatever happens, and raises nothing but its own cancellation.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app import surrogates
from worker.tools.tool import Call, Result, Tool, ToolContext

Body = Callable[[Mapping[str, Any], ToolContext], Awaitable[object]]
WORDS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Runnable:
    """A tool, and what is awaited for a call of it."""

    tool: Tool
    body: Body


class RefusedError(Exception):
    """A call that is not run; its words are for the model."""


class Toolbox:
    def __init__(self, runnables: Iterable[Runnable] = ()) -> None:
        self._runnables = {runnable.tool.name: runnable for runnable in runnables}

    @property
    def offered(self) -> Mapping[str, Tool]:
        """What can be called now, by name."""
        return {name: runnable.tool for name, runnable in self._runnables.items()}

    async def run(self, call: Call) -> Result:
        """What the model is told of its call."""
        started = time.monotonic()
        try:
            runnable = self._allowed(call)
            given = await self._within(runnable, _arguments(call.input), call)
            content, is_error = surrogates.dumps(given), False
        except Exception as error:  # noqa: BLE001  # whatever a tool raises is for the model to hear
            content, is_error = surrogates.dumps(str(error)[:WORDS_MAX] or type(error).__name__), True
        return Result(content, is_error, round((time.monotonic() - started) * 1000))

    def _allowed(self, call: Call) -> Runnable:
        runnable = self._runnables.get(call.name)
        if runnable is None or not runnable.tool.may(call.owner):
            raise RefusedError(f"There is no tool {call.name[:128]!r} here.")
        return runnable

    async def _within(self, runnable: Runnable, arguments: Mapping[str, Any], call: Call) -> object:
        context = ToolContext(call.owner, call.stream_id, call.tool_use_id)
        try:
            async with asyncio.timeout(runnable.tool.seconds):
                return await runnable.body(arguments, context)
        except TimeoutError:
            raise RefusedError(f"The tool gave no result within {runnable.tool.seconds:g} s.") from None


def _arguments(text: bytes) -> Mapping[str, Any]:
    try:
        value = surrogates.loads(text)
    except ValueError:
        raise RefusedError("The input is no JSON.") from None
    if not isinstance(value, dict):
        raise RefusedError("The input must be a JSON object.")
    return value
