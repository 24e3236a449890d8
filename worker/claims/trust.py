"""Whether an absence counts: not until all have had time to come back from what shook their connections.

The rule: whoever judges by who is there (`neighbours` of workers, `abandoned` of readers) says here what shook them,
and asks here before it judges. Pure but for the clock that it is handed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

# After a Redis that was away all are back within so long: the longest pause between two tries, and time to connect.
SHAKEN_SECONDS = 3.0


class Trust:
    """In what is seen of the others, by a clock of seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._from = -math.inf

    def shake(self) -> None:
        """Everybody's connections may be lost, and some take longer to come back."""
        self._from = self._clock() + SHAKEN_SECONDS

    @property
    def stands(self) -> bool:
        return self._clock() >= self._from
