"""Streams on another Redis than the queue: who prompts and reads sees no difference, and each key has its server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.dev.simulator import answer_for
from app.stream import keys
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.leaks import keys_without_ttl
from tests.harness.network import users
from tests.harness.reader import Sight, watch

OF_QUEUE = re.compile(rb"(ks|arq:\w+):\{queue\}")


class TwoServers(Cluster):
    """A cluster whose streams are on a server of their own."""

    def __init__(self, logs: EmbeddedValkey, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self.logs = logs

    async def _environment(self, name: str) -> dict[str, str]:
        return await super()._environment(name) | {"STREAMS_REDIS_URL": users.as_user(self.logs.url)}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[tuple[Api, EmbeddedValkey]]:
    with EmbeddedValkey.start(tmp_path / "logs", extra_config=users.config(tmp_path / "logs")) as logs:
        async with TwoServers(logs, lease_seconds=3) as cluster:
            api = Api(cluster)
            yield api, logs
            await api.close()


async def test_a_stream_a_conversation_a_cancellation_and_an_outage(stage: tuple[Api, EmbeddedValkey]) -> None:
    api, logs = stage
    queue, streams = api.cluster.redis, Redis.from_url(logs.url)
    text = "[[sim: tokens=200 rate=50 first=0]]"
    sight = Sight(await api.submit(text, key="once"))
    reading = asyncio.create_task(watch(sight, lambda: api.port))
    while sight.frames < 20:
        await asyncio.sleep(0.01)
    await asyncio.to_thread(logs.restart)
    assert await api.submit(text, key="once") == sight.stream_id
    async with asyncio.timeout(40):
        await reading
    assert sight.end is not None
    assert (sight.end["outcome"], sight.text()) == ("completed", answer_for([{"role": "user", "content": text}]))
    assert sight.resets + sight.fronts_resets == 0

    cancelled = await api.submit("[[sim: tokens=4000 rate=20 first=0]]")
    while (await api.show(cancelled))["state"] != "running":
        await asyncio.sleep(0.01)
    await api.cancel(cancelled)
    ended = await api.see(cancelled)
    assert ended.end is not None
    assert ended.end["outcome"] == "cancelled"

    conversation = (await api.call("POST", "/v1/conversations", json={})).json()["id"]
    said = await api.call("POST", f"/v1/conversations/{conversation}/messages", json={"content": "[[sim: tokens=3]]"})
    assert said.status_code == 202, said.text
    await api.see(said.json()["stream"]["id"] if "stream" in said.json() else said.json()["id"])
    listed = (await api.call("GET", "/v1/conversations")).json()
    assert [one["id"] for one in listed["data"]] == [conversation]

    assert await streams.exists(keys.meta(sight.stream_id), keys.log(sight.stream_id)) == 2
    assert [name for name in await queue.keys() if not OF_QUEUE.match(name)] == []
    assert [name for name in await streams.keys() if OF_QUEUE.match(name)] == []
    assert await keys_without_ttl(streams) == []
    assert users.refused(logs.url) == []
    rows = (await api.call("GET", "/ops/streams")).json()
    assert {one["id"] for one in rows["data"] if one["state"] == "ended"} >= {sight.stream_id, cancelled}
    assert (await api.call("GET", "/readyz")).status_code == 200
    await asyncio.to_thread(logs.stop)
    away = await api.call("GET", "/readyz")
    assert (away.status_code, "STREAMS_REDIS_URL" in away.text) == (503, True)
    await streams.aclose()
