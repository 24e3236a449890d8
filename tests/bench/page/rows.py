"""What a measure says: rows at the end, and what it does meanwhile."""

from __future__ import annotations

import sys

Rows = list[tuple[str, str, str, bool]]


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def note(text: str) -> None:
    sys.stderr.write(text + "\n")
