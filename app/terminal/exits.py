"""What a command's exit code says of the answer. Pure."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The codes, as `--help` tells them."""

    COMPLETED = 0
    FAILED = 1
    USAGE = 2
    TRUNCATED = 3
    REFUSED = 4
    CANCELLED = 5
    UNREACHABLE = 6
    INTERRUPTED = 130


_OUTCOMES = {
    "completed": Exit.COMPLETED,
    "truncated": Exit.TRUNCATED,
    "refused": Exit.REFUSED,
    "cancelled": Exit.CANCELLED,
}

HELP = """\
exit codes:
  0    the answer is complete
  1    it failed or expired, or the server refused what was asked (stderr says why)
  2    wrong options
  3    the answer was cut at its limit
  4    the model refused
  5    the answer was cancelled
  6    the server cannot be reached
  130  Ctrl-C
"""


def exit_of(outcome: str) -> Exit:
    """The code of a stream that has ended so."""
    return _OUTCOMES.get(outcome, Exit.FAILED)
