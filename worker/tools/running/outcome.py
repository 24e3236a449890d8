"""What came of a tool's own code: what it returned, or what it raised, in words.

The rule: nothing that a tool raises goes further as an exception, an exit or a cancellation of its own least of all;
what is kept of it is its class and its words, for its traceback holds the frames with all that stood there.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any

from worker.tools.running.answer import WORDS_MAX

# Of the loop, by one step of an async tool: so long no stream of this worker gets anything.
BLOCKING_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Raised:
    """`words` are for the model, once no secret is in them. `said`: content that the tool raised instead of words."""

    words: str
    said: object = None


def caught(work: Callable[[], object]) -> object:
    """What `work` returns, or `Raised`."""
    try:
        return work()
    except BaseException as error:  # noqa: BLE001  # an exit that a tool asks for is its fault like any other
        return raised_by(error)


async def settled(awaited: Awaitable[object], blocked: Callable[[float], None]) -> object:
    """Likewise of what is awaited. `blocked` is told how long a step of it held the loop, where that was too long."""
    try:
        return await _Watched(awaited, blocked)
    except GeneratorExit:
        raise  # the loop is gone
    except BaseException as error:  # noqa: BLE001  # as above; who waits asks whether it was cancelled
        return raised_by(error)


def raised_by(error: BaseException) -> Raised:
    try:
        words = str(error)
    except BaseException:  # noqa: BLE001  # an exception may be anything, also one without words
        words = ""
    name = type(error).__name__
    shown = f"{name}: {words}" if words else name
    # `anthropic.lib.tools.ToolError` and its like.
    return Raised(shown[: 2 * WORDS_MAX], getattr(error, "content", None) if name == "ToolError" else None)


class _Watched:
    """Awaits another, and looks at the clock around each of its steps."""

    def __init__(self, awaited: Awaitable[Any], blocked: Callable[[float], None]) -> None:
        self._awaited = awaited
        self._blocked = blocked

    def __await__(self) -> Generator[Any, Any, Any]:
        inner: Any = self._awaited.__await__()
        heard: BaseException | None = None
        value: Any = None
        while True:
            began = time.monotonic()
            try:
                if heard is not None:
                    waits_for = inner.throw(heard)
                else:
                    waits_for = inner.send(value) if hasattr(inner, "send") else next(inner)
            except StopIteration as end:
                return end.value
            finally:
                if (took := time.monotonic() - began) >= BLOCKING_SECONDS:
                    self._blocked(took)
            heard = None
            try:
                value = yield waits_for
            except GeneratorExit:
                inner.close()
                raise
            except BaseException as error:  # noqa: BLE001  # handed on to what is awaited
                heard = error
