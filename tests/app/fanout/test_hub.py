"""A front's readers on a real server: each byte once, whatever the channel, Redis or the readers themselves do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest
from redis.asyncio import Redis

from app.fanout import hub as hubs
from app.fanout import splice
from app.fanout import tail as tails
from app.fanout.hub import start_position
from app.stream import keys
from app.stream.frames import Position, origin
from app.stream.log import State
from tests.app.following import LIFE_MS, OWNER, Client, Inside, Stream, inside, texts
from tests.app.served import until

STREAM = "st_hub"
SOON = 0.02
NEVER = 3600.0


@pytest.fixture
async def front(redis: Redis) -> AsyncIterator[Inside]:
    async with inside(redis) as made:
        yield made


@pytest.fixture
async def stream(redis: Redis) -> Stream:
    return await Stream.begin(redis, STREAM)


@pytest.fixture
def quick_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """To be asked for before the front."""
    monkeypatch.setattr(hubs, "BEAT_SECONDS", SOON)


@pytest.fixture
def no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "BEAT_SECONDS", NEVER)


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a log that became shorter."""
    monkeypatch.setattr(tails, "REGROW_SECONDS", SOON)


async def has(client: Client, stream: Stream) -> None:
    await until(lambda: client.frames == stream.written)


# --- live


@pytest.mark.usefixtures("no_beat")
async def test_readers_from_every_place_have_each_byte_once(front: Inside, stream: Stream) -> None:
    await stream.write("a", "b")
    clients = [await Client(front.hub, STREAM, place).begin() for place in list(stream.places)]
    for n in range(20):
        await stream.write(f"live {n}", "and more")
    late = await Client(front.hub, STREAM).begin()
    await stream.end()
    await until(lambda: all(client.closed for client in (*clients, late)))
    for client, place in zip(clients, stream.places, strict=False):
        assert client.body == stream.written[place.offset :]
    assert late.body == stream.written


@pytest.mark.usefixtures("no_beat")
async def test_all_readers_of_a_stream_share_one_tail_and_one_subscription(
    redis: Redis, front: Inside, stream: Stream
) -> None:
    channel = keys.channel(STREAM)
    clients = [await Client(front.hub, STREAM).begin() for _ in range(5)]
    assert (front.hub.tails, front.channel.subscriptions) == (1, 1)
    assert await redis.pubsub_numsub(channel) == [(channel.encode(), 1)]
    assert await stream.log.is_read(STREAM)
    for client in clients[1:]:
        client.go_away()
    assert front.hub.tails == 1
    await stream.write("a")
    await has(clients[0], stream)
    assert all(client.body == b"" for client in clients[1:])


async def test_the_last_reader_takes_the_tail_and_its_subscription_along(
    redis: Redis, front: Inside, stream: Stream
) -> None:
    clients = [await Client(front.hub, STREAM).begin() for _ in range(2)]
    clients[0].go_away()
    clients[1].go_away()
    assert (front.hub.tails, front.hub.readers, front.channel.subscriptions) == (0, [], 0)
    await until(lambda: _nobody_subscribes(redis))
    assert not await stream.log.is_read(STREAM)


async def _nobody_subscribes(redis: Redis) -> bool:
    return await redis.pubsub_channels("ks:{st_*") == []


async def test_who_leaves_while_the_tail_opens_leaves_nothing(redis: Redis, front: Inside, stream: Stream) -> None:
    client = Client(front.hub, STREAM)
    beginning = asyncio.create_task(client.begin())
    await asyncio.sleep(0)
    assert not front.hub.is_open(STREAM)
    client.go_away()
    async with asyncio.timeout(20):
        await beginning
    assert (front.hub.tails, front.channel.subscriptions, client.body) == (0, 0, b"")
    await until(lambda: _nobody_subscribes(redis))
    await stream.write("a")
    again = await Client(front.hub, STREAM).begin()
    await has(again, stream)


async def test_a_stream_can_be_read_again_after_its_last_reader_left(front: Inside, stream: Stream) -> None:
    for n in range(10):
        client = await Client(front.hub, STREAM).begin()
        await stream.write(f"{n}")
        await has(client, stream)
        client.go_away()


# --- slow readers


@pytest.mark.usefixtures("no_beat")
async def test_a_reader_that_stops_costs_nothing_slows_nobody_and_catches_up(front: Inside, stream: Stream) -> None:
    slow, quick = [await Client(front.hub, STREAM).begin() for _ in range(2)]
    await stream.write("before")
    await has(slow, stream)
    slow.stop()
    had = slow.body
    for n in range(30):
        await stream.write(f"meanwhile {n}")
    await has(quick, stream)
    assert slow.body == had
    slow.go_on()
    await has(slow, stream)
    await stream.write("both again")
    await has(slow, stream)
    assert slow.body == quick.body


@pytest.mark.usefixtures("no_beat")
async def test_who_fell_out_of_the_window_reads_the_log(
    front: Inside, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splice, "WINDOW_BYTES", 500)
    slow, quick = [await Client(front.hub, STREAM).begin() for _ in range(2)]
    await stream.write("before")
    await has(slow, stream)
    slow.stop()
    for n in range(50):
        await stream.write(f"meanwhile {n}")
    await has(quick, stream)
    tail = front.hub.known(STREAM)
    assert tail is not None
    assert tail.splice.after(stream.places[1]) is None
    slow.go_on()
    await has(slow, stream)
    await stream.end()
    await until(lambda: slow.closed and quick.closed)
    assert slow.body == quick.body == stream.written


@pytest.mark.usefixtures("no_beat")
async def test_who_stops_before_the_ending_gets_it_later(front: Inside, stream: Stream) -> None:
    slow, quick = [await Client(front.hub, STREAM).begin() for _ in range(2)]
    slow.stop()
    await stream.write("a")
    await stream.end()
    await until(lambda: quick.closed)
    assert slow.body == b""
    assert not slow.closed
    slow.go_on()
    await until(lambda: slow.closed)
    assert slow.body == stream.written


# --- what the channel loses


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


async def test_without_the_beat_the_next_message_tells(redis: Redis, no_beat: None, stream: Stream) -> None:
    assert no_beat is None
    async with inside(redis) as front:
        client = await Client(front.hub, STREAM).begin()
        await stream.write_unheard("lost")
        await stream.write("heard")
        await has(client, stream)
        assert client.beside == []


@pytest.mark.usefixtures("no_beat")
async def test_what_was_missed_while_the_connection_was_replaced_is_read(redis: Redis, stream: Stream) -> None:
    async with inside(redis) as front:
        clients = [await Client(front.hub, STREAM).begin() for _ in range(2)]
        await stream.write("a")
        await has(clients[0], stream)
        await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await stream.write("while nobody listened")
        for client in clients:
            await has(client, stream)
        await until(lambda: stream.log.is_read(STREAM))
        await stream.write("b")
        for client in clients:
            await has(client, stream)


# --- what Redis loses


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
        await until(lambda: tail._short_since is not None)
        noticed = asyncio.get_running_loop().time()
        healed = await stream.log.append(stream.claim, stream.places[1].offset, lost)
        assert (healed.status, healed.length) == ("ok", stream.position.offset)
        await until(lambda: tail._short_since is None)
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
    monkeypatch.setattr(hubs, "BEAT_SECONDS", beat)
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
        assert front.hub.tails == 0


@pytest.mark.usefixtures("quick_beat", "stream")
async def test_a_stream_that_was_lost_before_its_first_byte_is_told_too(redis: Redis) -> None:
    async with inside(redis) as front:
        client = await Client(front.hub, STREAM).begin()
        await redis.flushall()
        await until(lambda: client.closed)
        assert client.beside == [("relay.reset", b'{"attempt":0,"reason":"lost"}')]


async def test_a_beat_without_redis_is_one_that_comes_again(
    redis: Redis, quick_beat: None, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quick_beat is None
    async with inside(redis) as front:
        client = await Client(front.hub, STREAM).begin()
        real, failed = front.hub._check, asyncio.Event()

        async def away(_: object) -> None:
            monkeypatch.setattr(front.hub, "_check", real)
            failed.set()
            raise ConnectionRefusedError

        monkeypatch.setattr(front.hub, "_check", away)
        async with asyncio.timeout(20):
            await failed.wait()
        await stream.write_unheard("lost")
        await has(client, stream)


# --- beside the log


@pytest.mark.usefixtures("quick_beat")
async def test_who_waits_is_told_the_place_in_the_line(redis: Redis) -> None:
    async with inside(redis) as front:
        for stream_id in ("st_1", "st_2", STREAM):
            await front.log.open(stream_id, {"owner": OWNER})
            await front.log.keep(stream_id, LIFE_MS)
            await front.queue.submit(stream_id, limit=10, life_ms=LIFE_MS)
        first = await Client(front.hub, STREAM).begin()
        assert places(first) == [3]
        [claim] = await front.queue.claim("w", 1, free=1, lease_ms=LIFE_MS)
        await until(lambda: places(first) == [3, 2])
        second = await Client(front.hub, STREAM).begin()
        assert places(second) == [2]
        await front.queue.done(claim)
        await front.queue.claim("w", 2, free=1, lease_ms=LIFE_MS, stream_id="st_2")
        await until(lambda: places(first) == [3, 2, 1] and places(second) == [2, 1])
        assert first.frames == b""
        # A place that stays is not told again.
        told = len(first.body)
        for _ in range(3):
            await front.hub._beat()
        assert len(first.body) == told


def places(client: Client) -> list[int]:
    told = [orjson.loads(data) for name, data in client.beside if name == "relay.status"]
    assert all(status["state"] == "queued" for status in told)
    return [status["position"] for status in told]


async def test_who_hears_nothing_is_pinged_and_nobody_else(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "TICK_SECONDS", SOON)
    monkeypatch.setattr(hubs, "PING_SECONDS", 2 * SOON)
    await Stream.begin(redis, STREAM)
    other = await Stream.begin(redis, "st_busy")
    async with inside(redis) as front:
        quiet, stopped = [await Client(front.hub, STREAM).begin() for _ in range(2)]
        busy = await Client(front.hub, other.id).begin()
        stopped.stop()
        tail, silent = front.hub.known(other.id), front.hub.known(STREAM)
        assert tail is not None
        assert silent is not None
        heard = silent.quiet_since
        while quiet.body.count(b": ping\n\n") < 3:
            tail.quiet_since = asyncio.get_running_loop().time()
            await asyncio.sleep(0)
        assert quiet.beside == [(None, b": ping")] * len(quiet.beside)
        assert silent.quiet_since > heard  # a ping ends the silence
        assert (busy.body, stopped.body) == (b"", b"")
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


# --- the drain


async def test_a_drain_sends_everybody_away_and_ends_when_they_have_left(front: Inside, stream: Stream) -> None:
    clients = [await Client(front.hub, STREAM).begin() for _ in range(20)]
    await stream.write("a")
    await until(lambda: all(client.frames == stream.written for client in clients))
    clients[0].stop()
    async with asyncio.timeout(20):
        await front.hub.drain(SOON)
        await front.hub.empty()
    assert front.hub.draining
    assert (front.hub.tails, front.channel.subscriptions) == (0, 0)
    pauses = set()
    for client in clients:
        block = client.body.removeprefix(stream.written)
        retry, _, rest = block.partition(b"\n")
        assert rest == b": come back\n\n"
        pauses.add(int(retry.removeprefix(b"retry: ")))
        assert client.closed
    assert len(pauses) > 1
    assert all(100 <= pause < 1500 for pause in pauses)


async def test_a_drain_is_spread_over_its_time(front: Inside, stream: Stream) -> None:
    clients = [await Client(front.hub, stream.id).begin() for _ in range(4)]
    begun = asyncio.get_running_loop().time()
    draining = asyncio.create_task(front.hub.drain(0.2))
    await until(lambda: any(client.closed for client in clients))
    assert not all(client.closed for client in clients)
    async with asyncio.timeout(20):
        await draining
    assert asyncio.get_running_loop().time() - begun >= 0.2 * 3 / 4
    assert all(client.closed for client in clients)


# --- without asking Redis


async def test_a_reader_that_a_tail_can_prove_needs_no_read(front: Inside, stream: Stream) -> None:
    assert front.hub.known(STREAM) is None
    await Client(front.hub, STREAM).begin()
    await stream.write("a")
    await stream.restart()
    base = stream.position
    await stream.write("b")
    tail = front.hub.known(STREAM)
    assert tail is not None
    await until(lambda: tail.splice.end == stream.position)
    assert (tail.owner, tail.state) == (OWNER, State.RUNNING)
    assert start_position(tail, None) == base
    for place in stream.places[1:]:
        assert start_position(tail, place) == place
        assert start_position(tail, Position(place.offset, place.crc ^ 1)) is None
    assert start_position(tail, origin(STREAM)) is None
