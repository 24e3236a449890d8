"""JSON that may hold lone surrogates.

A model's text may carry half of a surrogate pair as an escape: JSON allows that, JavaScript takes it, and orjson
rightly refuses it. The rule: such text passes through as the escape it came as; everything else takes the fast way.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def loads(text: bytes | str) -> Any:
    """The value of a JSON text. Raises `ValueError`, also for what is nested too deeply."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            return json.loads(text)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def dumps(value: Any) -> bytes:
    """A JSON text in UTF-8, on one line. Raises `TypeError`."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        try:
            return json.dumps(value, separators=(",", ":")).encode()
        except RecursionError:
            raise TypeError("nested too deeply") from None
