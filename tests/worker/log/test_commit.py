"""The way into the logs: batches, and everything that can happen to a connection or to the server behind it."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.stream import frames, keys
from app.stream.log import Status
from app.stream.redis.connect import connect
from tests.harness.network.proxy import READ_BYTES, Proxy
from tests.worker.log.committing import LIFE_MS, Hand, committing
from worker.log import commit
from worker.log.commit import SILENCE_SECONDS, Committer


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


async def test_of_batches_that_follow_closely_one_is_measured_and_counts_for_all(
    committer: Committer, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def counted(batches: int, apart: float) -> int:
        monkeypatch.setattr(commit, "MEASURE_SECONDS", apart)
        for _ in range(batches):
            hand.write(1)
            await hand.writer.flush()
        return committer.batch_frames.count

    before = await counted(1, apart=0.0)
    assert await counted(3, apart=math.inf) == before
    assert await counted(1, apart=0.0) == before + 4


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
