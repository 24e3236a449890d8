"""Whether a text says what is looked for, and what stands around it.

Pure. The rule: letters are the same whatever their case and however they are composed, and a space is any white space.
A long text is looked through in parts: what is one call of C holds up everybody else.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import orjson

PART = 32 * 1024
BEFORE, BEHIND = 40, 110


@dataclass(frozen=True, slots=True)
class Match:
    """Where it was found, a message or the title (None), and the text around it, on one line."""

    message_id: str | None
    text: str


def folded(text: str) -> str:
    """The text as it is compared."""
    plain = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text.casefold())
    return " ".join(plain.split()) if not plain.isprintable() else plain


def match_of(title: str | None, messages: Sequence[bytes], query: str) -> Match | None:
    """Where a conversation first says `query`, which is folded: in its title, or in one of its messages, as they are
    kept.
    """
    if title and query in folded(title):
        return Match(None, title)
    for kept in messages:
        message = orjson.loads(kept)
        if message.get("continues"):
            continue
        for text in _texts(message):
            if (around := excerpt(text, query)) is not None:
                return Match(message["id"], around)
    return None


def excerpt(text: str, query: str) -> str | None:
    """The text around the first place that says `query`; None where none does."""
    overlap = 4 * len(query) + 16
    for start in range(0, len(text), PART):
        end = start + PART + overlap
        if query in folded(text[start:end]):
            return _around(text, start, end, query)
    return None


def _around(text: str, start: int, end: int, query: str) -> str:
    # The part is halved until it is small: what is compared may have another length than what stands there.
    while end - start > 8 * len(query) + BEHIND:
        middle, more = (start + end) // 2, 2 * len(query) + 8
        if query in folded(text[start : middle + more]):
            end = middle + more
        elif query in folded(text[middle - more : end]):
            start = middle - more
        else:
            break
    lengths = list(accumulate((len(folded(one)) or 1 for one in text[start:end]), initial=0))
    place = max(folded(text[start:end]).find(query), 0)
    at = start + next((n for n, length in enumerate(lengths) if length > place), 1) - 1
    begin, stop = max(at - BEFORE, 0), at + len(query) + BEHIND
    shown = " ".join(text[begin:stop].split())
    return f"{'…' if begin else ''}{shown}{'…' if stop < len(text) else ''}"


def _texts(message: Mapping[str, Any]) -> list[str]:
    blocks = message["content"] or ()
    return [text for block in blocks if block.get("type") == "text" and isinstance(text := block.get("text"), str)]
