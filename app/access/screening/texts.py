"""Every text in a body, wherever it stands. Pure.

The rule: what is not known is looked into as well, so that nothing is hidden by a name. Only bytes in base64, which say
that they are, are no text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def texts_in(body: Any) -> Iterator[str]:
    """In the order in which they stand."""
    waiting = [body]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case list() as values:
                waiting.extend(reversed(values))
            case {"type": "base64", "data": str(), **rest}:
                waiting.extend(reversed(rest.values()))
            case dict() as fields:
                waiting.extend(reversed(fields.values()))
