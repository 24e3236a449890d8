"""What the runbook says of a Redis that is restored from a backup, or moved to another machine, with real servers."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.dev.simulator import answer_for
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.network import users
from tests.harness.reader import Sight, watch
from tests.long import long
from tests.patience import PATIENCE
from tests.stories.redis.test_two_servers import TwoServers

LONG = "[[sim: tokens=300 rate=60 first=0]]"
NOW = "[[sim: tokens=5 rate=0 first=0]]"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with Cluster(lease_seconds=3) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


async def until(so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await so():
            await asyncio.sleep(0.02)


def says(text: str) -> str:
    return answer_for([{"role": "user", "content": text}])


async def restored(backup: Path, directory: Path, port: int) -> EmbeddedValkey:
    """A server with an append-only file, made of a snapshot: one that is started with both reads the file alone."""
    config = (*users.config(directory), ("appendonly", "no"))
    shutil.copy(backup, directory / "dump.rdb")
    started = await asyncio.to_thread(EmbeddedValkey.start, directory, port, config)
    async with Redis.from_url(started.url) as redis:
        await redis.config_set("appendonly", "yes")

        async def rewritten() -> bool:
            info: dict[str, Any] = await redis.info("persistence")
            return not info["aof_rewrite_in_progress"] and not info["aof_rewrite_scheduled"]

        await until(rewritten)
    return started


async def take(cluster: Cluster, server: EmbeddedValkey) -> None:
    """It is the cluster's from now on, and ends with it."""
    cluster.valkey = server
    cluster._stack.callback(server.stop)  # as if it had started it
    await cluster.redis.aclose()
    cluster.redis = cluster.streams = Redis.from_url(server.url)
    cluster._stack.push_async_callback(cluster.redis.aclose)


async def test_a_backup_that_is_restored_goes_on_from_its_moment(api: Api, tmp_path: Path) -> None:
    cluster = api.cluster
    kept = await api.submit(NOW, key="kept")
    before = await api.see(kept)
    sight = Sight(await api.submit(LONG))
    reading = asyncio.create_task(watch(sight, lambda: api.port))
    while sight.frames < 30:
        await asyncio.sleep(0.01)
    await cluster.redis.save()
    backup = tmp_path / "backup.rdb"
    shutil.copy(cluster.valkey.directory / "dump.rdb", backup)
    later = await api.submit(NOW, key="later")
    await api.see(later)
    while sight.frames < 100:
        await asyncio.sleep(0.01)

    await asyncio.to_thread(cluster.valkey.kill)
    await take(cluster, await restored(backup, tmp_path / "restored", cluster.valkey.port))
    async with asyncio.timeout(PATIENCE):
        await reading
    assert sight.end is not None
    assert (sight.end["outcome"], sight.text()) == ("completed", says(LONG))
    assert (await api.see(kept)).seen == before.seen
    assert (await api.call("GET", f"/v1/streams/{later}/events")).status_code == 404
    assert await api.submit(NOW, key="kept") == kept
    again = await api.submit(NOW, key="later")
    assert again != later
    assert (await api.see(again)).text() == says(NOW)
    # And what it takes now, it keeps.
    await asyncio.to_thread(cluster.valkey.kill)
    await asyncio.to_thread(cluster.valkey.restart)


async def test_a_redis_that_is_moved_behind_its_name_loses_nothing(api: Api, tmp_path: Path) -> None:
    cluster = api.cluster
    old = cluster.valkey
    sights = [Sight(await api.submit(f"{n} {LONG}")) for n in range(3)]
    readings = [asyncio.create_task(watch(sight, lambda: api.port)) for sight in sights]
    while any(sight.frames < 30 for sight in sights):
        await asyncio.sleep(0.01)
    new = await asyncio.to_thread(EmbeddedValkey.start, tmp_path / "new", 0, users.config(tmp_path / "new"))
    async with Redis.from_url(new.url) as target:
        await target.replicaof("127.0.0.1", old.port)

        async def has_all() -> bool:
            theirs, ours = await cluster.redis.info("replication"), await target.info("replication")
            return bool(
                ours.get("master_link_status") == "up" and ours["slave_repl_offset"] == theirs["master_repl_offset"]
            )

        async def follows() -> bool:
            return bool((await target.info("replication")).get("master_link_status") == "up")

        await until(follows)
        await cluster.redis.client_pause(60_000, all=False)
        await until(has_all)
        await target.replicaof("NO", "ONE")
        for proxy in cluster.redis_proxies.values():  # the name
            proxy.target = ("127.0.0.1", new.port)
        await cluster.redis.replicaof("127.0.0.1", new.port)  # who is still there is sent away
        await cluster.redis.client_unpause()
    await take(cluster, new)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*readings)
    for n, sight in enumerate(sights):
        assert sight.end is not None
        assert (sight.end["outcome"], sight.text()) == ("completed", says(f"{n} {LONG}"))
        assert sight.resets + sight.fronts_resets == 0
    await asyncio.to_thread(old.stop)
    assert (await api.see(await api.submit(NOW))).text() == says(NOW)


@long
async def test_streams_may_be_restored_to_an_earlier_moment_than_their_queue(tmp_path: Path) -> None:
    """What the queue knows and the streams' server does not is gone, for whoever asks; the rest goes on."""
    with EmbeddedValkey.start(tmp_path / "logs", extra_config=users.config(tmp_path / "logs")) as logs:
        async with TwoServers(logs, lease_seconds=3) as cluster:
            api = Api(cluster)
            sight = Sight(await api.submit(LONG))
            reading = asyncio.create_task(watch(sight, lambda: api.port))
            while sight.frames < 30:
                await asyncio.sleep(0.01)
            async with Redis.from_url(logs.url) as streams:
                await streams.save()
            shutil.copy(logs.directory / "dump.rdb", tmp_path / "backup.rdb")
            later = await api.submit(LONG)
            await asyncio.to_thread(logs.kill)
            restored_to = await restored(tmp_path / "backup.rdb", tmp_path / "restored", logs.port)
            try:
                async with asyncio.timeout(PATIENCE):
                    await reading
                assert sight.text() == says(LONG)
                assert (await api.call("GET", f"/v1/streams/{later}")).status_code == 404

                async def nothing_is_left() -> bool:
                    return bool((await api.call("GET", "/v1/queue")).json()["running"] == 0)

                await until(nothing_is_left)
                assert (await api.see(await api.submit(NOW))).text() == says(NOW)
            finally:
                await api.close()
                await asyncio.to_thread(restored_to.stop)
