"""A server that a setting names, or all nodes of a cluster, reached once for all checks.

The rule: what is not reached is said by the check that is about that, and the others have nothing to say of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from app.stream.errors import UnfitServerError
from app.stream.redis.cluster.nodes import Node
from app.stream.redis.cluster.sharded import Sharded
from app.stream.redis.cluster.slots import SLOTS
from app.stream.redis.cluster.wholeness import check_cluster
from app.stream.redis.connect import connect
from app.stream.redis.fitness import Part
from app.stream.redis.refusals import NO_ANSWER, Kind, refusal_of

# Also where each of the few things that a new connection asks has its own time.
REACH_SECONDS = 2.5

Info = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """One that answers. `called` is what is said of it begins with: nothing, where it is the only one."""

    called: str
    client: Redis
    info: Info
    part: Part
    of_cluster: bool = False


class Server:
    """`setting` names it by `url`; `part` is what it is for. `why` says why it is not reached."""

    def __init__(self, setting: str, url: str, ca: str | None, part: Part) -> None:
        self.setting = setting
        self.url = url
        self.why = ""
        self.silent: dict[str, str] = {}  # nodes of a cluster, and what becomes of who asks them
        self.missing = 0  # slots that nobody has
        self.alone: list[str] = []  # nodes that nobody would take over from
        self.client: Redis | None = None
        self._ca = ca
        self._part = part
        self._reaching: asyncio.Task[list[Place]] | None = None

    async def places(self) -> list[Place]:
        """Those that answer."""
        if self._reaching is None:
            self._reaching = asyncio.create_task(self._reach(), name="reach")
        return await asyncio.shield(self._reaching)

    async def aclose(self) -> None:
        if isinstance(self.client, Sharded):
            await self.client.aclose()
        elif self.client is not None:
            await self.client.connection_pool.disconnect()

    async def _reach(self) -> list[Place]:
        try:
            client: Redis = connect(self.url, "doctor", retries=0, ca=self._ca, setting=self.setting)
            self.client = client
            async with asyncio.timeout(REACH_SECONDS):
                if isinstance(client, Sharded):
                    return await self._nodes(client)
                info: Info = await client.info()
        except UnfitServerError as error:
            self.why = str(error)
        except TimeoutError:
            self.why = "it has not answered in time"
        except NO_ANSWER as error:
            self.why = _why(error)
        else:
            return [Place("" if self._part is Part.ALL else self.setting, client, info, self._part)]
        return []

    async def _nodes(self, cluster: Sharded) -> list[Place]:
        if not await cluster.nodes.learn():
            await check_cluster(cluster)  # which finds out why
        self.missing = cluster.nodes.map.missing
        primaries = cluster.nodes.primaries
        infos = await asyncio.gather(*map(_info, primaries))
        found = []
        for node, info in zip(primaries, infos, strict=True):
            called = f"{node.place[0]}:{node.place[1]}"
            if isinstance(info, str):
                self.silent[called] = info
                continue
            found.append(Place(called, node.client, info, self._part, of_cluster=True))
            if not int(info.get("connected_slaves", 0)):
                self.alone.append(called)
        if not primaries:
            self.why = f"no node has any of its {SLOTS} slots"
        return found


async def _info(node: Node) -> Info | str:
    try:
        info: Info = await node.client.info()
    except NO_ANSWER as error:
        return _why(error)
    return info


def _why(error: BaseException) -> str:
    refusal = refusal_of(error)
    return refusal.words if refusal.kind is not Kind.BUG else refusal.code
