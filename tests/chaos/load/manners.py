"""How readers read: at once, in small sips, with long stops, with their own side closed, or leaving again and again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.harness.reader import QUICK, Manner

FOREVER = 3600.0
# A front lets go of who takes nothing for 90 s: nobody here stops for so long.
STOP_SECONDS = (0.3, 3.0)
LEAVES_MAX = 10


@dataclass(frozen=True)
class Reading:
    """A manner with a name, and how long such a reader stays on one connection, in seconds."""

    name: str
    manner: Manner
    stay: Callable[[], float]


def reading(rng: random.Random) -> Reading:
    """One way to read, drawn."""

    async def sip() -> None:
        await asyncio.sleep(rng.uniform(0, 0.02))

    async def stop() -> None:
        if rng.random() < 0.02:
            await asyncio.sleep(rng.uniform(*STOP_SECONDS))

    def stays() -> float:
        return FOREVER

    def leaves() -> float:
        """But not for ever: one frame of many MB is read on one connection or not at all."""
        nonlocal left
        left += 1
        return rng.uniform(0.05, 2) if left <= LEAVES_MAX else FOREVER

    left = 0
    return rng.choice(
        [
            Reading("stays", QUICK, stays),
            Reading("stays", QUICK, stays),
            Reading("leaves", QUICK, leaves),
            Reading("leaves", QUICK, leaves),
            Reading("slow", Manner(sip, narrow=True), stays),
            Reading("stops", Manner(stop, narrow=True), stays),
            Reading("half-closed", Manner(half=True), stays),
        ]
    )
