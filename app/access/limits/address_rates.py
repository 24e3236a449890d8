"""How often each client address may ask this front, before anybody is known.

Pure but for the clock that it is given. The rule: what is remembered is bounded, whoever asks: of more addresses than
that, those that asked last are known.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from app.access.addresses import neighbourhood
from app.access.limits.allowance import Allowance

ADDRESSES_MAX = 10_000
MINUTE_SECONDS = 60.0


class AddressRates:
    """The token buckets of one front. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._missing: OrderedDict[str, tuple[float, float]] = OrderedDict()  # requests, as it stood at that time

    def __len__(self) -> int:
        return len(self._missing)

    def wait(self, address: str, allowance: Allowance) -> float:
        """How many seconds too early this request of an address is; 0 for one that may pass, and counts."""
        rate = allowance.requests_per_minute
        if rate is None:
            return 0.0
        name, now = neighbourhood(address), self._clock()
        missing, at = self._missing.pop(name, (0.0, now))
        missing = min(max(0.0, missing - (now - at) * rate / MINUTE_SECONDS), allowance.at_once)
        room = missing + 1 <= allowance.at_once
        self._missing[name] = (missing + room, now)
        if len(self._missing) > ADDRESSES_MAX:
            self._missing.popitem(last=False)
        return 0.0 if room else (missing + 1 - allowance.at_once) * MINUTE_SECONDS / rate
