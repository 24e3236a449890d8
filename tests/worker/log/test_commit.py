"""The way into the logs: batches, and everything that can happen to a connection or to the server behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.stream import frames, keys
from app.stream.log import Log, Status
from app.stream.queue import Queue
from app.stream.redis.connect import connect
from tests.harness.network.proxy import READ_BYTES, Proxy
from worker.log.commit import SILENCE_SECONDS, Committer
from worker.log.writer import Writer

LIFE_MS = 600_000


class AnswersLost(Proxy):
    """Swallows what the server answers on the connections there are, once it is told to."""

    def lose_answers(self) -> None:
        self._deaf = set(self._writers)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, both: Any) -> None:
        self._deaf: set[asyncio.StreamWriter] = getattr(self, "_deaf", set())
        client = both[0]
        while data := await source.read(READ_BYTES):
            if not (sink is client and sink in self._deaf):
                sink.write(data)
                await sink.drain()
        sink.close()


class Watcher:
    def __init__(self) -> None:
        self.refusals: list[Status] = []
        self.cancels = 0

    def refused(self, status: Status) -> None:
        self.refusals.append(status)

    def cancel_seen(self) -> None:
        self.cancels += 1


class Hand:
    """A stream under claim, with a writer of its own."""

    def __init__(self, redis: Redis, committer: Committer) -> None:
        self._log, self._queue, self._redis = Log(redis), Queue(redis), redis
        self._committer = committer
        self.watcher = Watcher()
        self.written: list[bytes] = []

    async def take(self, stream_id: str) -> Hand:
        self.stream_id = stream_id
        await self._log.open(stream_id, {"owner": "me"})
        await self._queue.submit(stream_id, limit=1000, life_ms=LIFE_MS)
        await self._log.keep(stream_id, LIFE_MS)
        (self.claim,) = await self._queue.claim(f"w-{stream_id}", 1, free=1, lease_ms=LIFE_MS, stream_id=stream_id)
        begun = await self._log.begin(self.claim)
        assert begun.position is not None
        self.writer = Writer(self.claim, begun.position, 10**8, self._committer, self.watcher)
        return self

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            self.written.append(b"%d" % len(self.written))
            self.writer.frame(b"n", self.written[-1])

    async def stands(self) -> None:
        """All of it is in the log, and nothing else."""
        await self.writer.flush()
        raw = await self._redis.get(keys.log(self.stream_id)) or b""
        assert frames.follow(raw, *frames.origin(self.stream_id)) is not None
        assert [frame.data for frame in frames.split(raw)] == self.written
        assert self.watcher.refusals == []


@asynccontextmanager
async def committing(url: str) -> AsyncIterator[Committer]:
    redis = connect(url, "worker")
    try:
        async with Committer(redis) as committer:
            yield committer
    finally:
        await redis.aclose()


@pytest.fixture
async def proxy(valkey: EmbeddedValkey) -> AsyncIterator[Proxy]:
    async with Proxy("127.0.0.1", valkey.port) as made:
        yield made


@pytest.fixture
async def committer(proxy: Proxy) -> AsyncIterator[Committer]:
    async with committing(f"redis://127.0.0.1:{proxy.port}/0") as made:
        yield made


@pytest.fixture
async def hand(redis: Redis, committer: Committer) -> Hand:
    return await Hand(redis, committer).take("st_1")


async def test_the_first_event_goes_out_at_once_and_what_comes_meanwhile_with_the_next(
    redis: Redis, hand: Hand
) -> None:
    await hand.writer.flush()
    before = await evals(redis)
    hand.write(1)
    while not hand.writer._under_way:
        await asyncio.sleep(0)
    hand.write(500)
    await hand.stands()
    assert await evals(redis) - before == 2


async def test_the_streams_of_a_process_share_a_round_trip(redis: Redis, committer: Committer) -> None:
    hands = [await Hand(redis, committer).take(f"st_{number}") for number in range(200)]
    for hand in hands:
        hand.write(3)
    reads = await total_reads(redis)
    for hand in hands:
        await hand.writer.flush()
    assert await total_reads(redis) - reads < 20
    for hand in hands:
        await hand.stands()


async def test_appends_are_published_as_they_are_written(redis: Redis, hand: Hand) -> None:
    async with redis.pubsub() as reader:
        await reader.subscribe(keys.channel("st_1"))
        await reader.get_message(timeout=5)
        hand.write()
        hand.writer.own("relay.end", {})
        message = await reader.get_message(timeout=5)
    assert message is not None
    start, _, payload = message["data"].partition(b":")
    assert start == b"0"
    assert [frame.name for frame in frames.split(payload)] == ["n", "relay.end"]


async def test_a_connection_that_is_cut_again_and_again_loses_and_doubles_nothing(hand: Hand, proxy: Proxy) -> None:
    for _ in range(15):
        hand.write(7)
        await asyncio.sleep(0.003)
        proxy.reset()
    await hand.stands()


async def test_a_silent_connection_is_given_up(hand: Hand, proxy: Proxy) -> None:
    hand.write()
    await hand.writer.flush()
    proxy.silence()
    hand.write(3)
    async with asyncio.timeout(SILENCE_SECONDS + 2):
        await hand.stands()


async def test_appends_whose_answers_are_lost_are_recognised(redis: Redis, valkey: EmbeddedValkey) -> None:
    async with (
        AnswersLost("127.0.0.1", valkey.port) as proxy,
        committing(f"redis://127.0.0.1:{proxy.port}/0") as committer,
    ):
        hand = await Hand(redis, committer).take("st_1")
        hand.write()
        await hand.writer.flush()
        proxy.lose_answers()
        hand.write(3)
        while await redis.strlen(keys.log("st_1")) < hand.writer.offset:
            await asyncio.sleep(0.01)
        hand.write(2)
        await hand.stands()


async def test_a_server_that_forgot_the_script_gets_it_again(redis: Redis, hand: Hand) -> None:
    hand.write()
    await hand.writer.flush()
    await redis.script_flush()
    hand.write(2)
    await hand.stands()


async def test_a_full_server_is_asked_until_there_is_room(redis: Redis, hand: Hand) -> None:
    hand.write()
    await hand.writer.flush()
    await redis.config_set("maxmemory", "1")
    try:
        hand.write(3)
        await asyncio.sleep(0.5)  # longer than a beat: it must have been refused, and have asked again
        assert len(await redis.get(keys.log("st_1"))) < hand.writer.offset
        assert hand.watcher.refusals == []
    finally:
        await redis.config_set("maxmemory", "0")
    await hand.stands()


async def test_a_server_that_became_a_replica_is_asked_until_there_is_a_primary(redis: Redis, hand: Hand) -> None:
    hand.write()
    await hand.writer.flush()
    await redis.replicaof("127.0.0.1", "1")
    try:
        hand.write(3)
        await asyncio.sleep(0.3)
        assert hand.watcher.refusals == []
    finally:
        await redis.replicaof("NO", "ONE")
    await hand.stands()


async def test_a_server_that_comes_back_with_its_data_is_gone_on_with(tmp_path_factory: pytest.TempPathFactory) -> None:
    always = [("appendfsync", "always")]
    with EmbeddedValkey.start(tmp_path_factory.mktemp("restarts"), extra_config=always) as server:
        redis: Redis = connect(server.url, "tests")
        async with committing(server.url) as committer:
            hand = await Hand(redis, committer).take("st_1")
            for ending in (server.stop, server.kill):
                hand.write(5)
                await hand.writer.flush()
                ending()
                hand.write(5)
                await asyncio.sleep(0.2)
                hand.write(5)
                server.restart()
                await hand.stands()
        await redis.aclose()


async def test_a_log_that_lost_its_tail_is_healed_with_the_same_bytes(redis: Redis, hand: Hand) -> None:
    hand.write(10)
    await hand.writer.flush()
    raw = await redis.get(keys.log("st_1"))
    await redis.set(keys.log("st_1"), raw[: len(raw) // 10 * 4], px=LIFE_MS)
    hand.write()
    await hand.stands()


async def test_another_holder_s_fence_stops_the_writing(redis: Redis, hand: Hand) -> None:
    hand.write()
    await hand.writer.flush()
    before = await redis.get(keys.log("st_1"))
    await redis.hset(keys.meta("st_1"), mapping={"fence": 99, "holder": "new/1"})
    hand.write()
    await hand.writer.flush()
    assert hand.watcher.refusals == [Status.FENCED]
    assert await redis.get(keys.log("st_1")) == before


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
    redis: Redis, committer: Committer, caplog: pytest.LogCaptureFixture, what: str
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
    async with asyncio.timeout(10):
        for _ in range(3):
            for hand in hands:
                hand.write(2)
            for hand in others:
                await hand.stands()
        await first.writer.flush()
    assert first.watcher.refusals == [Status.REFUSED]
    assert committer.broken_for == 0
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text


async def test_who_cannot_write_for_a_fault_of_his_own_says_since_when(
    hand: Hand, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand.write()
    await hand.writer.flush()
    assert committer.broken_for == 0
    monkeypatch.setattr(committer, "_pack", lambda _: 1 / 0)
    hand.write()
    async with asyncio.timeout(5):
        while committer.broken_for < 0.2:
            await asyncio.sleep(0.01)
    monkeypatch.undo()
    await hand.stands()
    assert committer.broken_for == 0


async def test_who_has_nothing_to_write_is_kept_from_nothing(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a worker that failed once, and then had nothing to do, would never take a stream again."""
    monkeypatch.setattr(redis.connection_pool, "make_connection", lambda: 1 / 0)
    async with Committer(redis) as committer, asyncio.timeout(5):
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


async def test_much_at_once_goes_out_in_several_batches(redis: Redis, committer: Committer) -> None:
    hands = [await Hand(redis, committer).take(f"st_{number}") for number in range(6)]
    for hand in hands:
        hand.written.append(b'"%b"' % (b"x" * 3_000_000))
        hand.writer.frame(b"n", hand.written[-1])
    for hand in hands:
        await hand.stands()


async def evals(redis: Redis) -> int:
    stats = await redis.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {"calls": 0})["calls"])


async def total_reads(redis: Redis) -> int:
    return int((await redis.info("stats"))["total_reads_processed"])


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
        async with asyncio.timeout(5):
            await fell.wait()
    await hand.stands()
