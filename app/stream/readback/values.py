"""JSON that was stored as it came, read back as values that can be written again."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_HALF = re.compile("[\ud800-\udfff]")


def parse(data: bytes | None) -> Any:
    """A stored JSON text's value; None for none.

    Half of a surrogate pair, which a model can write and no UTF-8 can carry, becomes U+FFFD; what is nested beyond all
    reason is none.
    """
    try:
        return orjson.loads(data or b"null")
    except orjson.JSONDecodeError:
        pass
    try:
        whole = json.dumps(json.loads(data or b"null"), ensure_ascii=False)
        return orjson.loads(_HALF.sub("\ufffd", whole))
    except (ValueError, RecursionError):
        return None
