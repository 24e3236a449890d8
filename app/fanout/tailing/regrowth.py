"""The time that a log is given which is shorter than what was shown: its worker may append again what Redis lost.

Pure. The rule: it is counted from the first look that found it shorter, and anew for the next time.
"""

from __future__ import annotations


class Regrowth:
    """Of one log. Times are the loop's, in seconds."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def under_way(self) -> bool:
        return self._since is not None

    def left(self, now: float, seconds: float) -> float:
        """What is left of so many seconds; nothing, or less, where they are over."""
        if self._since is None:
            self._since = now
        return self._since + seconds - now

    def over(self) -> bool:
        """Nothing is missing any more; whether anything was."""
        was, self._since = self.under_way, None
        return was
