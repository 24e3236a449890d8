"""Fronts come and go: readers are sent away at a frame's end and find the stream again elsewhere (G3)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio

from app.dev.simulator import answer_for
from tests.harness.api import Api
from tests.harness.cluster import Cluster, Process
from tests.harness.reader import Sight, connect_once, watch
from tests.long import long

pytestmark = pytest.mark.asyncio(loop_scope="module")

# A front that waited for its time to be over would outlive whoever waits for it here.
OF_FRONTS = {"KEEPSTREAM_DRAIN_SECONDS": "3600"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster(workers=2, fronts=2, drain_seconds=4, lease_seconds=3, of_fronts=OF_FRONTS) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


@asynccontextmanager
async def leaving(api: Api) -> AsyncIterator[Process]:
    """The first front, which is to end; another one is in its place afterwards, whatever happens."""
    front = api.cluster.fronts[0]
    try:
        yield front
    finally:
        await front.end()
        api.cluster.fronts[0] = await api.cluster.front(0)


@asynccontextmanager
async def running(api: Api, text: str) -> AsyncIterator[str]:
    """A stream that is cancelled afterwards."""
    stream_id = await api.submit(text)
    try:
        yield stream_id
    finally:
        await api.cancel(stream_id)


@asynccontextmanager
async def somebody_stuck(api: Api) -> AsyncIterator[asyncio.WriteTransport]:
    """A connection that does not read, in the middle of a frame that is larger than whatever is between it and its
    front: it keeps a draining front until its time is over.
    """
    async with running(api, "[[sim: big-delta=8000000 tokens=3000 rate=20 first=0]]") as stream_id:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=1024)
        try:
            writer.write(f"GET /v1/streams/{stream_id}/events HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            while not api.cluster.front_proxies[0].held:
                await asyncio.sleep(0.01)
            yield writer.transport
        finally:
            writer.transport.abort()


async def until_it_drains(api: Api) -> None:
    while (await api.call("GET", "/readyz")).status_code != httpx.codes.SERVICE_UNAVAILABLE:
        await asyncio.sleep(0.005)


async def test_a_draining_front_sends_its_readers_away_at_a_frames_end(api: Api) -> None:
    text = "[[sim: tokens=500 rate=100 first=0]]"
    stream_id = await api.submit(text)
    sights = [Sight(stream_id) for _ in range(50)]
    async with leaving(api) as front:
        # One connection each, to the first front alone: a clean end in the middle of a frame would be a violation.
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(connect_once(sight, api.port)) for sight in sights]
            while not all(sight.frames for sight in sights):
                await asyncio.sleep(0.01)
            front.send(signal.SIGTERM)
        assert [task.result() for task in reading] == [200] * len(sights)
        assert await front.wait() == 0
    assert all(sight.end is None for sight in sights)
    await asyncio.gather(*(watch(sight, lambda: api.cluster.front_proxies[1].port) for sight in sights))
    assert {sight.text() for sight in sights} == {answer_for([{"role": "user", "content": text}])}


@long
async def test_a_draining_front_says_so_at_once_and_tells_newcomers_to_come_back(api: Api) -> None:
    async with (
        running(api, "[[sim: tokens=900 rate=100 first=0]]") as stream_id,
        somebody_stuck(api) as stuck,
        leaving(api) as front,
    ):
        front.send(signal.SIGTERM)
        await until_it_drains(api)
        assert (await api.call("GET", "/healthz")).status_code == httpx.codes.OK
        events = await api.events(stream_id)
        assert events.status_code == httpx.codes.OK
        assert events.content.startswith(b"retry: ")
        assert b"event:" not in events.content
        stuck.abort()
        assert await front.wait() == 0


@long
async def test_the_retry_that_readers_are_told_is_jittered(api: Api) -> None:
    async with running(api, "[[sim: tokens=900 rate=100 first=0]]") as stream_id, leaving(api) as front:
        async with asyncio.TaskGroup() as group:
            bodies = [group.create_task(api.events(stream_id)) for _ in range(20)]
            sight = Sight(stream_id)
            group.create_task(connect_once(sight, api.port))
            while api.cluster.front_proxies[0].connections <= len(bodies):
                await asyncio.sleep(0.01)
            while sight.frames < 50:
                await asyncio.sleep(0.01)
            front.send(signal.SIGTERM)
        lines = {line for body in bodies for line in body.result().content.split(b"\n")}
        assert len([line for line in lines if line.startswith(b"retry: ")]) > 5
        assert await front.wait() == 0


async def test_a_second_sigterm_ends_a_front_at_once(api: Api) -> None:
    async with somebody_stuck(api), leaving(api) as front:
        front.send(signal.SIGTERM)
        await until_it_drains(api)
        front.send(signal.SIGTERM)
        assert await front.wait() == 0


async def test_a_rolling_restart_of_everything_under_load_loses_nothing(api: Api) -> None:
    texts = [f"{n} [[sim: tokens=600 rate=60 first=0]]" for n in range(10)]
    sights = [Sight(await api.submit(text)) for text in texts]
    async with asyncio.TaskGroup() as group:
        for sight in sights:
            group.create_task(watch(sight, api.cluster.any_front))
        while not all(sight.frames for sight in sights):
            await asyncio.sleep(0.01)
        cluster = api.cluster
        for number in range(2):
            for processes, start in ((cluster.fronts, cluster.front), (cluster.workers, cluster.worker)):
                processes[number].send(signal.SIGTERM)
                assert await processes[number].wait() == 0
                processes[number] = await start(number)
    for sight, text in zip(sights, texts, strict=True):
        assert sight.end is not None
        assert sight.end["outcome"] == "completed"
        assert sight.text() == answer_for([{"role": "user", "content": text}])
