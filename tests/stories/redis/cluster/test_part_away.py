"""One node of three is away, and nobody takes over: the streams of the others go on, and its own wait for it.

On a cluster that goes on without a part of its slots (`cluster-require-full-coverage no`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import pytest
import pytest_asyncio

from tests.harness.api import Api
from tests.harness.sharded import moves
from tests.harness.sharded.nodes import Node, Nodes
from tests.patience import PATIENCE
from tests.stories.redis.cluster.flowing import Flow, busiest, deployed, flowing, nobody_noticed

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(nodes: Nodes) -> AsyncIterator[Api]:
    _cover(nodes, "no")
    try:
        async with deployed(nodes) as api:
            yield api
    finally:
        _cover(nodes, "yes")


def _cover(nodes: Nodes, whether: str) -> None:
    for node in nodes.nodes:
        node.ask("CONFIG", "SET", "cluster-require-full-coverage", whether)


@contextmanager
def dead(nodes: Nodes, both: Sequence[Node]) -> Iterator[None]:
    """Nobody is there, and whoever comes is told so at once."""
    moves.keep(nodes, both[0])
    for node in both:
        node.valkey.kill()
    yield
    moves.heal(nodes)
    _cover(nodes, "no")


def silent(nodes: Nodes, both: Sequence[Node]) -> AbstractContextManager[None]:
    """All connections stand, and whoever asks waits."""
    return moves.hanging_without_loss(nodes, both[:1], both[1:])


@pytest.mark.parametrize("away", [dead, silent])
async def test_the_others_go_on(
    api: Api, nodes: Nodes, away: Callable[[Nodes, Sequence[Node]], AbstractContextManager[None]]
) -> None:
    async with flowing(api, tokens=200) as flows:
        primary = await asyncio.to_thread(busiest, nodes, flows)
        both = (primary, nodes.replica_of(primary))
        lost = {flow.stream_id for flow in flows if nodes.holder(flow.slot) is primary}
        others = [flow for flow in flows if flow.stream_id not in lost]
        context = away(nodes, both)
        await asyncio.to_thread(context.__enter__)
        try:
            async with asyncio.timeout(PATIENCE):
                while not all(ended(flow) for flow in others):
                    await asyncio.sleep(0.02)
            assert not any(ended(flow) for flow in flows if flow.stream_id in lost)
            more = [await api.call("POST", "/v1/streams", json={"prompt": "[[sim: tokens=1]]"}) for _ in range(9)]
            assert 202 in {answer.status_code for answer in more}
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)
    await nobody_noticed(api, flows)


def ended(flow: Flow) -> bool:
    return all(sight.end is not None for sight in flow.sights)
