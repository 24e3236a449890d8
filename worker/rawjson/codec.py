"""JSON of the upstream and of ours: bytes to values and back.

The rule: what the SDK's own parser takes is taken here (a model can make the API send an escaped lone surrogate, which
is valid JSON and which orjson refuses), and what is no JSON is refused (`NaN`, which Python's parser takes).
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any, NoReturn

import orjson

from worker.rawjson import json_text

# Of a whole number of 64 bits.
_DIGITS_MAX = 20
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJSONError(ValueError):
    """The upstream's fault: data that is not JSON in UTF-8."""


def loads(data: bytes) -> Any:
    """The value of `data`. Raises `NotJSONError`."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _loads_with_surrogates(data)


def as_text(value: bytes | None) -> str:
    """The text that some JSON is; empty for anything else, and for nothing."""
    try:
        found = loads(value or b"null")
    except NotJSONError:
        return ""
    return found if isinstance(found, str) else ""


def dumps(value: Any) -> bytes:
    """Compact JSON in UTF-8; lone surrogates, which UTF-8 cannot carry, as escapes."""
    try:
        return orjson.dumps(value)
    except TypeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _loads_with_surrogates(data: bytes) -> Any:
    if not json_text.is_readable(data):  # how deep Python's own parser goes is its version's matter
        raise NotJSONError(RecursionError.__name__)
    try:
        return json.loads(data.decode(), parse_constant=_refuse, parse_int=_whole)
    except RecursionError:
        if json_text.is_json(data):
            return _shallow(data)
        raise NotJSONError(RecursionError.__name__) from None
    except ValueError as error:
        # Only the kind is told: the parser's own text may quote the answer.
        raise NotJSONError(type(error).__name__) from None


def _shallow(data: bytes) -> dict[str, Any] | None:
    """An object without those of its members that are too deep for Python's parser."""
    found = {}
    for name, value in json_text.members(data).items():
        with contextlib.suppress(RecursionError):
            found[name] = json.loads(value, parse_int=_whole)
    return found or None


def _whole(text: str) -> int | float:
    """A whole number as orjson has it: what 64 bits cannot hold is a float, whichever parser meets it."""
    if len(text) > _DIGITS_MAX:
        return float(text)
    number = int(text)
    return number if -(2**63) <= number < 2**64 else float(text)


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
