"""A cursor that is behind gets forward by what is proven: out of the window, out of the log, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from app.faces.native.push import PushReader
from app.fanout import beat as beats
from app.fanout import splice
from app.fanout import tail as tails
from app.fanout.catchup import MUCH_BYTES, STEP_BYTES, Data, Lost, Part, Reset, catch_up
from app.fanout.parts import AnotherHistoryError
from app.fanout.reader import PullReader
from app.stream.frames import Position, origin
from app.stream.log import READ_BYTES, Log, Read
from tests.app.following import (
    NEVER,
    STREAM,
    Client,
    Inside,
    Stream,
    asking,
    inside,
    over,
)
from tests.app.served import until
from tests.patience import PATIENCE

pytestmark = pytest.mark.usefixtures("quick_beat", "short_patience")


async def test_beyond_the_window_it_reads_the_log(
    front: Inside, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splice, "WINDOW_BYTES", 300)
    keeps_the_tail = await Client(front.hub, STREAM).begin()
    for n in range(30):
        await stream.write(f"early {n}")
    await until(lambda: keeps_the_tail.frames == stream.written)
    async with asking(front) as (one, task):
        await until(lambda: one.data == stream.written)
        await stream.end()
        await over(task)
    assert one.data == stream.written


async def test_a_reader_that_knows_more_than_the_tail_makes_it_read(
    redis: Redis, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beats, "BEAT_SECONDS", NEVER)
    async with inside(redis) as front:
        behind = await Client(front.hub, STREAM).begin()
        await stream.write_unheard("a", "b")
        assert behind.body == b""
        async with asking(front, stream.position) as (one, _):
            await until(lambda: behind.frames == stream.written)
            await stream.write("c")
            await until(lambda: one.data == stream.written[stream.places[-2].offset :])
        assert one.beside == []


# --- catching up


async def test_catching_up_ends_where_the_tail_stands(front: Inside, stream: Stream) -> None:
    await Client(front.hub, STREAM).begin()
    await stream.write("a", "b")
    tail = front.hub.known(STREAM)
    assert tail is not None
    await until(lambda: tail.splice.end == stream.position)
    for place in stream.places:
        steps = [step async for step in catch_up(tail, place)]
        rest = stream.written[place.offset :]
        assert steps == ([Data(rest, stream.position)] if rest else [])


async def test_whom_a_left_tail_cannot_serve_any_more_is_given_nothing(front: Inside, stream: Stream) -> None:
    client = await Client(front.hub, STREAM).begin()
    await stream.write("a")
    await until(lambda: client.frames == stream.written)
    tail = front.hub.known(STREAM)
    assert tail is not None
    client.go_away()
    async with asyncio.timeout(PATIENCE):
        assert [step async for step in catch_up(tail, Position(7, 7))] == []


# --- large frames


async def test_a_large_frame_comes_in_parts_and_one_of_ours_whole(front: Inside, stream: Stream) -> None:
    large = "x" * (3 * STEP_BYTES)
    await stream.write("a", large, "b")
    stream.forge("relay.tool", large.encode())
    await stream.publish()
    await stream.end()
    reader = PullReader(origin(STREAM), in_parts=True)
    async with asyncio.timeout(PATIENCE):
        steps = [step async for step in reader.steps(front.hub, STREAM)]
    parts = [step for step in steps if isinstance(step, Part)]
    assert b"".join(step.data for step in steps if isinstance(step, Data | Part)) == stream.written
    assert all(len(part.data) <= STEP_BYTES for part in parts)
    assert [part.first for part in parts] == [True] + [False] * (len(parts) - 1)
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert [step for step in steps if isinstance(step, Data) and step.data.startswith(b"event: relay.tool\n")]


async def test_whoever_stands_inside_a_frame_that_was_lost_is_told_by_an_error(
    front: Inside, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splice, "WINDOW_BYTES", 10)
    await stream.write("a", "x" * (3 * STEP_BYTES))
    steps = PullReader(origin(STREAM), in_parts=True).steps(front.hub, STREAM)
    step = await anext(steps)
    while not isinstance(step, Part):
        step = await anext(steps)
    await stream.forget(1)
    await stream.write("y" * (4 * STEP_BYTES))
    with pytest.raises(AnotherHistoryError):
        [_ async for _ in steps]
    assert not front.hub.tails


# --- what Redis loses


async def test_a_log_that_stays_shorter_is_a_reset(front: Inside, stream: Stream) -> None:
    async with asking(front) as (one, task):
        await stream.write("a", "b", "c")
        await until(lambda: one.data == stream.written)
        await stream.forget(1)
        await until(lambda: one.beside)
        await until(lambda: one.data == stream.written)
        assert one.beside == [Reset("history_lost", 1, origin(STREAM))]
        # And its ending is given although the log never becomes as long again as it was.
        await stream.end()
        await over(task)
        assert one.data == stream.written


async def test_a_log_that_is_healed_in_time_is_none(
    front: Inside, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "REGROW_SECONDS", NEVER)
    async with asking(front) as (one, task):
        await stream.write("a", "b", "c")
        await until(lambda: one.data == stream.written)
        tail = front.hub.known(STREAM)
        assert tail is not None
        lost = await stream.lose(1)
        await until(lambda: tail.regrowing)
        await stream.log.append(stream.claim, stream.places[1].offset, lost)
        await stream.end()
        await over(task)
    assert (one.data, one.beside) == (stream.written, [])


class Healing(Log):
    """A log that is healed while the answer that it was short is on its way."""

    heal: Callable[[], Awaitable[object]] | None = None

    async def read(self, stream_id: str, after: Position | None, limit: int = READ_BYTES, skip: int = 0) -> Read:
        read = await super().read(stream_id, after, limit, skip)
        if not read.proven and self.heal is not None:
            heal, self.heal = self.heal, None
            await heal()
        return read


async def test_a_log_that_is_healed_while_its_reader_asks_is_none_either(
    redis: Redis, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beats, "BEAT_SECONDS", NEVER)
    monkeypatch.setattr(splice, "WINDOW_BYTES", 10)
    log = Healing(redis)
    async with inside(redis, log) as front:
        await stream.write("a", "b", "c")
        keeps_the_tail = await Client(front.hub, STREAM).begin()
        await until(lambda: keeps_the_tail.frames == stream.written)
        tail = front.hub.known(STREAM)
        assert tail is not None
        lost = await stream.lose(1)
        log.heal = lambda: stream.log.append(stream.claim, stream.places[1].offset, lost)
        async with asyncio.timeout(PATIENCE):
            steps = [step async for step in catch_up(tail, stream.places[2])]
        assert log.heal is None
        assert steps == [Data(stream.written[stream.places[2].offset :], stream.position)]


async def test_another_history_is_a_reset_to_its_newest_attempt(front: Inside, stream: Stream) -> None:
    async with asking(front) as (one, task):
        await stream.write("a", "b", "c")
        await until(lambda: one.data == stream.written)
        await stream.forget(1)
        await stream.restart()
        base = stream.position
        await stream.write_unheard("another, as long as what was there before, and longer")
        await stream.end()
        await over(task)
    assert one.beside == [Reset("history_lost", 2, base)]
    assert one.data == stream.written[base.offset :]


async def test_a_lost_stream_is_told_and_over(redis: Redis, front: Inside, stream: Stream) -> None:
    async with asking(front) as (one, task):
        await stream.write("a")
        await until(lambda: one.data == stream.written)
        await redis.flushall()
        await over(task)
    assert one.beside == [Lost()]
    assert not front.hub.tails


async def test_a_stream_that_never_was_is_lost(front: Inside) -> None:
    async with asking(front) as (one, task):
        await over(task)
    assert one.steps == [Lost()]


async def test_one_that_waits_for_a_log_to_grow_again_is_told_when_it_is_gone(
    redis: Redis, front: Inside, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "REGROW_SECONDS", NEVER)
    async with asking(front) as (one, task):
        await stream.write("a", "b")
        await until(lambda: one.data == stream.written)
        tail = front.hub.known(STREAM)
        assert tail is not None
        await stream.lose(1)
        await until(lambda: tail.regrowing)
        await redis.flushall()
        await over(task)
    assert one.beside == [Lost()]


async def test_a_herd_that_catches_up_does_so_one_step_a_round(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pushed to or asking, out of the window or the log."""
    stream = await Stream.begin(redis, "st_turns")
    for _ in range(20):
        await stream.write(*("x" * 900 for _ in range(50)))
    steps, most = 0, 0
    send = PushReader._send

    def sends(reader: PushReader, data: bytes) -> bool:
        nonlocal steps
        steps += len(data) > MUCH_BYTES
        return send(reader, data)

    monkeypatch.setattr(PushReader, "_send", sends)

    async def asks(front: Inside) -> bytes:
        nonlocal steps
        given = b""
        async with contextlib.aclosing(PullReader(origin(stream.id)).steps(front.hub, stream.id)) as asked:
            async for step in asked:
                assert isinstance(step, Data)
                steps += len(step.data) > MUCH_BYTES
                given += step.data
        return given

    async with inside(redis) as front:
        clients = [Client(front.hub, stream.id) for _ in range(10)]
        beginning = [asyncio.create_task(client.begin()) for client in clients]
        asking = [asyncio.create_task(asks(front)) for _ in range(10)]
        await stream.end()
        async with asyncio.timeout(PATIENCE):
            while not all(task.done() for task in (*beginning, *asking)):
                before = steps
                await asyncio.sleep(0)
                most = max(most, steps - before)
            assert [await task for task in asking] == [stream.written] * 10
            await until(lambda: all(client.closed for client in clients))
    assert all(client.frames == stream.written for client in clients)
    assert steps > 100
    assert most <= 2  # one that begins, and one that goes on before it waits
