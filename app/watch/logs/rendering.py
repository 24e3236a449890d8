"""A line as bytes: JSON for machines, words for people. The last step of structlog's chain.

The rule: a value is data. In JSON whatever is no printable ASCII is escaped; for people what does not print, or could
be taken for another field, is quoted and escaped. So a line is one line, and paints nothing.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import orjson

Fields = MutableMapping[str, Any]
Render = Callable[[Any, str, Fields], bytes]

# Characters for which a value needs no quotes. Owners and ids are written so, or could be.
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@+%*-]+")
_WHOSE = ("owner", "request_id", "client_request_id")
_NAME_WIDTH = 20
_LEVEL_WIDTH = 7
_RESET, _BOLD, _DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"
_COLOURS = {"debug": _DIM, "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}


class Clock:
    """The time as RFC 3339 has it, in UTC. Most of it is the same for all lines of a second."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._second = -1
        self._text = ""

    def __call__(self) -> str:
        now = self._now()
        second = int(now)
        if second != self._second:
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = second
        return f"{self._text}.{int((now - second) * 1000):03}Z"


def as_json(clock: Clock) -> Render:
    def render(_: Any, level: str, fields: Fields) -> bytes:
        line = {"ts": clock(), "level": level, "event": fields.pop("event"), **fields}
        try:
            told = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        except TypeError:  # a lone surrogate
            told = b"\xff"
        if told.isascii() and b"\x7f" not in told:
            return told
        return json.dumps(line).replace("\x7f", "\\u007f").encode() + b"\n"

    return render


def as_text(clock: Clock, *, colour: bool) -> Render:
    """What happened comes before whose it was, and what is not so is left out; as is `process`, which who reads along
    knows.
    """
    from structlog.dev import Column, ConsoleRenderer, KeyValueColumnFormatter  # noqa: PLC0415  # loaded by `opening`

    reset, bold, dim = (_RESET, _BOLD, _DIM) if colour else ("", "", "")

    def level(key: str, value: object) -> str:  # noqa: ARG001  # structlog's names
        return f"{_COLOURS.get(str(value), '') if colour else ''}{value!s:{_LEVEL_WIDTH}}{reset}"

    def nothing(key: str, value: object) -> str:  # noqa: ARG001  # as above
        return ""

    renderer = ConsoleRenderer(
        columns=[
            Column("ts", KeyValueColumnFormatter(None, dim, reset, str)),
            Column("level", level),
            Column("event", KeyValueColumnFormatter(None, bold, reset, str, width=_NAME_WIDTH)),
            Column("process", nothing),
            Column("", KeyValueColumnFormatter(dim, "", reset, shown)),
        ],
        sort_keys=False,
    )

    def render(logger: Any, name: str, fields: Fields) -> bytes:
        line = {"ts": clock(), "level": name, "event": fields.pop("event")}
        whose = {one: fields.pop(one) for one in _WHOSE if one in fields}
        said = {one: value for one, value in fields.items() if value is not False}
        return f"{renderer(logger, name, line | said | whose).rstrip()}\n".encode(errors="backslashreplace")

    return render


def shown(value: object) -> str:
    """A value as it stands in a line for people."""
    text = value if isinstance(value, str) else json.dumps(value)
    if _PLAIN.fullmatch(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if quoted.isprintable() else "".join(_escaped(one) for one in quoted)


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() else json.dumps(letter)[1:-1].replace("\x7f", "\\u007f")
