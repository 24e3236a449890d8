"""A log whose lines are kept, for a test to look at."""

from __future__ import annotations

from typing import Any


class Collected:
    """What was written: level, event and fields. `least` is the level from which on it takes them."""

    def __init__(self, least: int = 10) -> None:
        self.least = least
        self.lines: list[tuple[int, str, dict[str, Any]]] = []

    def is_enabled_for(self, level: int) -> bool:
        return level >= self.least

    def log(self, level: int, event: str, **fields: Any) -> None:
        self.lines.append((level, event, fields))

    @property
    def names(self) -> list[str]:
        return [name for _, name, _ in self.lines]
