from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.stream import channel as channels
from app.stream.channel import Channel
from app.stream.connect import connect
from tests.harness.proxy import Proxy


class Ear:
    """A receiver that notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.settled = 0
        self.gaps = 0
        self.told = asyncio.Event()

    def message(self, payload: bytes) -> None:
        self.heard.append(payload)

    def settle(self) -> None:
        self.settled += 1
        self.told.set()

    def gap(self) -> None:
        self.gaps += 1
        self.told.set()

    async def next(self) -> None:
        async with asyncio.timeout(30):
            await self.told.wait()
        self.told.clear()


@pytest.fixture
async def proxy(valkey: EmbeddedValkey) -> AsyncIterator[Proxy]:
    async with Proxy("127.0.0.1", valkey.port) as between:
        yield between


@pytest.fixture
async def channel(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Channel]:
    monkeypatch.setattr(channels, "PING_SECONDS", 0.1)
    client: Redis = connect(f"redis://127.0.0.1:{proxy.port}", "channel")
    async with Channel(client) as opened:
        yield opened
    await client.aclose()


async def test_what_is_published_after_a_confirmed_subscription_is_heard_at_once(
    channel: Channel, redis: Redis
) -> None:
    ear = Ear()
    await channel.subscribe("a", ear)
    assert await redis.publish("a", b"one") == 1
    await ear.next()
    assert (ear.heard, ear.settled, ear.gaps) == ([b"one"], 1, 0)


async def test_each_receiver_hears_its_own_name_alone(channel: Channel, redis: Redis) -> None:
    one, two = Ear(), Ear()
    await asyncio.gather(channel.subscribe("one", one), channel.subscribe("two", two))
    await redis.publish("two", b"for two")
    await two.next()
    assert (one.heard, two.heard) == ([], [b"for two"])
    assert channel.subscriptions == 2


async def test_after_an_unsubscription_nobody_listens(channel: Channel, redis: Redis) -> None:
    ear = Ear()
    await channel.subscribe("a", ear)
    channel.unsubscribe("a")
    channel.unsubscribe("a")
    async with asyncio.timeout(30):
        while await redis.publish("a", b"x"):
            await asyncio.sleep(0.01)
    assert channel.subscriptions == 0


async def test_who_comes_right_after_somebody_left_listens(channel: Channel, redis: Redis) -> None:
    for round_ in range(20):
        before, after = Ear(), Ear()
        await channel.subscribe("a", before)
        channel.unsubscribe("a")
        await channel.subscribe("a", after)
        await redis.publish("a", b"%d" % round_)
        await after.next()
        assert after.heard == [b"%d" % round_]
        channel.unsubscribe("a")


async def test_a_lost_connection_is_replaced_and_told(channel: Channel, redis: Redis, proxy: Proxy) -> None:
    ear = Ear()
    await channel.subscribe("a", ear)
    proxy.reset()
    await ear.next()
    assert ear.gaps == 1
    await redis.publish("a", b"again")
    await ear.next()
    assert ear.heard == [b"again"]


async def test_a_connection_that_fell_silent_is_noticed(channel: Channel, redis: Redis, proxy: Proxy) -> None:
    ear = Ear()
    await channel.subscribe("a", ear)
    proxy.silence()
    await ear.next()
    assert ear.gaps == 1
    await redis.publish("a", b"again")
    await ear.next()
    assert ear.heard == [b"again"]


async def test_an_idle_connection_is_kept(channel: Channel, redis: Redis) -> None:
    ear = Ear()
    await channel.subscribe("a", ear)
    [before] = [client["id"] for client in await redis.client_list() if client["name"] == "channel"]
    pinged = (await redis.info("commandstats")).get("cmdstat_ping", {}).get("calls", 0)
    async with asyncio.timeout(30):
        while (await redis.info("commandstats")).get("cmdstat_ping", {}).get("calls", 0) < pinged + 5:
            await asyncio.sleep(0.01)
    assert before in [client["id"] for client in await redis.client_list() if client["name"] == "channel"]
    assert ear.gaps == 0


async def test_a_subscription_made_while_redis_is_away_is_confirmed_when_it_is_back(
    channel: Channel, redis: Redis, proxy: Proxy
) -> None:
    await channel.subscribe("b", Ear())
    there, proxy.target = proxy.target, ("127.0.0.1", 1)
    proxy.reset()
    async with asyncio.timeout(30):
        while channel.connected:
            await asyncio.sleep(0.01)
    ear = Ear()
    waiting = asyncio.create_task(channel.subscribe("a", ear))
    proxy.target = there
    async with asyncio.timeout(30):
        await waiting
    await redis.publish("a", b"x")
    await ear.next()
    assert ear.heard == [b"x"]


async def test_a_receiver_that_fails_does_not_make_the_others_deaf(channel: Channel, redis: Redis) -> None:
    class Broken(Ear):
        def message(self, payload: bytes) -> None:
            raise RuntimeError(payload)

    ear = Ear()
    await channel.subscribe("broken", Broken())
    await channel.subscribe("a", ear)
    await redis.publish("broken", b"x")
    await ear.next()
    assert ear.gaps == 1
    await redis.publish("a", b"y")
    await ear.next()
    assert ear.heard == [b"y"]
