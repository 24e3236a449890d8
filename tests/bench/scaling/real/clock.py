"""The cluster's time, which may run faster than ours: all that is said in seconds by a manifest is of it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Clock:
    """`speed` of its seconds pass in one of ours."""

    speed: float = 1.0
    _began: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        return (time.monotonic() - self._began) * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)
