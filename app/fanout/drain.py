"""How a front's readers leave when it stops: told to come back, one by one, so that no other front is stormed.

The rule: whoever can come back by itself goes early, and whoever cannot (`PatientReader`) stays until the last moment
in which it can still be told; nobody is left untold within the time there is.
"""

from __future__ import annotations

import asyncio
import contextlib
import random

from app.fanout.audience import send_away
from app.fanout.hub import Hub
from app.stream.observing import tell
from app.watch.events import of_processes

# Readers are sent away within this part of the drain time; the rest is for what they still have to receive.
DRAIN_PART = 0.4
# Readers that cannot come back by themselves stay until the rest is just enough to tell them.
LAST_PART = 0.1
# A reader a millisecond is no storm: fewer readers are sent away faster.
DRAIN_SECONDS_PER_READER = 0.002


async def drain(hub: Hub, seconds: float) -> None:
    """Sends the readers away and waits until they have what was written to them, for `seconds` at the most."""
    tell(of_processes.Draining(readers=len(hub.readers)))
    hub.draining = True
    hub.leave_by = asyncio.get_running_loop().time() + seconds * (1 - LAST_PART)
    spread = min(seconds * DRAIN_PART, len(hub.readers) * DRAIN_SECONDS_PER_READER)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await send_all_away(hub, spread)
            await hub.empty()


async def send_all_away(hub: Hub, seconds: float) -> None:
    """One by one over `seconds`, in an order that nobody knows; who joins meanwhile is sent away by the hub."""
    hub.draining = True
    readers = [(tail, reader) for tail in hub.tails for reader in tail.readers]
    random.shuffle(readers)
    loop = asyncio.get_running_loop()
    start = loop.time()
    for n, (tail, reader) in enumerate(readers):
        due = start + seconds * n / len(readers)
        if due > loop.time():
            await asyncio.sleep(due - loop.time())
        if reader in tail.readers:
            tail.audience.each((reader,), send_away)
