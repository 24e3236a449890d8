"""The log of a process, put together by its settings.

The rule: structlog filters by level and makes lines, `rendering` is its last step, `writer` has the thread and the file
descriptor. Nothing of structlog's own state is global here: a process has one log, a test may have another.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from app.settings import Settings
from app.watch.logs.foreign import others_heard
from app.watch.logs.observer import Log
from app.watch.logs.rendering import Clock, Render, as_json, as_text
from app.watch.logs.writer import Writer

if TYPE_CHECKING:
    from types import ModuleType

STDERR = 2
LOST = "log.lost"


@dataclass(frozen=True, slots=True)
class Opened:
    """`writer.lost` counts the lines that could not be written."""

    log: Log
    writer: Writer


class _Out:
    """What structlog calls its logger: whoever takes a line, by the name of its level."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = put


@contextmanager
def opened(settings: Settings, process: str, environ: Mapping[str, str]) -> Iterator[Opened]:
    """The log of the process of that name, while inside; libraries' words go there as well."""
    fd = None if sys.stderr is None else STDERR
    render = render_of(settings.log_format, fd, environ)

    def lost(lines: int, why: str) -> bytes:
        return render(None, "warning", {"process": process, "lines": lines, "error": why, "event": LOST})

    writer = Writer(fd, lost)
    log = log_of(writer.put, render, settings.log_level, process)
    try:
        with others_heard(log):
            yield Opened(log, writer)
    finally:
        writer.close()


def log_of(put: Callable[[bytes], None], render: Render, level: str, process: str) -> Log:
    structlog = _structlog()
    wrapper = structlog.make_filtering_bound_logger(logging.getLevelName(level.upper()))
    made: Any = structlog.wrap_logger(
        _Out(put), processors=[render], wrapper_class=wrapper, cache_logger_on_first_use=True
    )
    return cast("Log", made.bind(process=process))


def render_of(wanted: str, fd: int | None, environ: Mapping[str, str]) -> Render:
    """As it was asked for; otherwise for people where a person sits."""
    terminal = fd is not None and os.isatty(fd)
    if wanted == "json" or (not wanted and not terminal):
        return as_json(Clock())
    _structlog()
    return as_text(Clock(), colour=_wants_colour(environ, terminal=terminal))


def _wants_colour(environ: Mapping[str, str], *, terminal: bool) -> bool:
    """As https://no-color.org and https://force-color.org have it."""
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or (terminal and environ.get("TERM") != "dumb")


def _structlog() -> ModuleType:
    """structlog, without rich: it takes that along for tracebacks, which no line has; 40 ms of every start."""
    hidden = "rich" not in sys.modules
    if hidden:
        sys.modules["rich"] = None  # type: ignore[assignment]  # how an import is told that there is none
    try:
        import structlog  # noqa: PLC0415  # as above
    finally:
        if hidden:
            del sys.modules["rich"]
    return structlog
