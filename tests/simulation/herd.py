"""A front dies, and its readers come back to the others: all of them, about at once.

The rule: when a client comes back is what clients do (an EventSource after what the front said at the beginning of its
answer; ours by their own back-off), and what a reader costs is measured; a front and a node of Redis do one thing after
the other, beside the load that they carry all the time.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field

from app.clients.python.keepstream.core.resuming import Reading
from app.clients.python.keepstream.errors import UnreachableError
from tests.bench.sizing.formula import Figures

# What a front says at the beginning of its answers: `retry: 1000`.
RETRY_SECONDS = 1.0
# From a client to a front: a connection, encrypted, and a request.
CONNECT_SECONDS = 0.1
# So long a balancer goes on sending clients to a front that is gone.
NOTICED_SECONDS = 2.0
# Of a node of Redis, to read what a reader has not seen: its log, of some thousand events.
READ_SECONDS = 0.0004


@dataclass(slots=True)
class Line:
    """One who does one thing after the other, and is busy with other things for a `share` of the time."""

    share: float
    free_at: float = 0.0
    joined: Counter[int] = field(default_factory=Counter)

    def take(self, now: float, seconds: float) -> float:
        """When it is done."""
        self.joined[int(now * 10)] += 1
        self.free_at = max(self.free_at, now) + seconds / (1 - self.share)
        return self.free_at


@dataclass(frozen=True, slots=True)
class Herd:
    """Seconds from the front's death until each reader had all again, and the most that came to a front in 0.1 s."""

    seconds: list[float]
    most: int
    refused: int


def herd(
    figures: Figures, dice: random.Random, *, readers: int, fronts: int, nodes: int, ours: bool, share: float
) -> Herd:
    """`ours`: all of them are our clients, else EventSources. `share`: of its time, that each is busy already."""
    others = [Line(share) for _ in range(fronts - 1)]
    logs = [Line(share) for _ in range(nodes)]
    random.seed(dice.random())  # whence our clients have their jitter
    states = [Reading() for _ in range(readers)]
    broken = UnreachableError("the connection was lost")

    def later(reader: int) -> float:
        return states[reader].failed(broken) if ours else RETRY_SECONDS

    coming = [(later(n) + dice.expovariate(1 / CONNECT_SECONDS), n) for n in range(readers)]
    heapq.heapify(coming)
    done, refused = [], 0
    while coming:
        now, reader = heapq.heappop(coming)
        front = dice.randrange(fronts)
        if front == fronts - 1:
            if now < NOTICED_SECONDS:  # it is the dead one: the connection is refused
                refused += 1
                heapq.heappush(coming, (now + later(reader) + dice.expovariate(1 / CONNECT_SECONDS), reader))
                continue
            front = dice.randrange(fronts - 1)
        joined = others[front].take(now, figures["front_join_us"] / 1e6)
        done.append(dice.choice(logs).take(joined, READ_SECONDS))
    return Herd(sorted(done), max(max(one.joined.values()) for one in others), refused)
