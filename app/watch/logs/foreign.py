"""What others say in this process: the libraries below us, and Python's warnings.

The rule: they know nothing of what is secret here, so none of their values is written: of a record its logger, where
it was made and, where the text is the library's own (it stands in its code as it is), that text; of a warning its class
and its place; of an exception its class and place. Only what is a warning or graver.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.stream.errors import file_of, place_of
from app.watch.logs.fields import bounded
from app.watch.logs.observer import Log

SAID = "library.said"
# They tell of every call with its whole address, and of each job with its arguments.
LIBRARIES = (
    *("uvicorn", "uvicorn.error", "httpx", "httpcore", "httpx2", "httpcore2", "aiohttp", "asyncio", "redis"),
    *("anthropic", "arq", "opentelemetry", "sse_starlette"),
)
# What somebody's MCP server makes these say is told in our own words, and as often as we choose.
UNHEARD = ("mcp", "client")
# Deeper than the standard library's own frames between who says something and us.
_DEPTH = 30


class Foreign(logging.Handler):
    """Hands what libraries say to our log."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        fields = {
            "logger": bounded(record.name),
            "place": _place(record.funcName or "", record.pathname, record.lineno),
        }
        if _is_its_own(record):
            fields["text"] = bounded(record.msg.partition("\n")[0])
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            fields["error"], fields["place"] = type(error).__name__, place_of(error)
        self._log.log(min(record.levelno, logging.ERROR), SAID, **fields)


def _place(function: str, path: str, line: int) -> str:
    return bounded(f"{function} ({file_of(path)[0]}:{line})")


def _is_its_own(record: logging.LogRecord) -> bool:
    """Whether the text, before any value is put into it, is written in the code that says it."""
    if not isinstance(record.msg, str):
        return False
    frame = sys._getframe()  # noqa: SLF001  # as `logging` itself finds who speaks
    for _ in range(_DEPTH):
        if frame.f_code.co_filename == record.pathname and frame.f_lineno == record.lineno:
            return record.msg in frame.f_code.co_consts
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False


def quieten() -> None:
    """The libraries below us: warnings alone. What is not said at all costs nothing."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in UNHEARD:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextmanager
def others_heard(log: Log) -> Iterator[None]:
    """Within, whatever anybody says in this process goes to `log`, or nowhere."""
    root, handler = logging.getLogger(), Foreign(log)
    levels = {name: logging.getLogger(name).level for name in (*LIBRARIES, *UNHEARD)}
    before = warnings.showwarning

    def warned(_text: Any, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
        log.log(
            logging.WARNING,
            SAID,
            logger="warnings",
            error=category.__name__,
            place=_place("", filename, lineno).strip(),
        )

    root.addHandler(handler)
    quieten()
    warnings.showwarning = warned  # type: ignore[assignment]  # whatever else it is called with
    try:
        yield
    finally:
        warnings.showwarning = before
        root.removeHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
