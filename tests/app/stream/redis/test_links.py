"""Connections that end in the moment in which they are used."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest
import uvloop
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.dev.embedded import EmbeddedValkey
from app.stream.redis import links
from app.stream.redis.connect import connect
from tests.harness.network.proxy import Proxy


async def ping(connection: AbstractConnection) -> None:
    """In parts, as what is large is sent."""
    await connection.send_packed_command([b"PI", b"NG\r\n"], check_health=False)
    await connection.read_response()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def test_what_is_closed_when_it_is_written_to_is_away(
    valkey: EmbeddedValkey, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def write() -> None:
        redis: Redis = connect(valkey.url, "tests")
        connection: AbstractConnection = redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        await connection.connect()  # type: ignore[no-untyped-call]
        reader, writer = connection._reader, connection._writer
        assert reader is not None
        assert writer is not None
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await reader.read()
        with pytest.raises(RedisConnectionError):
            await ping(connection)
        await redis.aclose()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(write())


@pytest.mark.parametrize(("scheme", "kind"), [("redis", links.Asked), ("rediss", links.AskedTls)])
def test_so_is_a_sentinel(scheme: str, kind: type[AbstractConnection]) -> None:
    pool = connect(f"{scheme}+sentinel://one:1,two:2/prime/0", "tests").connection_pool
    assert {sentinel.connection_pool.connection_class for sentinel in pool.sentinel_manager.sentinels} == {kind}


async def test_whoever_makes_nothing_of_a_missing_answer_it_is_told_with_its_class(
    valkey: EmbeddedValkey, caplog: pytest.LogCaptureFixture
) -> None:
    async with Proxy("127.0.0.1", valkey.port) as proxy:
        redis: Redis = connect(f"redis://127.0.0.1:{proxy.port}/0?socket_timeout=0.1", "tests", retries=0)
        await redis.ping()
        proxy.stall()
        with pytest.raises(RedisTimeoutError):
            await redis.ping()
        await redis.aclose()
    (line,) = caplog.messages
    assert line.startswith("redis.away asker=answers kind=away code=TimeoutError ")
    assert line.endswith(f' words="Timeout reading from 127.0.0.1:{proxy.port}" error=TimeoutError')
