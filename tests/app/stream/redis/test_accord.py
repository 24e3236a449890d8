"""A process hears itself, and how late. Where it does not, it subscribes anew: `tests/worker/log/test_demoted.py`."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.channel import Channel
from app.stream.redis.accord import Accord
from tests.app.served import until

NAME = keys.accord("me")
pytestmark = pytest.mark.usefixtures("valkey")  # the channel reads a socket


async def test_what_it_says_it_hears_and_knows_how_late(redis: Redis) -> None:
    async with Channel(redis) as channel:
        accord = Accord(redis, channel, NAME)
        await channel.subscribe(NAME, accord)
        for number in range(3):
            await accord.look()
            await until(lambda: accord.lag.count == number + 1)  # noqa: B023  # awaited within
        assert 0 < accord.lag.sum < 20


async def test_what_others_say_there_is_not_its_own(redis: Redis) -> None:
    async with Channel(redis) as channel:
        accord = Accord(redis, channel, NAME)
        await channel.subscribe(NAME, accord)
        for word in ("no number", "nan", "inf", "1e400", "9e18", ""):
            await redis.publish(NAME, word)
        await accord.look()
        await until(lambda: accord.lag.count)
        assert accord.lag.count == 1


async def test_who_is_not_connected_says_nothing(redis: Redis) -> None:
    channel = Channel(redis)
    await Accord(redis, channel, NAME).look()
    await asyncio.sleep(0)
    assert not channel.connected
