"""The tools of a worker, and one call of one of them.

The rule: `run` has a result for the model whatever happens, and raises nothing but its own cancellation. What a tool is
to be given is looked at first; what it raises has no secret in it once it is told; what does not end is left to itself,
and of what is left too often no more is begun.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from app import surrogates
from app.stream.observing import tell
from app.watch.events import of_processes
from worker.rawjson import unreadable
from worker.tools.running.answer import Content, content_of, fault
from worker.tools.running.checking import InputSchema
from worker.tools.running.outcome import Raised, caught, settled
from worker.tools.running.redacted import Redactor
from worker.tools.running.threads import Threads
from worker.tools.tool import BYTES, Call, Result, Tool, ToolContext

# Of one tool's calls so many may go on although nobody waits for them any more: threads cannot be ended.
LEFT_MAX = 8
NAME_SHOWN = 128
# For an input and its schema; nearly all take less than a thousandth of it.
LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Runnable:
    """A tool, and what is called with its arguments; `plain`: in a thread, for it may block."""

    tool: Tool
    schema: InputSchema
    body: Callable[[Mapping[str, Any], ToolContext], Any]
    plain: bool = False


class Toolbox:
    """`others` are asked for those that come and go; a name of `fixed` is never theirs."""

    def __init__(
        self,
        fixed: Iterable[Runnable] = (),
        redact: Redactor | None = None,
        others: Callable[[], Mapping[str, Runnable]] = dict,
    ) -> None:
        self._fixed = {runnable.tool.name: runnable for runnable in fixed}
        self._others = others
        self._redact = redact or Redactor()
        self._threads = Threads()
        self._left: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    def offered(self) -> Mapping[str, Tool]:
        """What can be called now, by name."""
        return {name: runnable.tool for name, runnable in {**self._others(), **self._fixed}.items()}

    async def run(self, call: Call) -> Result:
        """What the model is told of its call."""
        started = time.monotonic()
        try:
            content = await self._content(call)
        except Exception as error:  # noqa: BLE001  # a fault of ours is no reason to end a stream
            tell(of_processes.Fault.met("tool", error))
            content = fault("The tool could not be run.", BYTES)
        return Result(content.json, content.is_error, round((time.monotonic() - started) * 1000))

    async def _content(self, call: Call) -> Content:
        runnable = self._fixed.get(call.name) or self._others().get(call.name)
        if runnable is None or not runnable.tool.may(call.owner):
            return fault(f"There is no tool {call.name[:NAME_SHOWN]!r} here.", BYTES)
        most = runnable.tool.bytes
        arguments = _arguments(call.input)
        if isinstance(arguments, str):
            return fault(arguments, most)
        if self._left[call.name] >= LEFT_MAX:
            return fault("The tool does not answer: earlier calls of it have not ended yet.", most)
        if wrong := await self._wrong(runnable, arguments):
            return fault(f"The input does not fit the tool's schema: {wrong}", most)
        outcome = await self._outcome(runnable, arguments, call)
        if not isinstance(outcome, Raised):
            outcome = caught(partial(content_of, outcome, most))
        match outcome:
            case Content(json, True):  # of an MCP server say, which quotes what it was given
                return Content(self._redact.content(json), is_error=True)
            case Content():
                return outcome
            case Raised(_, said) if said is not None:
                return Content(self._told(said, most), is_error=True)
            case Raised(words):
                return fault(self._redact(words), most)
        raise AssertionError(outcome)

    def _told(self, said: object, most: int) -> bytes:
        content = caught(partial(content_of, said, most))
        if isinstance(content, Content):
            return self._redact.content(content.json)
        return fault("The tool failed.", most).json

    async def _outcome(self, runnable: Runnable, arguments: Mapping[str, Any], call: Call) -> object:
        """What the tool gave within its time."""
        tool, run = runnable.tool, _Run(self._left, runnable.tool.name)
        context = ToolContext(call.owner, call.stream_id, call.tool_use_id)
        task = asyncio.create_task(self._settle(runnable, arguments, context, run), name=f"tool {tool.name}")
        if not await self._is_done(task, tool.seconds, run):
            return Raised(f"The tool gave no result within {tool.seconds:g} s.")
        return Raised("The tool was cancelled.") if task.cancelled() else task.result()

    async def _wrong(self, runnable: Runnable, arguments: Mapping[str, Any]) -> str:
        """What is wrong with an input: in a thread, for how long that takes is the schema's author's to choose, and the
        model's.
        """
        run = _Run(self._left, runnable.tool.name)
        looked = self._threads.run(partial(caught, partial(runnable.schema.fault_of, arguments)), run.over)
        task: asyncio.Task[object] = asyncio.create_task(looked, name=f"tool {runnable.tool.name}: input")
        if not await self._is_done(task, LOOK_SECONDS, run):
            return "it takes too long to be looked at."
        found = task.result()
        return found if isinstance(found, str) else "it could not be looked at."

    async def _is_done(self, task: asyncio.Task[object], seconds: float, run: _Run) -> bool:
        """Waits for so long; what is not done by then is left to itself."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                run.leave()
                task.cancel()
        return task.done()

    async def _settle(
        self, runnable: Runnable, arguments: Mapping[str, Any], context: ToolContext, run: _Run
    ) -> object:
        if runnable.plain:
            most = runnable.tool.bytes

            def work() -> object:
                return content_of(runnable.body(arguments, context), most)

            return await self._threads.run(partial(caught, work), run.over)
        try:

            def blocked(seconds: float) -> None:
                tell(of_processes.ToolBlocked(runnable.tool.name, seconds))

            return await settled(runnable.body(arguments, context), blocked)
        finally:
            run.over()


class _Run:
    """Whether a call's code still runs, and whether anybody waits for it."""

    def __init__(self, left: Counter[str], name: str) -> None:
        self._left = left
        self._name = name
        self._is_left = self._is_over = False

    def leave(self) -> None:
        if not self._is_over:
            self._is_left = True
            self._left[self._name] += 1

    def over(self) -> None:
        self._is_over = True
        if self._is_left:
            self._left[self._name] -= 1


def _arguments(text: bytes) -> Mapping[str, Any] | str:
    """The input, or what is wrong with it."""
    try:
        value = surrogates.loads(text)
    except ValueError:
        return "The input is no JSON."
    if not isinstance(value, dict):
        return "The input must be a JSON object."
    return "The input is no JSON object." if unreadable.is_wrapped(value) else value
