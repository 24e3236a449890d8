"""Streams that flow while something happens to the nodes that have their logs, each of them read on two fronts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from redis.crc import key_slot

from app.dev.simulator import answer_for
from app.stream import keys
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, watch
from tests.harness.sharded.nodes import Node, Nodes
from tests.patience import PATIENCE

STREAMS = 9
# Of the answer's events so many have been seen before anything happens.
UNDER_WAY = 20
# Whom nobody reads for so long ends as abandoned: these are read all the time.
ABANDON_SECONDS = 2.0
_tags = itertools.count(1)


@asynccontextmanager
async def deployed(nodes: Nodes, lease_seconds: float = 1.5) -> AsyncIterator[Api]:
    """Two fronts and two workers whose logs are on the nodes."""
    async with Cluster(workers=2, fronts=2, nodes=nodes, lease_seconds=lease_seconds) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


@dataclass(frozen=True)
class Flow:
    """A stream, and what each of its readers sees."""

    text: str
    tag: str
    sights: tuple[Sight, ...]

    @property
    def stream_id(self) -> str:
        return self.sights[0].stream_id

    @property
    def slot(self) -> int:
        return key_slot(keys.log(self.stream_id).encode())


@asynccontextmanager
async def flowing(
    api: Api, *, streams: int = STREAMS, tokens: int = 300, rate: int = 50
) -> AsyncIterator[Sequence[Flow]]:
    """Within, so many are under way; in the end all of them have been read to their endings."""
    flows = [await _begin(api, tokens, rate) for _ in range(streams)]
    reading = [
        asyncio.create_task(watch(sight, lambda front=front: api.cluster.front_proxies[front].port))  # type: ignore[misc]
        for flow in flows
        for front, sight in enumerate(flow.sights)
    ]
    try:
        async with asyncio.timeout(PATIENCE):
            while not all(sight.frames >= UNDER_WAY for flow in flows for sight in flow.sights):
                await asyncio.sleep(0.01)
            yield flows
            await asyncio.gather(*reading)
    finally:
        for task in reading:
            task.cancel()


async def _begin(api: Api, tokens: int, rate: int) -> Flow:
    tag = f"flow-{next(_tags)}"
    text = f"[[sim: tokens={tokens} rate={rate} first=0 tag={tag}]]"
    stream_id = await api.submit(text, abandon_after=ABANDON_SECONDS)
    return Flow(text, tag, tuple(Sight(stream_id) for _ in api.cluster.fronts))


def busiest(nodes: Nodes, flows: Sequence[Flow]) -> Node:
    """The node that has most of these."""
    holders = [nodes.primary_of(keys.log(flow.stream_id)) for flow in flows]
    return max(nodes.primaries(), key=holders.count)


async def nobody_noticed(api: Api, flows: Sequence[Flow]) -> None:
    """Each was answered whole, by one call that was paid once, and no reader was told to forget anything."""
    async with httpx.AsyncClient() as http:
        calls = (await http.get(f"{api.cluster.claude_url}/_sim/calls")).json()["tags"]
    for flow in flows:
        log = await api.log(flow.stream_id)
        for sight in flow.sights:
            assert sight.end is not None
            assert (sight.end["outcome"], sight.end["attempts"]) == ("completed", 1)
            assert (sight.resets, sight.fronts_resets) == (0, 0)
            assert sight.text() == answer_for([{"role": "user", "content": flow.text}])
            assert log.endswith(sight.seen)
        assert calls[flow.tag]["calls"] == 1


def ended_well(flow: Flow) -> bool:
    """Where what was acknowledged may be lost: the stream has one ending, the same for all, or all were told.

    What it says is whole. A reader has seen nothing but a contiguous range of one log since it was last told to forget.
    """
    ends = [sight.end for sight in flow.sights]
    if any(sight.lost for sight in flow.sights):
        return all(sight.lost for sight in flow.sights)
    texts = {sight.text() for sight in flow.sights}
    return all(end == ends[0] and end is not None for end in ends) and (
        (ends[0] or {})["outcome"] != "completed" or texts == {answer_for([{"role": "user", "content": flow.text}])}
    )
