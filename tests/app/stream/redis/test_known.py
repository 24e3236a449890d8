"""What a process knows of its servers: each by itself, and each outage once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.dev.embedded import EmbeddedValkey
from app.stream.observing import Event, RedisAway, RedisBack, listen
from app.stream.redis.connect import connect
from app.stream.redis.known import server_of, shaken
from tests.harness.network.proxy import Proxy


async def test_each_time_that_redis_is_away_is_counted_once(valkey: EmbeddedValkey) -> None:
    async with Proxy("127.0.0.1", valkey.port) as proxy:
        redis: Redis = connect(f"redis://127.0.0.1:{proxy.port}/0", "tests", retries=0)
        await redis.ping()
        server = server_of(redis)
        assert (server.is_away, server.losses) == (False, 0)
    for _ in range(3):
        with pytest.raises(RedisConnectionError):
            await redis.ping()
    assert (server.is_away, server.losses) == (True, 1)
    await redis.aclose()


async def test_servers_are_known_apart_and_clients_of_one_together() -> None:
    ours, also_ours = (connect("redis://127.0.0.1:1/0", "tests") for _ in range(2))
    other: Redis = connect("redis://127.0.0.1:2/0", "tests", setting="STREAMS_REDIS_URL")
    server_of(ours).lost(ConnectionRefusedError())
    server_of(other).leave()
    assert [server_of(one).is_away for one in (ours, also_ours, other)] == [True, True, False]
    assert [shaken(one) for one in (ours, also_ours, other)] == [False, False, True]


async def test_which_server_it_was_is_told_where_it_is_not_the_queue_s() -> None:
    told: list[Event] = []
    before = listen(cast("Any", SimpleNamespace(told=told.append)))
    for setting in ("REDIS_URL", "STREAMS_REDIS_URL"):
        known = server_of(connect("redis://127.0.0.1:1/0", "tests", setting=setting))
        known.lost(ConnectionRefusedError())
        known.found()
    listen(before)
    assert [(type(one), cast("Any", one).server) for one in told] == [
        (RedisAway, ""),
        (RedisBack, ""),
        (RedisAway, "STREAMS_REDIS_URL"),
        (RedisBack, "STREAMS_REDIS_URL"),
    ]
