"""Whether a text says what is looked for, and what stands around it.

Pure. The rule: letters are the same whatever their case and however they are composed, and a space is any white space.
A long text is looked through in parts, for what is one call of C holds up everybody else; and between two parts it is
asked whether there is time for more.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.stream.conversations.answer_steps import STEPS

PART = 32 * 1024
# Of a text that has to be composed, which is a hundred times as much work.
PART_COMPOSED = 4 * 1024
# So many marks on one letter are all that a language has (UAX #15, Stream-Safe Text Format); to put many into their
# order takes the square of their number.
MARKS = 30
BEFORE, BEHIND = 40, 110

# What may be such a mark, or becomes one by being composed: the last two are counted among letters.
_MARKS = re.compile(rf"(?:[^\w\x00-\x7f]|[\uff9e\uff9f]){{{MARKS + 1},}}")

Late = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Match:
    """Where it was found, a message or the title (None), and the text around it, on one line."""

    message_id: str | None
    text: str


def folded(text: str) -> str:
    """The text as it is compared."""
    plain = text.lower() if text.isascii() else _composed(text.casefold())
    return " ".join(plain.split()) if "  " in plain or not plain.isprintable() else plain


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", _MARKS.sub(lambda run: _bounded(run[0]), text))


def _bounded(run: str) -> str:
    kept, marks = [], 0
    for one in run:
        marks = marks + 1 if unicodedata.combining(unicodedata.normalize("NFKD", one)[0]) else 0
        if marks <= MARKS:
            kept.append(one)
    return "".join(kept)


def match_of(title: str | None, messages: Sequence[bytes], query: str, late: Late) -> Match | None:
    """Where a conversation first says `query`, which is folded: in its title, or in one of its messages, as they are
    kept. Raises `TimeoutError` where it is `late` before all was looked at.
    """
    if title and query in folded(title):
        return Match(None, title)
    for n, kept in enumerate(messages):
        if n and late():
            raise TimeoutError
        message = orjson.loads(kept)
        if message.get("continues"):
            continue
        for text in _texts(message):
            if (around := excerpt(text, query, late)) is not None:
                return Match(message["id"], around)
    return None


def excerpt(text: str, query: str, late: Late) -> str | None:
    """The text around the first place that says `query`; None where none does. Raises as `match_of`."""
    overlap = 4 * len(query) + 16
    part = PART if text.isascii() else PART_COMPOSED
    for start in range(0, len(text), part):
        if start and late():
            raise TimeoutError
        end = min(start + part + overlap, len(text))
        if query in folded(text[start:end]):
            return _around(text, start, end, query)
    return None


def _around(text: str, start: int, end: int, query: str) -> str:
    # What is compared may have another length than what stands there: the place is tried out, by halves.
    yes = True
    stop = start + bisect_left(range(start, end), yes, key=lambda to: query in folded(text[start:to]))
    at = start + bisect_left(range(start, stop), yes, key=lambda of: query not in folded(text[of:stop])) - 1
    begin, stop = max(at - BEFORE, 0), min(stop, at + 4 * len(query) + BEHIND) + BEHIND
    shown = " ".join(text[begin:stop].split())
    return f"{'…' if begin else ''}{shown}{'…' if stop < len(text) else ''}"


def _texts(message: Mapping[str, Any]) -> list[str]:
    said = [step["content"] for step in message.get(STEPS, ()) if step["role"] == "assistant"]
    blocks = [block for content in (*said, message["content"] or ()) for block in content]
    return [text for block in blocks if block.get("type") == "text" and isinstance(text := block.get("text"), str)]
