"""A JSON text that grows, and what of it may be said already.

Pure. The law: what is said is a value that any continuation keeps: strings get longer, lists and objects get more, and
nothing else changes. So a number waits for what delimits it, `true`, `false` and `null` are whole, a key comes with its
value, and an escape or half of a surrogate pair with its rest. Numbers are said as they were written.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import orjson
from jiter import LosslessFloat, from_json

# A longer text is none of ours any more: one look at it holds everybody else up for so long.
TEXT_BYTES = 1024 * 1024

_BLANK = b" \t\n\r"
_OF_NUMBERS = b"+-.0123456789eE"
# What is escaped ends no string.
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
# Escapes one by one, and of those that are half of a surrogate pair: a whole pair, one whose rest may come, one alone.
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}(?=\Z|\\\Z|\\u\Z|\\u[dD]\Z|\\u[dD][c-fC-F][0-9a-fA-F]?\Z)"
    rb"|(\\u[dD][89abcdefABCDEF][0-9a-fA-F]{2})"
    rb"|\\.",
    re.DOTALL,
)


class Growing:
    """One text, of an object or a list: hardly any prose begins as these do, and every tool's input does.

    `over`: it is no JSON, or none that is looked at; nothing more is said of it.
    """

    __slots__ = ("_closed", "_depth", "_half", "_inside", "_text", "over")

    def __init__(self) -> None:
        self.over = False
        self._text = bytearray()
        self._inside = False  # of a string
        self._half = b""  # of an escape
        self._depth = 0
        self._closed = False

    def add(self, text: str) -> None:
        if self.over:
            return
        data = text.encode()
        if not self._text:
            data = data.lstrip(_BLANK)
            if data and not data.startswith((b"{", b"[")):
                self._stop()
        if len(self._text) + len(data) > TEXT_BYTES:
            self._stop()
        if not self.over and data:
            self._text += data
            self._follow(data)

    def value(self, *, whole: bool = False) -> bytes | None:
        """What may be said, as JSON; None for nothing. `whole`: nothing follows."""
        text = bytes(self._text)
        if not (whole or self._inside):
            text = _without_open_number(text)
        if self.over or not text:
            return None
        found = _parsed(text, whole=whole)
        if found is None and not whole:
            self._stop()
        return found

    def _follow(self, data: bytes) -> None:
        """Notes whether a string is open, and whether the outermost value is closed: nothing may follow that."""
        data = _ESCAPED.sub(b"", self._half + data)
        self._half = b"\\" if data.endswith(b"\\") else b""
        for n, piece in enumerate(data.split(b'"')):
            self._inside ^= n > 0
            if self._closed and (piece.strip(_BLANK) or self._inside):
                self._stop()
            elif not self._inside:
                self._depth += piece.count(b"{") + piece.count(b"[") - piece.count(b"}") - piece.count(b"]")
                if self._depth <= 0 and not self._closed:
                    self._closed = True
                    if not piece.rstrip(_BLANK).endswith((b"}", b"]")):
                        self._stop()

    def _stop(self) -> None:
        self.over = True
        self._text = bytearray()


def _without_open_number(text: bytes) -> bytes:
    """`text` without the number that it ends in, which may go on."""
    before = text.rstrip(_OF_NUMBERS)
    number = text[len(before) :]
    return before if number[:1].isdigit() or number.startswith(b"-") else text  # else it is the `e` of `true`


def _parsed(text: bytes, *, whole: bool) -> bytes | None:
    try:
        return _written(_read(text, whole=whole))
    except ValueError:
        if b"\\u" not in text:
            return None
    try:  # what a model may write and UTF-8 cannot carry
        return _written(_read(_ESCAPE.sub(_mended, text), whole=whole))
    except ValueError:
        return None


def _mended(found: re.Match[bytes]) -> bytes:
    return found[0] if found[1] is None else b"\\ufffd"


def _read(text: bytes, *, whole: bool) -> Any:
    """Raises `ValueError` for what is no JSON, and for what is nested beyond all reason."""
    mode: Literal["off", "trailing-strings"] = "off" if whole else "trailing-strings"
    return from_json(text, partial_mode=mode, allow_inf_nan=False, float_mode="lossless-float")


def _written(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=_number)
    except TypeError:  # an integer that is longer than it writes
        return orjson.dumps(_with_long_integers(value), default=_number)


def _number(value: Any) -> orjson.Fragment:
    if not isinstance(value, LosslessFloat):
        raise TypeError
    return orjson.Fragment(bytes(value))


def _with_long_integers(value: Any) -> Any:
    match value:
        case dict():
            return {key: _with_long_integers(one) for key, one in value.items()}
        case list():
            return [_with_long_integers(one) for one in value]
        case int() if not -(2**63) <= value < 2**64:
            return orjson.Fragment(str(value))
        case _:
            return value
