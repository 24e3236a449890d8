"""How a function becomes a tool: the decorator that people write above it.

The rule: the function stays as it is, so its author calls and tests it as any other; what is said of it is kept beside
it, and read when the worker starts. Imports nothing heavy: modules of tools are imported elsewhere too.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from worker.tools.tool import BYTES, SECONDS

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}", re.ASCII)
SECONDS_MAX = 3_600.0
# The least: what is said of a result that is clipped needs room. The most: of a log of 16 MiB.
BYTES_MIN, BYTES_MAX = 1_024, 4 * 1024 * 1024
_MARK = "__keepstream_tool__"


@dataclass(frozen=True, slots=True)
class Options:
    """What is said of a function beside what it says itself."""

    name: str | None = None
    repeatable: bool = False
    approve: bool = False
    seconds: float = SECONDS
    bytes: int = BYTES
    owners: tuple[str, ...] | None = None


@overload
def keepstream_tool(function: FunctionT, /) -> FunctionT: ...


@overload
def keepstream_tool(
    *,
    name: str | None = None,
    repeatable: bool = False,
    approve: bool = False,
    seconds: float = SECONDS,
    bytes: int = BYTES,
    owners: Iterable[str] | None = None,
) -> Callable[[FunctionT], FunctionT]: ...


def keepstream_tool(
    function: FunctionT | None = None,
    /,
    *,
    name: str | None = None,
    repeatable: bool = False,
    approve: bool = False,
    seconds: float = SECONDS,
    bytes: int = BYTES,  # noqa: A002  # the word of the contract
    owners: Iterable[str] | None = None,
) -> FunctionT | Callable[[FunctionT], FunctionT]:
    """Makes a function a tool that models may call, by its signature and docstring.

    `repeatable`: a call may run again where its worker died. `approve`: a person is asked before each call. `seconds`
    and `bytes` bound a call and its result. `owners`: who may use it; everybody where nothing is said. Raises
    `ValueError` and `TypeError` for options that cannot be.
    """
    options = Options(name, repeatable, approve, seconds, bytes, _owners(owners))
    fault = fault_of(options)
    if fault:
        raise ValueError(fault)

    def marked(function: FunctionT) -> FunctionT:
        if not inspect.isroutine(function) or inspect.isgeneratorfunction(function):
            raise TypeError("keepstream_tool goes above a function, async or not, which returns its result")
        setattr(function, _MARK, options)
        return function

    return marked if function is None else marked(function)


def options_of(found: object) -> Options | None:
    """What was said of a function; None of what is no tool."""
    options = getattr(found, _MARK, None) if inspect.isroutine(found) else None
    return options if isinstance(options, Options) else None


def fault_of(options: Options) -> str:
    """What is wrong with them, and what would be right; '' where nothing is."""
    if options.name is not None and not NAME.fullmatch(options.name):
        return f"name must be 1 to 128 of a-z, A-Z, 0-9, _ and -, not {options.name!r}"
    if not (math.isfinite(options.seconds) and 0 < options.seconds <= SECONDS_MAX):
        return f"seconds must be more than 0 and at most {SECONDS_MAX:g}, not {options.seconds!r}"
    if not BYTES_MIN <= options.bytes <= BYTES_MAX:
        return f"bytes must be from {BYTES_MIN} to {BYTES_MAX}, not {options.bytes!r}"
    return ""


def _owners(owners: Iterable[str] | None) -> tuple[str, ...] | None:
    if owners is None:
        return None
    if isinstance(owners, str):
        raise TypeError('owners must be a list of names, such as ["ann"], not one text')
    return tuple(owners)
