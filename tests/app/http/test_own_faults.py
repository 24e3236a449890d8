"""Whatever one stream's message, event or reader does, all the others have the log: every byte, in order, once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import ExitStack
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.faces.native.push import PushReader
from app.fanout import beat as beats
from app.fanout import splice
from app.fanout.audience import Piece, Ping
from app.stream import keys
from app.stream.asides import Said
from app.stream.frames import Position, encode, origin
from app.stream.redis.connect import connect
from tests.app.following import Client, Inside, Stream, inside
from tests.app.served import until

STREAMS = ("st_own_1", "st_own_2")
SOON = 0.02


class Faulty:
    """A reader that fails at some of what it is asked, live or not."""

    face = "clumsy"
    resumed = False

    def __init__(self, position: Position, seed: int, at: frozenset[str]) -> None:
        self.position = position
        self.failed = 0
        self._at = at
        self._random = random.Random(seed)  # noqa: S311  # for a test

    def _may_fail(self, what: str) -> None:
        if what in self._at and self._random.random() < 0.5:
            self.failed += 1
            raise self._random.choice((RuntimeError, KeyError, OSError, AssertionError))

    def feed(self, piece: Piece) -> None:  # noqa: ARG002
        self._may_fail("feed")

    def reset(self, reason: str, attempt: int, position: Position) -> None:  # noqa: ARG002
        self.position = position
        self._may_fail("reset")

    def aside(self, said: Said | Ping) -> None:  # noqa: ARG002
        self._may_fail("aside")

    def lost(self) -> None:
        self._may_fail("lost")

    def leave(self, retry_ms: int) -> None:  # noqa: ARG002
        self._may_fail("leave")

    def finish(self) -> None:
        self._may_fail("finish")


NONSENSE = st.one_of(
    st.sampled_from(
        [b"", b":", b"x", b"-5:abc", b"\xd9\xa3:abc", b"9999999999:x", b"0:", b"7:\n\n", b"!", b"!thinking:x", b"!!!:7"]
    ),
    st.binary(max_size=30),
    st.builds(lambda at, data: b"%d:%b" % (at, data), st.integers(0, 2000), st.binary(max_size=60)),
    st.builds(lambda other: b"0:" + encode(b"told", b"x", *origin(other))[0], st.sampled_from(("st_other", *STREAMS))),
)
ODD = st.sampled_from(
    [
        ("relay.reset", b""),
        ("relay.reset", b"null"),
        ("relay.reset", b"[1]"),
        ("relay.reset", b'{"attempt":"x","reason":7}'),
        ("relay.reset", b'{"attempt":true,"reason":"x"}'),
        ("relay.reset", b'{"attempt":1e400,"reason":"x"}'),
        ("relay.reset", b'{"attempt":9,"reason":"forged"}'),
        ("relay.end", b"{}"),
        ("relay.end", b'{"outcome":"completed"}'),
        ("relay.status", b"7"),
        ("relay.", b"\xff"),
        ("told", b"event: relay.end"),
    ]
)
WHICH = st.integers(0, len(STREAMS) - 1)
FAULTS = st.frozensets(st.sampled_from(["feed", "reset", "aside", "leave", "finish"]), min_size=1)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), WHICH, st.integers(1, 3)),
        st.tuples(st.just("unheard"), WHICH, st.none()),
        st.tuples(st.just("twice"), WHICH, st.integers(0, 50)),
        st.tuples(st.just("say"), WHICH, NONSENSE),
        st.tuples(st.just("odd"), WHICH, ODD),
        st.tuples(st.just("faulty"), WHICH, FAULTS),
        st.tuples(st.just("join"), WHICH, st.none()),
        st.tuples(st.just("stop"), WHICH, st.none()),
        st.tuples(st.just("go on"), WHICH, st.none()),
    ),
    max_size=25,
)


class World:
    """Streams on a front, the good clients of each, and what is done to them."""

    def __init__(self, front: Inside, streams: list[Stream]) -> None:
        self.front = front
        self.streams = streams
        self.clients: list[tuple[Client, Stream]] = []
        self.seeds: Iterator[int] = iter(range(1000))

    async def act(self, what: str, which: int, how: object) -> None:
        stream = self.streams[which]
        mine = [client for client, of in self.clients if of is stream]
        match what, how:
            case "write", int(count):
                await stream.write(*(f"{what} {n}" for n in range(count)))
            case "unheard", _:
                await stream.write_unheard("unheard")
            case "twice", int(back):
                place = stream.places[-1 - min(back, len(stream.places) - 1)]
                await stream.redis.publish(
                    keys.channel(stream.id), b"%d:%b" % (place.offset, stream.written[place.offset :])
                )
            case "say", bytes(payload):
                await stream.redis.publish(keys.channel(stream.id), payload)
            case "odd", (str(name), bytes(data)):
                stream.forge(name, data)
                await stream.publish()
            case "faulty", frozenset():
                reader = Faulty(stream.position, next(self.seeds), how)
                tail = self.front.hub.join(stream.id, reader)
                reader.position = tail.splice.end
                tail.go_live(reader)
            case "join", _:
                await self.join(stream)
            case "stop", _:
                mine[0].stop()
            case "go on", _:
                mine[0].go_on()

    async def join(self, stream: Stream) -> None:
        self.clients.append((await Client(self.front.hub, stream.id).begin(), stream))

    async def end(self) -> None:
        for client, _ in self.clients:
            client.go_on()
        for stream in self.streams:
            await stream.end()
        await until(lambda: all(client.closed for client, _ in self.clients))
        for client, stream in self.clients:
            assert client.frames == stream.written


async def live_through(redis: Redis, acts: list[tuple[str, int, object]]) -> None:
    await redis.flushall()
    async with inside(redis) as front:
        world = World(front, [await Stream.begin(redis, stream_id) for stream_id in STREAMS])
        for stream in world.streams:
            await world.join(stream)
        for act in acts:
            await world.act(*act)
        await world.end()
        assert all(work.falls == 0 for work in front.beat.tasks)
        assert front.channel.connected


@settings(max_examples=40)
@given(acts=ACTS, window=st.sampled_from([200, 128 * 1024]))
def test_the_good_readers_have_the_log_whatever_the_bad_ones_and_the_messages_do(
    valkey: EmbeddedValkey, acts: list[tuple[str, int, object]], window: int
) -> None:
    async def run() -> None:
        redis: Redis = connect(valkey.url, "own faults")
        try:
            await live_through(redis, acts)
        finally:
            await redis.aclose()

    with ExitStack() as patched:
        patched.enter_context(mock.patch.object(beats, "BEAT_SECONDS", SOON))
        patched.enter_context(mock.patch.object(splice, "WINDOW_BYTES", window))
        asyncio.run(run())


async def test_a_reader_that_fails_is_sent_away_and_comes_back_to_its_place(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    async with inside(redis) as front:
        stream = await Stream.begin(redis, STREAMS[0])
        before, broken, after = [await Client(front.hub, stream.id).begin() for _ in range(3)]
        await stream.write("a")
        await until(lambda: all(client.frames == stream.written for client in (before, broken, after)))
        place = stream.position

        feed = PushReader.feed

        def fails(reader: PushReader, piece: Piece) -> None:
            if reader is broken.reader:
                raise RuntimeError
            feed(reader, piece)

        with mock.patch.object(PushReader, "feed", fails):
            await stream.write("b")
            await until(lambda: broken.closed)
        assert b": come back" in broken.body
        again = await Client(front.hub, stream.id, place).begin()
        await stream.write("c")
        await until(lambda: before.frames == after.frames == broken.frames + again.frames == stream.written)
    assert "RuntimeError" in caplog.text


async def test_what_came_before_a_repair_is_handed_on_before_what_the_repair_brings(redis: Redis) -> None:
    async with inside(redis) as front:
        stream = await Stream.begin(redis, STREAMS[0])
        client = await Client(front.hub, stream.id).begin()
        tail = front.hub.known(stream.id)
        assert tail is not None
        await stream.write_unheard("a")
        tail.message(b"0:" + stream.written)  # and an error of Redis stands where it was to be settled
        await stream.write_unheard("b", "c")
        tail.repair()
        await tail.repaired()
        assert client.frames == stream.written
        place = stream.position
        await stream.write_unheard("d")
        tail.message(b"%d:%b" % (place.offset, stream.written[place.offset :]))  # nor is this settled
        late = await Client(front.hub, stream.id).begin()
        tail.settle()
        assert late.frames == client.frames == stream.written
