"""What happens to a Valkey Cluster on which logs are: nodes fail over, die, hang and are cut off, slots move on.

Its rule: nothing that was acknowledged is lost, so that every promise holds as it stands, and nobody's process is hurt,
so that every stream of a living worker has to stay where it is. What a fail-over can lose is told by the stories.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

from redis.crc import key_slot
from redis.exceptions import RedisError

from tests.chaos.faults.nemesis import Fault
from tests.harness.sharded import moves
from tests.harness.sharded.behind_proxies import BehindProxies
from tests.harness.sharded.nodes import NODE_TIMEOUT_MS, Node

LEASES = (0.1, 2.5)
# Too short for the others to take it for dead.
HICCUP_SECONDS = (0.1, NODE_TIMEOUT_MS / 1000 / 2)
SLOTS_AT_ONCE = 5
PAUSE_SECONDS = (0.0, 0.3)


class OnNodes:
    """Draws from `rng`; each fault ends when the cluster is whole again."""

    def __init__(self, behind: BehindProxies, rng: random.Random, lease_seconds: float) -> None:
        self._nodes = behind.nodes
        self._proxies = behind.proxies
        self._rng = rng
        self._lease = lease_seconds
        self.faults: list[Fault] = [
            (4, self.fail_over_node),
            (3, self.kill_node),
            (3, self.hang_node),
            (3, self.pause_node),
            (2, self.restart_node),
            (2, self.stop_majority),
            (3, self.fill_node),
            (5, self.move_slots),
            (3, self.move_slots_at_once),
            (3, self.reset_node),
            (2, self.silence_node),
            (2, self.stall_node),
            (2, self.kill_node_clients),
        ]

    async def fail_over_node(self) -> None:
        await self._done(lambda: moves.fail_over(self._nodes, self._primary()))

    async def kill_node(self) -> None:
        """Its replica takes over; it comes back as a replica, sooner or later."""
        later = self._a_while()

        def die() -> None:
            primary = self._primary()
            slot = self._nodes.slot_of(primary)
            moves.kill(self._nodes, primary, keeping=True)
            moves.successor(self._nodes, primary, slot)
            time.sleep(later)
            primary.valkey.restart()

        await self._done(die)

    async def hang_node(self) -> None:
        """Silent on every connection until its replica has taken over, and never heard again: then it is begun anew."""

        def hang() -> None:
            primary = self._primary()
            slot = self._nodes.slot_of(primary)
            moves.keep(self._nodes, primary)
            with moves.hanging(primary):
                moves.successor(self._nodes, primary, slot)
                primary.valkey.kill()
            primary.valkey.restart()

        await self._done(hang)

    async def pause_node(self) -> None:
        """Silent, and back before anybody takes over."""
        seconds = self._rng.uniform(*HICCUP_SECONDS)

        def pause() -> None:
            with moves.hanging(self._primary()):
                time.sleep(seconds)

        await self._done(pause)

    async def restart_node(self) -> None:
        """Gone, and back with its file before anybody takes over."""

        def restart() -> None:
            primary = self._primary()
            moves.kill(self._nodes, primary, keeping=True)
            primary.valkey.restart()

        await self._done(restart)

    async def stop_majority(self) -> None:
        """Two of three are silent: nobody may take over, and the third says that the cluster is down."""
        seconds = self._a_while()

        def stop() -> None:
            with moves.hanging_without_loss(self._nodes, self._rng.sample(self._nodes.primaries(), 2)):
                time.sleep(seconds)

        await self._done(stop)

    async def fill_node(self) -> None:
        seconds = self._a_while()

        def fill() -> None:
            primary = self._primary()
            primary.ask("CONFIG", "SET", "maxmemory", "1mb")
            try:
                time.sleep(seconds)
            finally:
                primary.ask("CONFIG", "SET", "maxmemory", "1gb")

        await self._done(fill)

    async def move_slots(self) -> None:
        """Key by key, with a while between: who asks meanwhile is sent on, or told to try again."""
        pauses = [self._rng.uniform(*PAUSE_SECONDS) for _ in range(SLOTS_AT_ONCE)]
        await self._done(
            lambda: [
                moves.migrate(self._nodes, slot, target, lambda: time.sleep(pause))  # noqa: B023 - called within
                for pause, (slot, target) in zip(pauses, self._moving(), strict=False)
            ]
        )

    async def move_slots_at_once(self) -> None:
        await self._done(lambda: [moves.migrate_at_once(self._nodes, *move) for move in self._moving()])

    async def reset_node(self) -> None:
        self._rng.choice(self._proxies).reset()

    async def silence_node(self) -> None:
        """Half-open: the connections there are stay open and say nothing any more."""
        self._rng.choice(self._proxies).silence()

    async def stall_node(self) -> None:
        proxy = self._rng.choice(self._proxies)
        proxy.stall()
        await asyncio.sleep(self._rng.uniform(0.1, 1.5) * self._lease)
        proxy.flow()

    async def kill_node_clients(self) -> None:
        kind = self._rng.choice(["pubsub", "normal"])
        await self._done(lambda: self._primary().ask("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"))

    # --- what they are made of

    async def _done(self, what: Callable[[], object]) -> None:
        """Does it, and waits until all is well: nobody can tell what two faults at a time have lost."""
        await asyncio.to_thread(what)
        await asyncio.to_thread(self._nodes.until_whole)

    def _primary(self) -> Node:
        return self._rng.choice(sorted(self._nodes.primaries(), key=lambda node: node.valkey.port))

    def _moving(self) -> list[tuple[int, Node]]:
        """Slots in which something stands, each with a node that does not have it."""
        found: dict[int, Node] = {}
        for _ in range(SLOTS_AT_ONCE):
            source = self._primary()
            others = [node for node in self._nodes.primaries() if node is not source]
            try:
                key = source.ask("RANDOMKEY")
            except RedisError:
                continue
            if key:
                found.setdefault(key_slot(key.encode()), self._rng.choice(others))
        return list(found.items())

    def _a_while(self) -> float:
        return self._rng.uniform(*LEASES) * self._lease
