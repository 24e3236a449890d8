"""Group commit on a cluster: an append gets to the node that has its stream, whichever way that leads, and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.stream import frames
from app.stream.log import Claim, Status
from app.stream.redis.cluster.slots import slot_of
from app.stream.redis.known import server_of
from tests.app.served import until
from tests.app.stream.redis.cluster.scripted import Said, ScriptedCluster, ScriptedNode, scripted
from tests.worker.log.by_hand import LIMIT, Watcher
from worker.log import commit
from worker.log.lanes import Lanes, committing
from worker.log.writer import Writer


class Stage:
    """Two nodes that take what `append.lua` would, and writers by the node that has their stream."""

    def __init__(self, cluster: ScriptedCluster, lanes: Lanes) -> None:
        self.cluster, self.lanes = cluster, lanes
        self.first, self.second = cluster.nodes
        self.logs: dict[bytes, bytes] = {}
        self.watcher = Watcher()
        for node in cluster.nodes:
            node.answer = self._append

    def _append(self, said: Said) -> Any:
        _, _, _, log, _, _, _, _, _, at, data, *_ = said
        stands = self.logs.get(log, b"")
        if stands[int(at) :] != data:
            assert len(stands) == int(at)
            self.logs[log] = stands + data
        return ["ok", len(self.logs[log]), ""]

    def writer(self, node: ScriptedNode, number: int = 0) -> Writer:
        names = (f"st_{n}" for n in range(10_000))
        ours = [name for name in names if self.cluster.owner(slot_of(f"ks:{{{name}}}:log")) is node]
        position = frames.origin(ours[number])
        return Writer(Claim(ours[number], 1, "w/1"), position, LIMIT, self.lanes, self.watcher)

    def log(self, writer: Writer) -> bytes:
        return self.logs.get(f"ks:{{{writer.claim.stream_id}}}:log".encode(), b"")

    async def write(self, writer: Writer, *texts: bytes) -> None:
        """And all of it stands."""
        for text in texts:
            writer.frame(b"a", text)
        async with asyncio.timeout(20):
            await writer.flush()
        written = frames.split(self.log(writer))
        assert [frame.data for frame in written][-len(texts) :] == list(texts)
        assert self.watcher.refusals == []

    def give(self, writer: Writer, node: ScriptedNode) -> None:
        self.cluster.give(f"ks:{{{writer.claim.stream_id}}}:log", node)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with scripted() as (cluster, client):
        await client.nodes.learn()
        lanes = committing(client)
        assert isinstance(lanes, Lanes)
        async with lanes:
            yield Stage(cluster, lanes)


async def test_each_append_goes_to_the_node_that_has_its_stream(stage: Stage) -> None:
    for node in stage.cluster.nodes:
        await stage.write(stage.writer(node), b"1", b"2")
        assert node.asked(b"EVALSHA")
    assert stage.lanes.broken_for == 0
    assert stage.lanes.batch_frames.count == 2


async def test_a_slot_that_has_moved_takes_its_streams_along_and_no_others(stage: Stage) -> None:
    mover, stayer = stage.writer(stage.first), stage.writer(stage.first, 1)
    await stage.write(mover, b"1")
    stage.give(mover, stage.second)
    await asyncio.gather(stage.write(mover, b"2"), stage.write(stayer, b"1"))
    asked = len(stage.first.asked(b"EVALSHA"))
    await stage.write(mover, b"3")
    assert len(stage.first.asked(b"EVALSHA")) == asked
    assert [frame.data for frame in frames.split(stage.log(mover))] == [b"1", b"2", b"3"]


async def test_what_is_half_on_its_way_is_written_where_it_goes(stage: Stage) -> None:
    writer = stage.writer(stage.first)
    stage.first.refusals.extend([f"ASK SLOT 127.0.0.1:{stage.second.port}"] * 2)
    await stage.write(writer, b"1")
    assert b"ASKING" in [said[0] for said in stage.second.said]
    await stage.write(writer, b"2")


@pytest.mark.parametrize("refusal", ["TRYAGAIN Multiple keys", "CLUSTERDOWN The cluster is down", "READONLY replica"])
async def test_what_is_not_taken_for_now_is_written_later(
    stage: Stage, refusal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "FULL_SECONDS", 0.01)
    stage.first.refusals.extend([refusal] * 3)
    await stage.write(stage.writer(stage.first), b"1")


async def test_of_a_node_that_is_gone_all_is_written_by_who_took_over(stage: Stage) -> None:
    writer, fresh = stage.writer(stage.first), stage.writer(stage.first, 1)
    await stage.write(writer, b"1")
    await stage.first.stop()
    writer.frame(b"a", b"2")  # into a lane that leads nowhere
    await until(lambda: server_of(stage.lanes._redis).shaken or stage.lanes._troubled.is_set())
    for slot in range(8192):
        stage.cluster.moved[slot] = stage.second
    await asyncio.gather(stage.write(writer, b"3"), stage.write(fresh, b"1"))
    assert [frame.data for frame in frames.split(stage.log(writer))] == [b"1", b"2", b"3"]


async def test_what_no_node_ever_takes_is_the_end_of_its_writer_alone(stage: Stage) -> None:
    writer, other = stage.writer(stage.first), stage.writer(stage.first, 1)
    stage.first.refusals.append("WRONGTYPE Operation against a key")
    writer.frame(b"a", b"1")
    await until(lambda: stage.watcher.refusals)
    assert stage.watcher.refusals.pop() is Status.REFUSED
    await stage.write(other, b"1")


async def test_what_comes_while_nobody_is_known_is_written_once_somebody_is() -> None:
    async with scripted() as (cluster, client):
        ports = [node.port for node in cluster.nodes]
        for node in cluster.nodes:
            await node.stop()
        async with Lanes(client) as lanes:
            stage = Stage(cluster, lanes)
            writing = asyncio.ensure_future(stage.write(stage.writer(stage.second), b"1"))
            await asyncio.sleep(0)
            for node, port in zip(cluster.nodes, ports, strict=True):
                await node.start(port)
            await writing
