"""The other workers: whoever dies is found within a second or two, not only when its leases expire.

The rule: every worker listens to a channel of its own, and the connection ends with its process. An absence is a hint:
it counts only if it lasts, if Redis knows no other connection of that worker, and if nothing has shaken the connections
of all. A wrong guess is safe (its streams are fenced like anybody's who lost a lease) and costs a second call of the
upstream. A worker that is paused, or whose machine is gone, keeps its connections: its leases expire.
"""

from __future__ import annotations

import asyncio

from redis.exceptions import ResponseError

from app.stream.observing import tell
from app.stream.workers.presence import Presence
from app.watch.events import of_processes
from worker.claims.trust import Trust

# Among the others' leases; without any, the pool's own slow poll finds out when there are some again. Where leases are
# shorter they are looked at more often: their clock goes on by what it is looked at.
LOOK_SECONDS = 1.0
LOOKS_PER_LEASE = 10
# A living worker that lost its connection is back long before.
GRACE_SECONDS = 0.3


class Neighbours:
    """Watches the workers other than `name`, of whose own channel it is the receiver."""

    def __init__(self, name: str, presence: Presence, lease_seconds: float = LOOK_SECONDS * LOOKS_PER_LEASE) -> None:
        self._look_seconds = min(LOOK_SECONDS, lease_seconds / LOOKS_PER_LEASE)
        self._name = name
        self._presence = presence
        self._busy = asyncio.Event()
        self._trust = Trust(asyncio.get_running_loop().time)

    def stir(self) -> None:
        """Somebody may hold leases."""
        self._busy.set()

    def message(self, payload: bytes) -> None:
        """Nothing is said on this channel: that it is heard is all."""

    def settle(self) -> None:
        """As above."""

    def gap(self) -> None:
        """Our own connection was lost: so may be everybody's."""
        self._trust.shake()

    async def watch(self) -> None:
        """Looks for as long as the process lives; raises when Redis does not answer."""
        while True:
            await self._busy.wait()
            self._busy.clear()
            if await self.look():
                self._busy.set()
                await asyncio.sleep(self._look_seconds)

    async def look(self) -> bool:
        """Lets the leases of the dead expire; returns whether there are leases to look after."""
        leases, absent = await self._presence.absent(self._name)
        if absent:
            await asyncio.sleep(GRACE_SECONDS)
            leases, still = await self._presence.absent(self._name)
            gone = absent & still
            if gone and self._trust.stands:
                gone -= await self._connected(gone)
            # Once for all that died: what it costs Redis grows with the streams of all workers.
            if gone and self._trust.stands:
                for worker, expired in (await self._presence.expire(gone)).items():
                    tell(of_processes.WorkerGone(worker, expired))
        return leases > 0

    async def _connected(self, workers: set[str]) -> set[str]:
        """Those of them that have any connection left."""
        try:
            names = await self._presence.connected()
        except ResponseError:
            return set()  # not ours to ask here: what was seen twice must do
        return {worker for worker in workers if client_name(worker) in names}


def client_name(worker: str) -> str:
    """What a worker calls its connections."""
    return f"keepstream-worker-{worker}"
