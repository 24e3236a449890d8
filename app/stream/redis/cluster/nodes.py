"""The nodes of a cluster: who they are, which has what, and learning it anew.

The rule: it is learnt from whoever answers, when somebody was told that it is wrong, when a node was not reached, and
every `LEARN_SECONDS`; by one at a time, for all who ask meanwhile. A node that was in doubt is not believed before the
others: cut off from them it would say for ever that it has what it had. One that has left is let go a while later, for
somebody may still wait for its answer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from redis.asyncio import Redis

from app.stream.redis.cluster.slots import Map, Place, map_of
from app.stream.redis.known import Server, server
from app.stream.redis.refusals import NO_ANSWER

LEARN_SECONDS = 30.0
# However many are told at once that what is known is wrong.
PAUSE_SECONDS = 0.1
# Asked at the same time; the first that answers is believed.
ASKED = 4


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """`client` asks this node alone; `known` is what this process knows of it."""

    place: Place
    client: Redis
    known: Server


class Together(Server):
    """What this process knows of a cluster: it is away where nobody of it is there."""

    def __init__(self, of: Server, nodes: Mapping[Place, Node]) -> None:
        super().__init__(of.name)
        self.where = of.where
        self._nodes = nodes

    @property
    def is_away(self) -> bool:
        return bool(self._nodes) and all(node.known.is_away for node in self._nodes.values())

    @property
    def shaken(self) -> bool:
        return super().shaken or any(node.known.shaken for node in self._nodes.values())


class Nodes:
    """`seeds` are asked first; `make` makes a client of one node."""

    def __init__(self, of: Server, seeds: Iterable[Place], make: Callable[[Place, Server], Redis]) -> None:
        self._seeds = tuple(dict.fromkeys(seeds))
        self._make = make
        self._nodes: dict[Place, Node] = {}
        self._left: list[Node] = []
        self._map = Map()
        self._learning: asyncio.Task[bool] | None = None
        self._learnt_at = float("-inf")
        self._doubted: set[Place] = set()
        self._changed: list[Callable[[], None]] = []
        self.known = Together(of, self._nodes)

    @property
    def map(self) -> Map:
        """Empty before it was learnt."""
        return self._map

    @property
    def seeds(self) -> list[Node]:
        """Those that were named."""
        return [self._node(place) for place in self._seeds]

    @property
    def primaries(self) -> list[Node]:
        return [self._node(place) for place in self._map.primaries]

    def of_slot(self, slot: int) -> Node | None:
        """Who has a slot, as far as is known."""
        place = self._map.owners[slot]
        return None if place is None else self._node(place)

    def at(self, place: Place) -> Node:
        """The node there, whether or not it has anything."""
        return self._node(place)

    def tell(self, changed: Callable[[], None]) -> None:
        """Calls back whenever something has changed; must not raise."""
        self._changed.append(changed)

    def moved(self, slot: int, place: Place) -> None:
        """A node said who has a slot. The rest is learnt besides."""
        if self._map.owners[slot] != place:
            self._take(self._map.moved(slot, place))
        self.stir()

    def stir(self) -> None:
        """It is to be learnt anew, and nobody waits for it."""
        self._learn()

    def doubt(self, node: Node) -> None:
        """It was not reached, or does not do what it should have to."""
        self._doubted.add(node.place)

    async def learn(self) -> bool:
        """Learns it anew; False where nobody answers."""
        return await asyncio.shield(self._learn())

    async def watch(self) -> None:
        """For as long as the process lives."""
        while True:
            await self.learn()
            await asyncio.sleep(LEARN_SECONDS)

    async def aclose(self) -> None:
        if self._learning is not None:
            self._learning.cancel()
            await asyncio.wait({self._learning})
        for node in (*self._nodes.values(), *self._left):
            await node.client.aclose()

    def _learn(self) -> asyncio.Task[bool]:
        if self._learning is None or self._learning.done():
            self._learning = asyncio.create_task(self._look(), name="topology")
        return self._learning

    async def _look(self) -> bool:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._learnt_at + PAUSE_SECONDS - loop.time())
        self._learnt_at = loop.time()
        doubted, self._doubted = self._doubted, set()
        places = list({*self._nodes, *self._map.primaries, *self._seeds})
        random.shuffle(places)
        places.sort(key=doubted.__contains__)
        trusted = len([place for place in places if place not in doubted])
        # Of these each few are asked together, and so are they who are in doubt.
        ends = sorted({*range(ASKED, trusted, ASKED), trusted, len(places)})
        for first, last in pairwise((0, *ends)):
            found = await self._first(places[first:last])
            if found is not None:
                for node in self._left:
                    await node.client.connection_pool.disconnect()
                self._left.clear()
                self._take(found)
                return True
        return False

    async def _first(self, places: Sequence[Place]) -> Map | None:
        """What the first of these says that answers; one that knows all slots goes before one that does not."""
        if not places:
            return None
        asking = {asyncio.create_task(self._ask(place), name="topology") for place in places}
        found: Map | None = None
        try:
            for answer in asyncio.as_completed(asking):
                said = await answer
                if said is not None and (found is None or said.missing < found.missing):
                    found = said
                if found is not None and not found.missing:
                    break
        finally:
            for task in asking:
                task.cancel()
            await asyncio.wait(asking)
        return found

    async def _ask(self, place: Place) -> Map | None:
        try:
            said: Any = await self._node(place).client.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
            return map_of(said, place) if said else None
        except NO_ANSWER:
            return None  # its connection has told it

    def _take(self, found: Map) -> None:
        before, self._map = self._map, found
        if before == found:
            return
        if before.primaries:  # the first one is no change: somebody has lost, or was given, what others had
            self.known.leave()
        wanted = {*found.primaries, *self._seeds}
        self._left += [self._nodes.pop(place) for place in [*self._nodes] if place not in wanted]
        for changed in self._changed:
            changed()

    def _node(self, place: Place) -> Node:
        node = self._nodes.get(place)
        if node is None:
            known = server(f"{self.known.name} {place[0]}:{place[1]}")
            node = self._nodes[place] = Node(place, self._make(place, known), known)
        return node
