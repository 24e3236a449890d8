"""A front's readers on a real server: each byte once, whatever the channel or the readers themselves do (G7)."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from app.fanout import splice
from app.fanout.hub import start_position
from app.stream import keys
from app.stream.frames import Position, origin
from app.stream.log import State
from tests.app.following import (
    LIFE_MS,
    OWNER,
    STREAM,
    Client,
    Inside,
    Stream,
    has,
    inside,
)
from tests.app.served import until
from tests.patience import PATIENCE

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
    assert (len(front.hub.tails), front.channel.subscriptions) == (1, 1)
    assert await redis.pubsub_numsub(channel) == [(channel.encode(), 1)]
    assert await stream.log.is_read(STREAM)
    for client in clients[1:]:
        client.go_away()
    assert len(front.hub.tails) == 1
    await stream.write("a")
    await has(clients[0], stream)
    assert all(client.body == b"" for client in clients[1:])


async def test_the_last_reader_takes_the_tail_and_its_subscription_along(
    redis: Redis, front: Inside, stream: Stream
) -> None:
    clients = [await Client(front.hub, STREAM).begin() for _ in range(2)]
    clients[0].go_away()
    clients[1].go_away()
    assert (front.hub.tails, front.hub.readers, front.channel.subscriptions) == ((), [], 0)
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
    async with asyncio.timeout(PATIENCE):
        await beginning
    assert (front.hub.tails, front.channel.subscriptions, client.body) == ((), 0, b"")
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


async def test_a_stream_that_is_there_again_is_read_by_who_comes_then(redis: Redis, stream: Stream) -> None:
    async with inside(redis) as front:
        await stream.write("a")
        slow = await Client(front.hub, STREAM).begin()
        await until(lambda: slow.frames == stream.written)
        slow.stop()
        old = front.hub.known(STREAM)
        assert old is not None
        kept = await redis.dump(keys.meta(STREAM))
        await redis.delete(keys.meta(STREAM))
        old.repair()
        await old.repaired()
        assert old.gone
        await redis.restore(keys.meta(STREAM), LIFE_MS, kept)
        client = await Client(front.hub, STREAM).begin()
        await stream.write("b")
        await until(lambda: client.frames == stream.written)
        slow.go_on()
        await until(lambda: slow.closed)
        assert slow.beside[-1][0] == "relay.reset"
        await stream.write("c")
        await until(lambda: client.frames == stream.written)
        client.go_away()
        assert (front.hub.tails, front.channel.subscriptions) == ((), 0)
