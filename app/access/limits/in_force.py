"""The limits as they are in force on this front: the file as it is now, and what is counted here and not in Redis.

The rule: who needs a limit asks each time anew, for the file may have changed since.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from app.access.caller import Caller
from app.access.limits.address_rates import AddressRates
from app.access.limits.allowance import Granted
from app.access.limits.limits_file import NAME, NO_LIMITS, LimitsFile, limits_of
from app.access.limits.open_readers import OpenReaders
from app.access.reloading import Reloaded, Reloading
from app.stream.concurrency.tasks import Supervised
from app.watch.events import of_processes


class LimitsInForce:
    """Of KEEPSTREAM_LIMITS_FILE, or none. Raises `SettingsError`."""

    def __init__(self, path: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._reloading = Reloading(NAME, path, limits_of, _told) if path is not None else None
        self._addresses = AddressRates(clock)
        self.readers = OpenReaders()

    @property
    def file(self) -> LimitsFile:
        return self._reloading.value if self._reloading is not None else NO_LIMITS

    def of(self, caller: Caller) -> Granted:
        """What a caller may. Raises `NotAllowedError`."""
        return self.file.of(caller)

    def too_early(self, address_of: Callable[[], str]) -> float:
        """How many seconds too early an address asks; 0 for a request that may pass, and counts.

        Where there is no such limit nobody needs to know the address.
        """
        limit = self.file.address
        return 0.0 if limit.requests_per_minute is None else self._addresses.wait(address_of(), limit)

    async def open(self, stack: AsyncExitStack) -> Sequence[Supervised]:
        """From here on, and until `stack` ends, changes are heard of. Returns who listens for them."""
        if self._reloading is None:
            return []
        return [await stack.enter_async_context(Supervised("limits", self._reloading.watch))]


def _told(reloaded: Reloaded[LimitsFile]) -> of_processes.LimitsReloaded:
    return of_processes.LimitsReloaded(reloaded.outcome, len(reloaded.value.owners), reloaded.why)
