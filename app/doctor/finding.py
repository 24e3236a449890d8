"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What it is to the operator."""

    OK = "ok"
    NOTE = "note"  # worth knowing
    WARNING = "warning"  # works, and may not for long, or not for everybody
    MUST = "must"  # something has to be done


@dataclass(frozen=True, slots=True)
class Finding:
    """`says` what is so, `do` what to do about it. `check` is put in by who asked the check."""

    level: Level
    says: str
    do: str = ""
    check: str = ""


def ok(says: str) -> Finding:
    return Finding(Level.OK, says)


def note(says: str, do: str = "") -> Finding:
    return Finding(Level.NOTE, says, do)


def warning(says: str, do: str) -> Finding:
    return Finding(Level.WARNING, says, do)


def must(says: str, do: str = "") -> Finding:
    return Finding(Level.MUST, says, do)
