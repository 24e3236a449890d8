"""What cannot be written is the trouble of one stream, and whose fault it is, is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection

from app.dev.embedded import EmbeddedValkey
from app.stream import keys
from app.stream.log import Status
from app.stream.redis.connect import connect
from tests.harness.network.proxy import Proxy
from tests.patience import PATIENCE
from tests.worker.log.committing import Hand, committing
from worker.log import commit
from worker.log.commit import Committer


async def test_one_stream_s_trouble_is_not_another_s(redis: Redis, committer: Committer) -> None:
    first = await Hand(redis, committer).take("st_1")
    second = await Hand(redis, committer).take("st_2")
    await redis.lpush(keys.log("st_1"), "not a string")
    await redis.expire(keys.log("st_1"), 100)
    first.write()
    second.write()
    await second.stands()
    await first.writer.flush()
    assert first.watcher.refusals == [Status.REFUSED]


@pytest.mark.parametrize("what", ["fields", "take", "answer"])
async def test_a_call_that_cannot_be_made_is_one_stream_s_trouble(
    redis: Redis, committer: Committer, what: str
) -> None:
    hands = [await Hand(redis, committer).take(f"st_{number}") for number in range(3)]
    first, *others = hands

    def broken(*_: object) -> None:
        raise UnicodeEncodeError("utf-8", "the secret answer", 0, 1, "surrogates")

    match what:
        case "fields":
            first.writer._fields["stop_reason"] = "\ud800 the secret answer"
        case "take":
            first.writer.take = broken  # type: ignore[method-assign]
        case "answer":
            first.writer.answered = broken  # type: ignore[method-assign]
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            for hand in hands:
                hand.write(2)
            for hand in others:
                await hand.stands()
        await first.writer.flush()
    assert first.watcher.refusals == [Status.REFUSED]
    assert committer.broken_for == 0
    assert first.watcher.errors == ["UnicodeEncodeError"]  # its class, and not its words


class Hasty:
    """asyncio as `commit` has it, with pauses that are noted and not waited."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        if seconds == commit.WATCH_SECONDS:
            await asyncio.sleep(seconds)
        else:
            self.pauses.append(seconds)


async def test_whose_every_event_is_refused_comes_back_ever_more_slowly(
    redis: Redis, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that lets us append and not publish: what stands is taken a second time, what is new refused anew."""
    await redis.execute_command("ACL", "SETUSER", "mute", "reset", "on", ">pw", "~*", "resetchannels", "+@all")  # type: ignore[no-untyped-call]
    hasty = Hasty()
    monkeypatch.setattr(commit, "asyncio", hasty)
    async with committing(valkey.url.replace("//", "//mute:pw@")) as committer:
        hand = await Hand(redis, committer).take("st_1")
        for _ in range(6):
            hand.write()
            await hand.stands()
    await redis.execute_command("ACL", "DELUSER", "mute")  # type: ignore[no-untyped-call]
    expected = [0.0, *(commit.RECONNECT_SECONDS * 2**n for n in range(5))]
    assert hasty.pauses == [min(pause, commit.RECONNECT_SECONDS_MAX) for pause in expected]


async def test_who_cannot_write_for_a_fault_of_his_own_says_since_when(
    hand: Hand, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand.write()
    await hand.writer.flush()
    assert committer.broken_for == 0
    monkeypatch.setattr(committer, "_pack", lambda _: 1 / 0)
    hand.write()
    async with asyncio.timeout(PATIENCE):
        while committer.broken_for < 0.2:
            await asyncio.sleep(0.01)
    monkeypatch.undo()
    await hand.stands()
    assert committer.broken_for == 0


async def test_who_has_nothing_to_write_is_kept_from_nothing(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a worker that failed once, and then had nothing to do, would never take a stream again."""
    monkeypatch.setattr(redis.connection_pool, "make_connection", lambda: 1 / 0)
    async with Committer(redis) as committer, asyncio.timeout(PATIENCE):
        while not committer.broken_for:
            await asyncio.sleep(0.01)
        monkeypatch.undo()
        while committer.broken_for:
            await asyncio.sleep(0.01)


async def test_an_outage_is_no_fault_of_ours(proxy: Proxy, hand: Hand, committer: Committer) -> None:
    hand.write()
    await hand.writer.flush()
    proxy.stall()
    proxy.reset()
    hand.write()
    await asyncio.sleep(0.5)  # the outage
    assert committer.broken_for == 0
    proxy.flow()
    await hand.stands()


async def test_a_cancellation_that_is_none_does_not_end_the_writing(
    proxy: Proxy, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of something that was waited for; then nothing here would be written any more, and nobody would say so."""
    fell = asyncio.Event()

    def cancelled(*_: object) -> None:
        fell.set()
        raise asyncio.CancelledError

    hand.write()
    await hand.stands()
    with monkeypatch.context() as patch:
        patch.setattr(Committer, "_session", cancelled)
        proxy.reset()
        hand.write()
        async with asyncio.timeout(PATIENCE):
            await fell.wait()
    await hand.stands()


async def test_a_connection_lost_while_idle_leaves_the_next_one_no_deadline(
    redis: Redis, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an append that was never sent: its lateness would end each new connection as it begins."""
    client = connect(valkey.url, "worker")
    make, made, due = client.connection_pool.make_connection, [], []

    def noted() -> AbstractConnection:
        due.append(committer._due)
        made.append(make())  # type: ignore[no-untyped-call]
        return made[-1]  # type: ignore[no-any-return]

    monkeypatch.setattr(client.connection_pool, "make_connection", noted)
    async with Committer(client) as committer:
        hand = await Hand(redis, committer).take("st_1")
        hand.write()
        await hand.stands()
        [connection] = made
        connection._writer.transport.abort()
        hand.write()  # before anybody has heard of the loss
        await hand.stands()
    await client.aclose()
    assert due == [None, None]


async def test_what_is_refused_for_now_holds_up_nobody_else(
    redis: Redis, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Redis that has no room takes last words: they do not wait for what it refuses."""
    refused, last = await Hand(redis, committer).take("st_1"), await Hand(redis, committer).take("st_2")
    monkeypatch.setattr(commit, "FULL_SECONDS", 3600.0)
    await redis.config_set("maxmemory", "1")
    try:
        refused.write()
        async with asyncio.timeout(PATIENCE):
            while not committer._refused:
                await asyncio.sleep(0.01)
            last.writer.closing = True
            last.write()
            await last.stands()
    finally:
        await redis.config_set("maxmemory", "0")
    assert committer._refused
    committer._again_at = 0.0
    last.write()  # whoever writes next takes it along
    await refused.stands()


async def test_what_is_refused_for_now_is_tried_again_by_itself(redis: Redis, committer: Committer) -> None:
    hand = await Hand(redis, committer).take("st_1")
    await redis.config_set("maxmemory", "1")
    hand.write()
    try:
        async with asyncio.timeout(PATIENCE):
            while not committer._refused:
                await asyncio.sleep(0.01)
    finally:
        await redis.config_set("maxmemory", "0")
    async with asyncio.timeout(PATIENCE):
        await hand.stands()
