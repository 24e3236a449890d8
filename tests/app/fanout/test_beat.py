"""The slow beat finds what nobody told; who waits hears of its place, and who hears nothing is pinged."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from redis.asyncio import Redis

from app.fanout import beat as beats
from app.stream import keys
from tests.app.following import (
    LIFE_MS,
    OWNER,
    SOON,
    STREAM,
    Client,
    Inside,
    Stream,
    has,
    inside,
)
from tests.app.served import until
from tests.patience import PATIENCE


@pytest.mark.usefixtures("quick_beat")
async def test_the_slow_beat_finds_what_was_never_heard(redis: Redis, stream: Stream) -> None:
    async with inside(redis) as front:
        client = await Client(front.hub, STREAM).begin()
        await stream.write("heard")
        await has(client, stream)
        await stream.write_unheard("lost", "lost too")
        await has(client, stream)
        await stream.write("heard again")
        await has(client, stream)


async def test_a_beat_without_redis_is_one_that_comes_again(
    redis: Redis, quick_beat: None, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quick_beat is None
    async with inside(redis) as front:
        client = await Client(front.hub, STREAM).begin()
        real, failed = front.beat._check, asyncio.Event()

        async def away(*_: object) -> None:
            monkeypatch.setattr(front.beat, "_check", real)
            failed.set()
            raise ConnectionRefusedError

        monkeypatch.setattr(front.beat, "_check", away)
        async with asyncio.timeout(PATIENCE):
            await failed.wait()
        await stream.write_unheard("lost")
        await has(client, stream)


@pytest.mark.usefixtures("quick_beat")
async def test_who_waits_is_told_the_place_in_the_line(redis: Redis) -> None:
    async with inside(redis) as front:
        for stream_id in ("st_1", "st_2", STREAM):
            await front.log.open(stream_id, {"owner": OWNER})
            await front.log.keep(stream_id, LIFE_MS)
            await front.queue.submit(stream_id, limit=10, life_ms=LIFE_MS)
        first = await Client(front.hub, STREAM).begin()
        assert places(first) == [3]
        [claim] = await front.queue.claim("w", 1, slots=1, lease_ms=LIFE_MS)
        await until(lambda: places(first) == [3, 2])
        second = await Client(front.hub, STREAM).begin()
        assert places(second) == [2]
        await front.queue.done(claim)
        await front.queue.claim("w", 2, slots=1, lease_ms=LIFE_MS, stream_id="st_2")
        await until(lambda: places(first) == [3, 2, 1] and places(second) == [2, 1])
        assert first.frames == b""
        # A place that stays is not told again.
        told = len(first.body)
        for _ in range(3):
            await front.beat.look()
        assert len(first.body) == told


def places(client: Client) -> list[int]:
    told = [orjson.loads(data) for name, data in client.beside if name == "relay.status"]
    assert all(status["state"] == "queued" for status in told)
    return [status["position"] for status in told]


async def test_who_hears_nothing_is_pinged_and_nobody_else(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "TICK_SECONDS", SOON)
    monkeypatch.setattr(beats, "PING_SECONDS", 2 * SOON)
    await Stream.begin(redis, STREAM)
    other = await Stream.begin(redis, "st_busy")
    async with inside(redis) as front:
        quiet, stopped = [await Client(front.hub, STREAM).begin() for _ in range(2)]
        stopped.stop()
        busy = await Client(front.hub, other.id).begin()
        tail, silent = front.hub.known(other.id), front.hub.known(STREAM)
        assert tail is not None
        assert silent is not None
        heard, before = silent.quiet_since, (busy.body, stopped.body)  # a machine may take a while to come here
        while quiet.body.count(b": ping\n\n") < 3:
            tail.quiet_since = asyncio.get_running_loop().time()
            await asyncio.sleep(0)
        assert quiet.beside == [(None, b": ping")] * len(quiet.beside)
        assert silent.quiet_since > heard  # a ping ends the silence
        assert (busy.body, stopped.body) == before
        await other.write("a")
        await has(busy, other)
        await until(lambda: (None, b": ping") in busy.beside)


async def test_what_is_written_counts_as_heard(front: Inside, stream: Stream) -> None:
    client = await Client(front.hub, STREAM).begin()
    tail = front.hub.known(STREAM)
    assert tail is not None
    tail.quiet_since = 0.0
    await stream.write("a")
    await has(client, stream)
    assert tail.quiet_since > 0.0


async def test_one_stream_whose_key_is_something_else_keeps_no_other_from_the_beat(
    redis: Redis, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beats, "BEAT_SECONDS", 0.02)
    other = await Stream.begin(redis, "st_odd")
    async with inside(redis) as front:
        odd = await Client(front.hub, other.id).begin()
        client = await Client(front.hub, STREAM).begin()
        await redis.rpush(keys.log(other.id), b"x")
        await redis.pexpire(keys.log(other.id), LIFE_MS)
        await stream.write_unheard("a")
        await until(lambda: client.frames == stream.written)
        assert odd.body == b""
        assert front.beat.tasks[0].falls == 0


async def test_a_queue_that_is_away_keeps_no_log_from_the_beat(
    redis: Redis, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The streams' server may be another one, and there."""
    monkeypatch.setattr(beats, "BEAT_BATCH", 1)
    async with inside(redis) as front:
        await front.log.open("st_waits", {"owner": OWNER})
        await front.log.keep("st_waits", LIFE_MS)
        await Client(front.hub, "st_waits").begin()
        client = await Client(front.hub, STREAM).begin()

        async def away(_: object) -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr(front.hub, "tell_places", away)
        await stream.write_unheard("a")
        await front.beat.look()
        await has(client, stream)
