"""Two servers: each key is on its own, and each channel is listened to where its key is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.settings import Settings
from app.stream import keys
from app.stream.errors import UnfitServerError
from app.stream.log import Log, State
from app.stream.queue import Queue
from app.stream.redis.servers import Servers, listening, servers
from tests.app.served import until


@pytest.fixture
async def both(valkey: EmbeddedValkey, redis: Redis) -> AsyncIterator[Servers[Any]]:
    """Two databases of one server, which know nothing of each other's keys."""
    settings = Settings(redis_url=valkey.url, streams_redis_url=valkey.url.replace("/0", "/1"))
    made = servers(settings, "tests")
    yield made
    await made.aclose()
    await redis.flushall()


async def test_one_address_is_one_client() -> None:
    url = "redis://127.0.0.1:1/0"
    assert not servers(Settings(redis_url=url), "tests").apart
    assert not servers(Settings(redis_url=url, streams_redis_url=url), "tests").apart
    assert servers(Settings(redis_url=url, streams_redis_url="redis://127.0.0.1:2/0"), "tests").apart


async def test_an_address_that_cannot_be_one_is_told_with_its_setting() -> None:
    with pytest.raises(UnfitServerError, match="STREAMS_REDIS_URL cannot be read"):
        servers(Settings(streams_redis_url="redis://:hush@127.0.0.1:port"), "tests")


async def test_a_submit_leaves_on_each_what_is_its_own(both: Servers[Any]) -> None:
    log, queue = Log(both.logs), Queue(both.queue, logs=both.logs)
    await queue.submit("st_1", limit=10, life_ms=60_000, after=log.opening("st_1", {"owner": "me"}))
    assert await log.keep("st_1", 60_000) is State.QUEUED
    assert await both.logs.keys() == [keys.meta("st_1").encode()]
    assert await both.queue.exists(keys.JOBS, keys.arq_job("st_1")) == 2
    assert await both.queue.keys("ks:{st_1}*") == []


async def test_a_process_hears_both_and_how_late_the_streams_are(both: Servers[Any]) -> None:
    await both.until_fit()
    async with listening(both, "me") as heard:
        assert heard.logs is not heard.queue
        await until(lambda: heard.logs.subscriptions and heard.queue.subscriptions)
        await until(lambda: both.logs.pubsub_numsub(keys.hearing("me")))
        await heard.accord.look()
        await until(lambda: heard.accord.lag.count)
        assert all(one.alive for one in heard.work)
        assert len(heard.work) == 4


async def test_where_there_is_one_all_is_heard_there(valkey: EmbeddedValkey) -> None:
    one: Servers[Any] = servers(Settings(redis_url=valkey.url), "tests")
    async with listening(one, "me") as heard:
        assert heard.logs is heard.queue
        assert len(heard.work) == 2
    await one.aclose()
