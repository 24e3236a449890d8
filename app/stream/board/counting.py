"""What is counted over a step or a day, by the words that stand for it in Redis; and times, by how long they are.

Pure. The rule: who counts and who shows take their words from here. A time is counted in one of a few hundred classes,
each an eighth of an octave wide: what is read from them is at most a twentieth beside the truth, and can be summed up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import chain

# Counted in `done`, once for each stream, with its outcome behind it.
ENDED = "ended:"
# Bytes that answers said, as they come; and of those that have ended, how many tokens those were.
SAID, SAID_ENDED, SAID_TOKENS = "said", "said_ended", "said_tokens"
# Noted by whoever comes first in a step.
WAITING, RUNNING, READERS = "waiting", "running", "readers"
# Counted by the processes, which leave it a second later at the most: what one counted that is killed then is lost.
RETRIES = "retries"
TAKEOVERS = "takeovers"
RESETS = "resets"
REFUSED = "refused"
JOINED = "joined"
REFUSED_WRITES = "refused_writes"
FIRST_CONTENT = "first:"

_KNOWN_BYTES = 1000
_PER_OCTAVE = 8
# A thousandth of a second, and a day.
_LEAST, _MOST = 0.001, 86_400.0

BYTES_PER_TOKEN = 4

Counts = Mapping[str, int]


def class_of(seconds: float) -> int:
    """Of a time."""
    return round(math.log2(min(max(seconds, _LEAST), _MOST) / _LEAST) * _PER_OCTAVE)


def seconds_of(number: int) -> float:
    """What stands for all times of a class."""
    return _LEAST * 2 ** (number / _PER_OCTAVE)


def times(steps: Iterable[Counts], prefix: str) -> dict[int, int]:
    """How many times of each class were counted in all of these steps."""
    found: dict[int, int] = {}
    for field, count in chain.from_iterable(step.items() for step in steps):
        if field.startswith(prefix):
            number = int(field[len(prefix) :])
            found[number] = found.get(number, 0) + count
    return found


def quantile(found: Mapping[int, int], part: float) -> float | None:
    """The time below or at which this part of all times is; None where there are none."""
    rank, passed = math.ceil(sum(found.values()) * part), 0
    for number in sorted(found):
        passed += found[number]
        if passed >= rank:
            return seconds_of(number)
    return None


def tokens_per_byte(steps: Iterable[Counts]) -> float:
    """What the answers that have ended say of it; a rule of thumb where too little has."""
    steps = list(steps)
    known = summed(steps, SAID_ENDED)
    return summed(steps, SAID_TOKENS) / known if known >= _KNOWN_BYTES else 1 / BYTES_PER_TOKEN


def summed(steps: Iterable[Counts], field: str) -> int:
    return sum(step.get(field, 0) for step in steps)
