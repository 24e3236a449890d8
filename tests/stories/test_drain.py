"""Fronts come and go: readers are sent away at a frame's end and find the stream again elsewhere."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from app.stream import keys
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, connect_once, watch
from worker.simulator import answer_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

DRAIN_SECONDS = 4


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster(workers=2, fronts=2, drain_seconds=DRAIN_SECONDS, lease_seconds=3) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


async def test_a_draining_front_sends_its_readers_away_at_a_frames_end(api: Api) -> None:
    text = "[[sim: tokens=500 rate=100 first=0]]"
    stream_id = await api.submit(text)
    sights = [Sight(stream_id) for _ in range(50)]
    # One connection each, to the first front alone: a clean end in the middle of a frame would be a violation.
    reading = [asyncio.create_task(connect_once(sight, api.port)) for sight in sights]
    while not all(sight.frames for sight in sights):
        await asyncio.sleep(0.01)
    front = api.cluster.fronts[0]
    began = time.monotonic()
    front.send(signal.SIGTERM)
    assert await asyncio.gather(*reading) == [200] * len(sights)
    assert await front.wait() == 0
    assert time.monotonic() - began < DRAIN_SECONDS + 1
    assert all(sight.end is None for sight in sights)
    await asyncio.gather(*(watch(sight, lambda: api.cluster.front_proxies[1].port) for sight in sights))
    assert {sight.text() for sight in sights} == {answer_for([{"role": "user", "content": text}])}
    api.cluster.fronts[0] = await api.cluster.front(0)


async def test_a_draining_front_says_so_at_once_and_tells_newcomers_to_come_back(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=900 rate=100 first=0]]")
    stuck = await asyncio.open_connection("127.0.0.1", api.port, limit=1024)
    # Somebody who does not read keeps the front draining until its time is over.
    stuck[1].write(f"GET /v1/streams/{await big(api)}/events HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    await stuck[0].readuntil(b"\r\n\r\n")
    front = api.cluster.fronts[0]
    front.send(signal.SIGTERM)
    while (await api.call("GET", "/readyz")).status_code != httpx.codes.SERVICE_UNAVAILABLE:
        await asyncio.sleep(0.005)
    assert (await api.call("GET", "/healthz")).status_code == httpx.codes.OK
    events = await api.events(stream_id)
    assert events.status_code == httpx.codes.OK
    assert events.content.startswith(b"retry: ")
    assert b"event:" not in events.content
    stuck[1].transport.abort()
    assert await front.wait() == 0
    api.cluster.fronts[0] = await api.cluster.front(0)
    await api.cancel(stream_id)


async def test_the_retry_that_readers_are_told_is_jittered(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=900 rate=100 first=0]]")
    bodies = [asyncio.create_task(api.events(stream_id)) for _ in range(20)]
    while len(await api.cluster.redis.pubsub_channels(f"ks:{{{stream_id}}}")) == 0:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0)
    sight = Sight(stream_id)
    reading = asyncio.create_task(connect_once(sight, api.port))
    while sight.frames < 50:
        await asyncio.sleep(0.01)
    api.cluster.fronts[0].send(signal.SIGTERM)
    retries = {
        line for body in await asyncio.gather(*bodies) for line in body.content.split(b"\n") if line[:7] == b"retry: "
    }
    await reading
    assert len(retries) > 5
    assert await api.cluster.fronts[0].wait() == 0
    api.cluster.fronts[0] = await api.cluster.front(0)
    await api.cancel(stream_id)


async def test_a_second_sigterm_ends_a_front_at_once(api: Api) -> None:
    stuck = await asyncio.open_connection("127.0.0.1", api.port, limit=1024)
    stuck[1].write(f"GET /v1/streams/{await big(api)}/events HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    await stuck[0].readuntil(b"\r\n\r\n")
    front = api.cluster.fronts[0]
    front.send(signal.SIGTERM)
    while (await api.call("GET", "/readyz")).status_code != httpx.codes.SERVICE_UNAVAILABLE:
        await asyncio.sleep(0.005)
    began = time.monotonic()
    front.send(signal.SIGTERM)
    assert await front.wait() == 0
    assert time.monotonic() - began < DRAIN_SECONDS / 2
    stuck[1].transport.abort()
    api.cluster.fronts[0] = await api.cluster.front(0)


async def test_a_rolling_restart_of_everything_under_load_loses_nothing(api: Api) -> None:
    texts = [f"{n} [[sim: tokens=600 rate=60 first=0]]" for n in range(10)]
    sights = [Sight(await api.submit(text)) for text in texts]
    reading = [asyncio.create_task(watch(sight, api.cluster.any_front)) for sight in sights]
    while not all(sight.frames for sight in sights):
        await asyncio.sleep(0.01)
    for number in range(2):
        for processes, start in ((api.cluster.fronts, api.cluster.front), (api.cluster.workers, api.cluster.worker)):
            processes[number].send(signal.SIGTERM)
            assert await processes[number].wait() == 0
            processes[number] = await start(number)
    await asyncio.gather(*reading)
    for sight, text in zip(sights, texts, strict=True):
        assert sight.end is not None
        assert sight.end["outcome"] == "completed"
        assert sight.text() == answer_for([{"role": "user", "content": text}])


async def big(api: Api) -> str:
    """A running stream whose log is larger than what a connection buffers."""
    stream_id = await api.submit("[[sim: big-delta=8000000 tokens=3000 rate=20 first=0]]")
    while await api.cluster.redis.strlen(keys.log(stream_id)) < 8_000_000:
        await asyncio.sleep(0.01)
    return stream_id
