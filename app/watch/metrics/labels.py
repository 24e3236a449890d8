"""What a label may say: a few words of ours, or the first few of somebody else's.

The rule: what a client or an upstream names can fill no memory and no time series: what is none of the known, or one
more than may be told apart, is `other`; what is not there is `none`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from http import HTTPStatus

from app.watch.events.subjects import OTHER, word

NONE = "none"
# Of words that are ours but stand in no list: more than there are.
WORDS_MAX = 60
# A model or a limit is told apart from others if it is among the first that a process has met.
NAMES_MAX = 20

_OVERLOADED = 529
STATUSES = frozenset(str(int(status)) for status in HTTPStatus) | {str(_OVERLOADED)}
DELIVERIES = frozenset({"progressive", "final"})
TOKEN_KINDS = ("input", "output", "cache_read", "cache_write")
RATINGS = frozenset({"1", "-1"})
OUTCOMES = frozenset({"completed", "truncated", "refused", "failed", "cancelled", "expired"})
STOP_REASONS = frozenset(
    {
        *("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"),
        "model_context_window_exceeded",
    }
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def one_of(known: Collection[str], value: str) -> str:
    return value if value in known else OTHER if value else NONE


def status(code: int) -> str:
    """Of an answer; 0 where there was none."""
    return one_of(STATUSES, str(code)) if code else NONE


def class_word(name: str) -> str:
    """The name of a class of errors as a word: `QueueFullError` is `queue_full`."""
    return _HUMP.sub("_", name.removesuffix("Error")).lower()


class FirstFew:
    """The first `most` different words; with `named` they may be anything that it lets through."""

    def __init__(self, most: int = WORDS_MAX, named: Callable[[str], str] = word) -> None:
        self._most = most
        self._named = named
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        if value in self._known:
            return value
        named = self._named(value)
        if not named:
            return NONE
        if named != OTHER and len(self._known) < self._most:
            self._known.add(named)
            return named
        return OTHER
