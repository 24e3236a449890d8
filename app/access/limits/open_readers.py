"""How many connections read on this front for each account: a count, and who is on it.

Pure. The rule: a reader is on all of its accounts or on none, and leaves them once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from app.access.limits.allowance import Granted
from app.stream.accounts import Limit, Over


class ReaderPlace:
    """A reader on these accounts, until it leaves."""

    __slots__ = ("_names", "_open")

    def __init__(self, open_: Counter[str], names: Sequence[str]) -> None:
        self._open = open_
        self._names: Sequence[str] = names
        for name in names:
            open_[name] += 1

    def leave(self) -> None:
        names, self._names = self._names, ()
        for name in names:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]


class OpenReaders:
    """Those of one front. Bounded by its connections."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def enter(self, granted: Granted) -> ReaderPlace | Over:
        """A place for one reader more, or the account that has none."""
        for name, allowance in granted.accounts:
            most = allowance.open_readers
            if most is not None and self._open[name] >= most:
                return Over(Limit.READERS, name, most, now_ms=0)
        limited = [name for name, allowance in granted.accounts if allowance.open_readers is not None]
        return ReaderPlace(self._open, limited)
