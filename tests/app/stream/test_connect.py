from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.sentinel import SentinelConnectionPool

from app.dev.embedded import EmbeddedValkey
from app.stream.connect import check_server, connect
from app.stream.errors import UnfitServerError


class Telling:
    """A server that says of itself what it is told to say."""

    def __init__(self, **info: str) -> None:
        self._info = info

    async def info(self) -> dict[str, str]:
        return {"redis_version": "7.2.4", "maxmemory_policy": "noeviction"} | self._info


async def check(**info: str) -> None:
    telling: Any = Telling(**info)
    await check_server(telling)


async def test_a_server_that_keeps_what_it_acknowledged_is_taken(redis: Redis) -> None:
    await check_server(redis)
    await check()


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_a_server_that_evicts_is_refused_with_what_to_do(policy: str) -> None:
    with pytest.raises(UnfitServerError, match=f"{policy}.*noeviction"):
        await check(maxmemory_policy=policy)


@pytest.mark.parametrize("version", ["6.2.14", "5.0.0", "0"])
async def test_a_server_that_is_too_old_is_refused_with_what_is_needed(version: str) -> None:
    with pytest.raises(UnfitServerError, match=r"too old.*7\.0"):
        await check(redis_version=version)


def test_a_url_with_sentinels_names_them_and_the_service() -> None:
    pool = connect("redis+sentinel://me:p%40ss@one:1,two:2,three/prime/3", "test").connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    addresses = [
        (sentinel.connection_pool.connection_kwargs["host"], sentinel.connection_pool.connection_kwargs["port"])
        for sentinel in pool.sentinel_manager.sentinels
    ]
    assert addresses == [("one", 1), ("two", 2), ("three", 26379)]
    assert pool.service_name == "prime"
    assert pool.connection_kwargs["db"] == 3
    assert (pool.connection_kwargs["username"], pool.connection_kwargs["password"]) == ("me", "p@ss")


@pytest.mark.parametrize("url", ["redis+sentinel://one:1", "redis+sentinel:///prime"])
def test_a_url_that_lacks_a_part_is_refused(url: str) -> None:
    with pytest.raises(UnfitServerError, match="redis\\+sentinel"):
        connect(url, "test")


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:port",
        "redis://127.0.0.1:99999",
        "redis://[::1",
        "redis://127.0.0.1/first",
        "redis://127.0.0.1?socket_timeout=soon",
        "redis://127.0.0.1?no_such_option=1",
        "rediss://127.0.0.1?ssl_cert_reqs=perhaps",
        "redis+sentinel://one:port/prime",
        "redis+sentinel://one/prime/first",
        "redis://:hush/hush@127.0.0.1",
        "unix://",
    ],
)
def test_a_url_that_cannot_be_one_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(UnfitServerError, match="REDIS_URL cannot be read") as refused:
        connect(url, "test")
    assert "hush" not in str(refused.value)


async def test_a_socket_of_this_machine_will_do(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with EmbeddedValkey.start(tmp_path, extra_config=[("unixsocket", str(path))]):
        redis: Redis = connect(f"unix://{path}?db=1", "test")
        await check_server(redis)
        await redis.aclose()


def test_a_name_that_redis_would_not_take_is_made_to_fit() -> None:
    pool = connect("redis://127.0.0.1:1", "front on my machine\n").connection_pool
    assert pool.connection_kwargs["client_name"] == "front-on-my-machine-"
