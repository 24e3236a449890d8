"""Whether a cluster is whole and each of its primaries fit: asked by each process when it starts, and never again. And
whether anybody of it serves, for who asks that again and again.

The rule: as of `app.stream.redis.fitness`. What is no cluster, or one whose slots nobody was given, is the end of the
start; one of which somebody is away, or whose nodes do not agree yet, is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from redis.exceptions import ResponseError

from app.stream import keys
from app.stream.errors import UnfitServerError
from app.stream.observing import RedisAwaited, tell
from app.stream.redis.cluster.nodes import Node
from app.stream.redis.cluster.patience import NoNodeError
from app.stream.redis.cluster.sharded import Sharded
from app.stream.redis.cluster.slots import SLOTS, slot_of
from app.stream.redis.fitness import PAUSE_SECONDS, PAUSE_SECONDS_MAX, Part, check_node, judging
from app.stream.redis.refusals import NO_ANSWER, Kind, refusal_of

# Those who set a cluster up start its nodes, and give them their slots a moment later.
WHOLE_SECONDS = 5.0


async def until_whole(redis: Sharded) -> None:
    """Returns when the cluster is there and fit. Raises `UnfitServerError` for one that is there and is not."""
    loop, pause, known = asyncio.get_running_loop(), PAUSE_SECONDS, redis.nodes.known
    until, said = loop.time() + WHOLE_SECONDS, ""
    while True:
        try:
            return await check_cluster(redis)
        except NO_ANSWER as error:
            refusal = refusal_of(error)
            if refusal.words != said:
                tell(RedisAwaited(refusal.kind, refusal.words, type(error).__name__, still=bool(said)))
                said = refusal.words
            if isinstance(error, NotWholeError):
                if loop.time() >= until:
                    raise UnfitServerError(f"{known.shown}: {refusal.words}") from error
            else:
                until = loop.time() + WHOLE_SECONDS
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_SECONDS_MAX)


class NotWholeError(NoNodeError):
    """Slots have nobody: for a moment, or until somebody gives them."""


async def check_cluster(redis: Sharded) -> None:
    """Raises `UnfitServerError`, or one of `NO_ANSWER` for one that is away or not whole for now."""
    nodes = redis.nodes
    with judging(nodes.known):
        if not await nodes.learn():
            await _find_out(redis)
        if missing := nodes.map.missing:
            raise NotWholeError(
                f"{missing} of {SLOTS} slots of the cluster have no node: give them one (valkey-cli --cluster fix), or "
                "name nodes of another cluster"
            )
        for node in nodes.primaries:
            await check_node(node.client, Part.LOGS, cluster=True)


async def _find_out(redis: Sharded) -> None:
    """Why no node has said who has what. Raises it."""
    seed = redis.nodes.seeds[0]
    try:
        info: Mapping[str, Any] = await seed.client.info()
        await seed.client.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
    except ResponseError as error:
        if refusal_of(error).kind is Kind.BUG and str(info.get("cluster_enabled", "0")) != "1":
            raise UnfitServerError(
                f"{redis.nodes.known.shown}: that is no node of a cluster (cluster_enabled:0): name it by redis:// or "
                "rediss://, or name nodes of a cluster"
            ) from error
        raise
    raise NotWholeError("the cluster's nodes have no slots: set it up (valkey-cli --cluster create)")


async def anybody_serves(redis: Sharded) -> None:
    """Returns when a node serves what it has: one that says that the cluster is down would answer a PING as well.

    Raises one of `NO_ANSWER` where none does.
    """
    asked = [asyncio.create_task(_serves(node, name), name="serves") for node, name in (await _own(redis)).items()]
    refused: Exception | None = None
    try:
        for answer in asyncio.as_completed(asked):
            if (refused := await answer) is None:
                return
    finally:
        for one in asked:
            one.cancel()
    redis.nodes.stir()  # those who have it now may be others
    raise refused or NoNodeError("CLUSTERDOWN no node is known")


async def _own(redis: Sharded) -> dict[Node, str]:
    """All primaries, each with a key that it has. Raises `NoNodeError` where none is known."""
    if not redis.nodes.primaries:
        await redis.nodes.learn()
    wanted, own = len(redis.nodes.primaries), dict[Node, str]()
    if not wanted:
        raise NoNodeError("CLUSTERDOWN no node is known")
    for number in range(SLOTS):
        name = keys.meta(f"st_{number}")
        if (node := redis.nodes.of_slot(slot_of(name))) is not None:
            own.setdefault(node, name)
        if len(own) == wanted:
            break
    return own


async def _serves(node: Node, name: str) -> Exception | None:
    """Why it does not."""
    try:
        await node.client.exists(name)
    except NO_ANSWER as error:
        return error if refusal_of(error).code != "MOVED" else None  # to who serves it
    return None
