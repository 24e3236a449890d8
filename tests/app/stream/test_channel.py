from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import hiredis
import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.stream import channel as channels
from app.stream.channel import Channel
from app.stream.redis.connect import connect
from tests.harness.network.proxy import Proxy
from tests.patience import PATIENCE


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
        async with asyncio.timeout(PATIENCE):
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
    async with asyncio.timeout(PATIENCE):
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
    async with asyncio.timeout(PATIENCE):
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
    async with asyncio.timeout(PATIENCE):
        while channel.connected:
            await asyncio.sleep(0.01)
    ear = Ear()
    waiting = asyncio.create_task(channel.subscribe("a", ear))
    proxy.target = there
    async with asyncio.timeout(PATIENCE):
        await waiting
    await redis.publish("a", b"x")
    await ear.next()
    assert ear.heard == [b"x"]


class Broken(Ear):
    """Fails at what it is told to fail at."""

    def __init__(self, *at: str) -> None:
        super().__init__()
        self.at = at

    def message(self, payload: bytes) -> None:
        super().message(payload)
        self._fail("message")

    def settle(self) -> None:
        super().settle()
        self._fail("settle")

    def gap(self) -> None:
        super().gap()
        self._fail("gap")

    def _fail(self, at: str) -> None:
        if at in self.at:
            raise RuntimeError("what a prompt says")


@pytest.mark.parametrize("at", [("message",), ("settle",), ("message", "gap"), ("settle", "gap")])
async def test_one_receivers_fault_is_its_own(
    channel: Channel, redis: Redis, at: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    broken, ear = Broken(*at), Ear()
    await channel.subscribe("broken", broken)
    await channel.subscribe("a", ear)
    async with redis.pipeline(transaction=False) as pipe:  # they come in one piece, the broken one's in between
        for n in range(5):
            pipe.publish("a", b"%d" % n)
            pipe.publish("broken", b"x")
        await pipe.execute()
    async with asyncio.timeout(PATIENCE):
        while len(ear.heard) < 5 or broken.gaps < 1:
            await asyncio.sleep(0.01)
    assert ear.heard == [b"%d" % n for n in range(5)]
    assert ear.gaps == 0
    assert channel.connected
    assert "channel.receiver_failed error=RuntimeError" in caplog.text
    assert "prompt" not in caplog.text


async def test_after_an_error_between_messages_those_before_it_are_settled(channel: Channel) -> None:
    ear = Ear()
    await channel.subscribe("a", ear)
    replies = [[b"message", b"a", b"one"], hiredis.ReplyError("NOPERM nobody"), [b"message", b"a", b"two"]]
    with pytest.raises(hiredis.ReplyError, match="NOPERM"):
        channel._deliver(replies, set())
    assert (ear.heard, ear.settled) == ([b"one"], 1)


async def test_a_redis_that_refuses_is_asked_with_a_pause_that_grows(
    valkey: EmbeddedValkey, redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(channels, "RECONNECT_SECONDS", 0.02)
    monkeypatch.setattr(channels, "RECONNECT_SECONDS_MAX", 0.1)
    monkeypatch.setattr(channels, "DEAF_SECONDS", 0.1)
    await redis.execute_command("ACL", "SETUSER", "deaf", "on", ">x", "~*", "+@all", "resetchannels")  # type: ignore[no-untyped-call]
    client: Redis = connect(f"redis://deaf:x@127.0.0.1:{valkey.port}", "deaf")
    try:
        async with Channel(client) as deaf:
            waiting = asyncio.create_task(deaf.subscribe("a", Ear()))
            before = (await redis.info("stats"))["total_connections_received"]
            began = asyncio.get_running_loop().time()
            async with asyncio.timeout(PATIENCE):
                while (tried := (await redis.info("stats"))["total_connections_received"] - before) < 5:
                    await asyncio.sleep(0.01)
            took = asyncio.get_running_loop().time() - began
            assert took >= (0.02 + 0.04 + 0.08) / 2  # each pause is jittered by a half at the most
            assert tried <= 6
            async with asyncio.timeout(PATIENCE):
                while deaf.alive:
                    await asyncio.sleep(0.01)
            assert caplog.text.count("redis.refused asker=channel kind=unfit code=NOPERM") == 1
            await redis.execute_command("ACL", "SETUSER", "deaf", "allchannels")  # type: ignore[no-untyped-call]
            async with asyncio.timeout(PATIENCE):  # it heals by itself
                await waiting
            assert deaf.alive
    finally:
        await redis.execute_command("ACL", "DELUSER", "deaf")  # type: ignore[no-untyped-call]
        await client.aclose()
