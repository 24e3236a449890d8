"""A reader that asks for the next step: every byte once, what is told beside the log, and that it leaves nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from app.fanout import hub as hubs
from app.fanout import splice
from app.fanout import tail as tails
from app.fanout.audience import Piece
from app.fanout.parts import AnotherHistoryError
from app.fanout.reader import STEP_BYTES, Aside, Data, Leave, Lost, Part, PullReader, Reset, Step, catch_up
from app.stream.frames import Position, origin, position_at_end
from app.stream.log import READ_BYTES, Log, Read
from tests.app.following import LIFE_MS, OWNER, Client, Inside, Stream, inside
from tests.app.served import until

STREAM = "st_readers"
SOON = 0.02
NEVER = 3600.0


@pytest.fixture(autouse=True)
def beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "BEAT_SECONDS", SOON)
    monkeypatch.setattr(tails, "REGROW_SECONDS", SOON)


@pytest.fixture
async def front(redis: Redis) -> AsyncIterator[Inside]:
    async with inside(redis) as made:
        yield made


@pytest.fixture
async def stream(redis: Redis) -> Stream:
    return await Stream.begin(redis, STREAM)


class Asking:
    """Asks for one step after the other, and keeps them."""

    def __init__(self, front: Inside, position: Position | None = None) -> None:
        self.reader = PullReader(origin(STREAM) if position is None else position)
        self.steps: list[Step | Aside | Leave] = []
        self._front = front

    @property
    def data(self) -> bytes:
        """What was given since the last reset."""
        given = b""
        for step in self.steps:
            given = given + step.data if isinstance(step, Data) else b"" if isinstance(step, Reset) else given
        return given

    @property
    def beside(self) -> list[Step | Aside | Leave]:
        return [step for step in self.steps if not isinstance(step, Data)]

    async def run(self) -> None:
        async with contextlib.aclosing(self.reader.steps(self._front.hub, STREAM)) as steps:
            async for step in steps:
                self.steps.append(step)


@asynccontextmanager
async def asking(front: Inside, position: Position | None = None) -> AsyncIterator[tuple[Asking, asyncio.Task[None]]]:
    one = Asking(front, position)
    task = asyncio.create_task(one.run())
    yield one, task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def over(task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(20):
        await task


async def test_it_is_given_each_byte_once_and_the_end(front: Inside, stream: Stream) -> None:
    await stream.write("a", "b")
    async with asking(front) as (whole, first), asking(front, stream.places[1]) as (rest, second):
        await until(lambda: whole.data == stream.written)
        for n in range(20):
            await stream.write(f"live {n}")
        await until(lambda: whole.data == stream.written)
        await stream.end()
        await over(first)
        await over(second)
    assert whole.data == stream.written
    assert rest.data == stream.written[stream.places[1].offset :]
    assert whole.beside == rest.beside == []
    assert front.hub.tails == 0
    for step in whole.steps:
        assert isinstance(step, Data)
        assert step.position == position_at_end(step.data)


async def test_who_stands_at_the_end_of_an_ended_stream_is_given_nothing(front: Inside, stream: Stream) -> None:
    await stream.end()
    async with asking(front, stream.position) as (one, task):
        await over(task)
    assert one.steps == []


async def test_whoever_stops_asking_leaves_nothing(front: Inside, stream: Stream) -> None:
    async with asking(front) as (one, _):
        await stream.write("a")
        await until(lambda: one.data == stream.written)
        tail = front.hub.known(STREAM)
        assert tail is not None
        assert len(tail.watchers) == 1
    assert (front.hub.tails, front.channel.subscriptions) == (0, 0)
    assert tail.watchers == set()


async def test_who_takes_its_time_gets_what_came_meanwhile_in_one_step(front: Inside, stream: Stream) -> None:
    steps = PullReader(origin(STREAM)).steps(front.hub, STREAM)
    await stream.write("a")
    first = await anext(steps)
    await stream.write("b")
    await stream.write("c", "d")
    tail = front.hub.known(STREAM)
    assert tail is not None
    await until(lambda: tail.splice.end == stream.position)
    second = await anext(steps)
    assert isinstance(first, Data)
    assert isinstance(second, Data)
    assert first.data + second.data == stream.written
    await steps.aclose()


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
    monkeypatch.setattr(hubs, "BEAT_SECONDS", NEVER)
    async with inside(redis) as front:
        behind = await Client(front.hub, STREAM).begin()
        await stream.write_unheard("a", "b")
        assert behind.body == b""
        async with asking(front, stream.position) as (one, _):
            await until(lambda: behind.frames == stream.written)
            await stream.write("c")
            await until(lambda: one.data == stream.written[stream.places[-2].offset :])
        assert one.beside == []


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
    monkeypatch.setattr(hubs, "BEAT_SECONDS", NEVER)
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
        async with asyncio.timeout(20):
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
    assert front.hub.tails == 0


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


# --- beside the log


async def test_it_is_told_its_place_in_the_line(front: Inside) -> None:
    for stream_id in ("st_1", STREAM):
        await front.log.open(stream_id, {"owner": OWNER})
        await front.log.keep(stream_id, LIFE_MS)
        await front.queue.submit(stream_id, limit=10, life_ms=LIFE_MS)
    async with asking(front) as (one, _):
        second = Aside(b'event: relay.status\ndata: {"state":"queued","position":2}\n\n')
        await until(lambda: one.steps == [second])
        await front.queue.claim("w", 1, free=1, lease_ms=LIFE_MS)
        await until(lambda: one.steps == [second, Aside(second.data.replace(b"2", b"1"))])


async def test_of_several_things_to_say_beside_it_is_told_the_newest(front: Inside, stream: Stream) -> None:
    reader = PullReader(origin(STREAM))
    steps = reader.steps(front.hub, STREAM)
    await stream.write("a")
    assert isinstance(await anext(steps), Data)
    for n in range(5):
        reader.aside(Piece(b"%d" % n))
    assert await anext(steps) == Aside(b"4")
    reader.leave(700)
    assert await anext(steps) == Leave(700)
    with pytest.raises(StopAsyncIteration):
        await anext(steps)
    assert front.hub.tails == 0


async def test_a_drain_sends_it_away_after_what_is_there(front: Inside, stream: Stream) -> None:
    async with asking(front) as (one, task):
        await stream.write("a")
        await until(lambda: front.hub.known(STREAM) and one.data == stream.written)
        await front.hub.drain(0)
        await over(task)
    assert one.data == stream.written
    [leave] = one.beside
    assert isinstance(leave, Leave)
    assert 100 <= leave.retry_ms < 1500


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
    async with asyncio.timeout(20):
        assert [step async for step in catch_up(tail, Position(7, 7))] == []


# --- large frames


async def test_a_large_frame_comes_in_parts_and_one_of_ours_whole(front: Inside, stream: Stream) -> None:
    large = "x" * (3 * STEP_BYTES)
    await stream.write("a", large, "b")
    stream.forge("relay.tool", large.encode())
    await stream.publish()
    await stream.end()
    reader = PullReader(origin(STREAM), in_parts=True)
    async with asyncio.timeout(20):
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
    assert front.hub.tails == 0
