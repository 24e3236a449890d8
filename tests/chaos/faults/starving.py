"""When a worker got no processor.

Two cores may be too few for a moment, and who gets none is not alive in any sense that a lease knows. What happens to
its streams then is no fault of an outage's.

Told by the kernel's own account of how long a thread could have run and did not, where it keeps one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

LOOK_SECONDS = 0.25
# Of a lease: who waits so much longer for a processor within one lease may miss the time of a renewal.
SHARE = 0.25


class Starving:
    """`pids` are those of the workers there are; `spans` the times, of the loop's clock, in which one had to starve."""

    def __init__(self, pids: Callable[[], Iterable[int]], lease_seconds: float) -> None:
        self.spans: list[tuple[float, float]] = []
        self._pids = pids
        self._lease = lease_seconds
        # What each has waited by when, of the last lease.
        self._waited: dict[int, list[tuple[float, float]]] = {}

    async def run(self) -> None:
        while True:
            now = asyncio.get_running_loop().time()
            starving = [pid for pid in self._pids() if self._starves(pid, now)]
            if starving:
                began = now - self._lease
                if self.spans and self.spans[-1][1] >= began:
                    began = self.spans.pop()[0]
                self.spans.append((began, now + self._lease))
            await asyncio.sleep(LOOK_SECONDS)

    def _starves(self, pid: int, now: float) -> bool:
        waited = waited_for_a_processor(pid)
        if waited is None:
            return False
        seen = self._waited[pid] = [one for one in self._waited.get(pid, ()) if one[0] >= now - self._lease]
        seen.append((now, waited))
        return waited - seen[0][1] > SHARE * self._lease


def waited_for_a_processor(pid: int) -> float | None:
    """Seconds that the main thread could have run and did not; None where nobody knows."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return None
