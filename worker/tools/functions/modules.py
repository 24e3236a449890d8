"""The modules of functions that an operator names (KEEPSTREAM_TOOLS).

The rule: whatever is wrong with one is told when the worker starts, with the setting, the module and what to do, and
the worker does not start: half of the tools would be a worker that fails at some streams.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from traceback import walk_tb
from typing import Any

from app.settings import SettingsError
from worker.tools.functions.decorator import Options, options_of
from worker.tools.functions.runnable import NoToolError, runnable_of
from worker.tools.running.redacted import Redactor
from worker.tools.toolbox import Runnable

SETTING = "KEEPSTREAM_TOOLS"
# Ours stand before anybody's of these names.
OURS = frozenset({"app", "worker"})
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def registered(modules: Sequence[str], redact: Redactor, built_in: Iterable[Runnable] = ()) -> list[Runnable]:
    """The tools of these modules, and before them those that are built in. Raises `SettingsError`."""
    found = list(built_in)
    places = {runnable.tool.name: "built in" for runnable in found}
    if modules:
        _look_here_too()
    seen: set[int] = set()
    for module in modules:
        tools = [pair for pair in _tools_of(module, redact) if id(pair[0]) not in seen]
        for function, options in tools:
            seen.add(id(function))
            where = f"{function.__module__}.{function.__qualname__}"
            try:
                runnable = runnable_of(function, options)
            except NoToolError as error:
                raise SettingsError(f"{SETTING}: {where}: {redact(str(error))}") from error
            name = runnable.tool.name
            if name in places:
                raise SettingsError(
                    f"{SETTING}: two tools are called {name!r}, {where} and one that is {places[name]}: "
                    "give one another name by keepstream_tool(name=...)"
                )
            places[name] = f"in {where}"
            found.append(runnable)
    return found


def _tools_of(name: str, redact: Redactor) -> Iterator[tuple[Callable[..., Any], Options]]:
    if not _MODULE.fullmatch(name):
        raise SettingsError(f"{SETTING}: {name!r} is no module's name: give names such as package.module, with commas")
    if name.partition(".")[0] in OURS:
        raise SettingsError(
            f"{SETTING}: {name}: the packages app and worker are Keepstream's own: give yours another name"
        )
    try:
        module = importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise SettingsError(
            f"{SETTING}: the module {name!r} cannot be imported: {type(error).__name__}: {redact(str(error))}"
            f"{_place_of(error)}; it is looked for in {Path.cwd()} and on PYTHONPATH"
        ) from error
    tools = [(found, options) for found in vars(module).values() if (options := options_of(found)) is not None]
    if not tools:
        raise SettingsError(
            f"{SETTING}: the module {name!r} has no tools: write @keepstream_tool, from worker.tools, above a function"
        )
    yield from tools


def _place_of(error: BaseException) -> str:
    """The line of somebody's module that raised; '' where there is none yet."""
    *_, (frame, line) = walk_tb(error.__traceback__)
    name = frame.f_code.co_filename
    return "" if name.startswith("<") or name == __file__ else f" ({Path(name).name}:{line})"


def _look_here_too() -> None:
    """A project's own modules are found where its worker is started; never before ours, or Python's."""
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
