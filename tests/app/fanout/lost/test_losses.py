"""What Redis loses of a log: readers are reset, or nothing is noticed; never a splice."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from app.fanout import beat as beats
from app.fanout import splice
from app.fanout import tail as tails
from tests.app.following import (
    NEVER,
    SOON,
    STREAM,
    Client,
    Stream,
    has,
    inside,
    texts,
)
from tests.app.served import until


@pytest.mark.usefixtures("quick_beat", "short_patience")
async def test_a_log_that_stays_shorter_resets_its_readers(redis: Redis, stream: Stream) -> None:
    async with inside(redis) as front:
        live, slow = [await Client(front.hub, STREAM).begin() for _ in range(2)]
        await stream.write("a", "b", "c")
        await has(live, stream)
        slow.stop()
        await stream.forget(1)
        await until(lambda: live.beside)
        slow.go_on()
        await until(lambda: slow.beside)
        for client in (live, slow):
            before, _, after = client.body.partition(b"event: relay.reset\n")
            assert client.beside == [("relay.reset", b'{"attempt":1,"reason":"history_lost"}')]
            assert texts(before) == ["a", "b", "c"]
            assert after.partition(b"\n\n")[2] == stream.written
        await stream.write("another b")
        for client in (live, slow):
            await until(lambda client=client: client.body.endswith(b"\n\n" + stream.written))
        tail = front.hub.known(STREAM)
        assert tail is not None
        assert not tail.regrowing


async def test_a_log_that_is_healed_in_time_resets_nobody(
    redis: Redis, quick_beat: None, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quick_beat is None
    patience = 0.3
    monkeypatch.setattr(tails, "REGROW_SECONDS", patience)
    async with inside(redis) as front:
        client = await Client(front.hub, STREAM).begin()
        await stream.write("a", "b", "c")
        await has(client, stream)
        tail = front.hub.known(STREAM)
        assert tail is not None
        lost = await stream.lose(1)
        await until(lambda: tail.regrowing)
        noticed = asyncio.get_running_loop().time()
        healed = await stream.log.append(stream.claim, stream.places[1].offset, lost)
        assert (healed.status, healed.length) == ("ok", stream.position.offset)
        await until(lambda: not tail.regrowing)
        await stream.write("d")
        await has(client, stream)
        # Also when its time is over.
        await until(lambda: asyncio.get_running_loop().time() > noticed + patience)
        await tail.repaired()
        await stream.write("e")
        await has(client, stream)
        assert client.body == stream.written


@pytest.mark.usefixtures("short_patience")
@pytest.mark.parametrize("beat", [SOON, NEVER])
async def test_another_history_that_passed_the_old_end_is_a_reset_and_never_a_splice(
    redis: Redis, stream: Stream, beat: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beats, "BEAT_SECONDS", beat)
    monkeypatch.setattr(splice, "WINDOW_BYTES", 300)
    async with inside(redis) as front:
        live, slow = [await Client(front.hub, STREAM).begin() for _ in range(2)]
        await stream.write(*"abcdefgh")
        await has(live, stream)
        await has(slow, stream)
        old = stream.written
        slow.stop()
        await stream.write("i")
        old_of_live = stream.written
        await has(live, stream)
        await stream.forget(2)
        await stream.write_unheard(*"ABCDEFGHIJK")
        assert stream.position.offset > len(old_of_live)
        await stream.write("the first that is heard")
        slow.go_on()
        for client, seen in ((live, old_of_live), (slow, old)):
            await until(lambda client=client: client.body.endswith(b"\n\n" + stream.written))
            reset = b'event: relay.reset\ndata: {"attempt":1,"reason":"history_lost"}\n\n'
            assert client.body == seen + reset + stream.written


@pytest.mark.usefixtures("quick_beat")
async def test_a_reset_begins_at_the_newest_attempt(redis: Redis, stream: Stream, short_patience: None) -> None:
    assert short_patience is None
    async with inside(redis) as front:
        client = await Client(front.hub, STREAM).begin()
        await stream.write("a", "b")
        await has(client, stream)
        await stream.forget(1)
        await stream.restart()
        base = stream.position.offset
        await stream.write("anew")
        assert stream.position.offset > base
        await until(lambda: client.body.endswith(b"\n\n" + stream.written[base:]))
        assert client.beside == [("relay.reset", b'{"attempt":2,"reason":"history_lost"}')]
        assert b"relay.reset" not in client.frames.removesuffix(stream.written[base:])


@pytest.mark.usefixtures("quick_beat")
async def test_a_stream_that_redis_lost_is_told_and_over(redis: Redis, stream: Stream) -> None:
    async with inside(redis) as front:
        live, slow = [await Client(front.hub, STREAM).begin() for _ in range(2)]
        await stream.write("a")
        await has(live, stream)
        await has(slow, stream)
        slow.stop()
        await redis.flushall()
        await until(lambda: live.closed)
        assert not slow.closed
        assert front.hub.known(STREAM) is None
        late = await Client(front.hub, STREAM, stream.position).begin()
        slow.go_on()
        await until(lambda: slow.closed and late.closed)
        for client in (live, slow, late):
            assert client.beside == [("relay.reset", b'{"attempt":0,"reason":"lost"}')]
        assert live.frames == slow.frames == stream.written
        assert not front.hub.tails


@pytest.mark.usefixtures("quick_beat", "stream")
async def test_a_stream_that_was_lost_before_its_first_byte_is_told_too(redis: Redis) -> None:
    async with inside(redis) as front:
        client = await Client(front.hub, STREAM).begin()
        await redis.flushall()
        await until(lambda: client.closed)
        assert client.beside == [("relay.reset", b'{"attempt":0,"reason":"lost"}')]
