"""An answer that is shown whole or not at all: what a front's readers see of it, live, slow, late and coming back."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.fanout.drain import send_all_away
from app.fanout.reader import Aside, Leave
from app.fanout.tail import Tail
from app.stream import keys
from app.stream.asides import Running
from app.stream.endings import Outcome
from app.stream.frames import Position, origin
from app.stream.log import State
from tests.app.fanout.tailing.sealed import SECRET, states, told_running
from tests.app.following import SOON, STREAM, Asking, Client, Inside, Stream, asking, over
from tests.app.served import until
from tests.app.tails import live, repaired

LARGE = SECRET * 30_000


def statuses(one: Asking) -> list[Running]:
    return [step.said for step in one.steps if isinstance(step, Aside) and isinstance(step.said, Running)]


async def test_readers_are_told_that_it_runs_and_then_given_all_of_it(front: Inside, final: Stream) -> None:
    await final.write("before anybody reads")
    first, second = [await Client(front.hub, STREAM).begin() for _ in range(2)]
    async with asking(front) as (asked, task):
        await told_running(first, second)
        for n in range(5):
            await final.write(f"{SECRET} {n}")
        await told_running(first, second, times=5)
        await until(lambda: len(statuses(asked)) > 1)
        late = await Client(front.hub, STREAM).begin()
        assert states(late) == ["running"]
        assert SECRET.encode() not in first.body + second.body + late.body
        assert first.frames == second.frames == late.frames == asked.data == b""
        await final.end()
        await over(task)
        await until(lambda: first.closed and second.closed and late.closed)
    assert first.frames == second.frames == late.frames == asked.data == final.written
    assert first.body.endswith(final.written)
    assert not front.hub.tails


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CANCELLED, Outcome.EXPIRED])
async def test_of_one_that_is_not_whole_readers_see_its_ending_alone(
    front: Inside, final: Stream, outcome: Outcome
) -> None:
    client = await Client(front.hub, STREAM).begin()
    async with asking(front) as (asked, task):
        await final.write(SECRET)
        await told_running(client)
        shown = len(final.written)
        await final.end(outcome)
        await over(task)
        await until(lambda: client.closed)
        async with asking(front) as (late, again):
            await over(again)
    assert client.frames == asked.data == late.data == final.written[shown:]
    assert b"relay.reset" not in client.body


async def test_of_attempts_before_the_newest_nothing_is_seen(front: Inside, final: Stream) -> None:
    client = await Client(front.hub, STREAM).begin()
    async with asking(front) as (asked, task):
        await final.write(LARGE)
        await told_running(client)
        await final.restart()
        begun = len(final.written)
        await final.write("the answer")
        await told_running(client, times=states(client).count("running") + 2)
        await final.end()
        await over(task)
        await until(lambda: client.closed)
    assert client.frames == asked.data == final.written[begun:]
    assert asked.beside == [step for step in asked.beside if isinstance(step, Aside)]


async def test_a_large_one_is_given_as_far_as_each_client_reads(front: Inside, final: Stream) -> None:
    quick, slow = [await Client(front.hub, STREAM).begin() for _ in range(2)]
    await told_running(quick, slow)
    slow.stop()
    held = len(slow.body)
    async with asking(front) as (asked, task):
        for _ in range(8):
            await final.write(*[LARGE] * 2)
        assert len(final.written) > 20 * 128 * 1024
        await final.end()
        await over(task)
        await until(lambda: quick.closed)
    assert quick.frames == asked.data == final.written
    assert len(slow.body) == held
    slow.go_on()
    await until(lambda: slow.closed)
    assert slow.frames == final.written


async def test_who_stops_reading_before_it_is_whole_comes_to_all_of_it(front: Inside, final: Stream) -> None:
    client = await Client(front.hub, STREAM).begin()
    await told_running(client)
    client.stop()
    await final.write(SECRET)
    client.go_on()
    await told_running(client, times=states(client).count("running") + 2)
    client.stop()
    await final.end()
    await until(lambda: front.hub.tails and all(tail.ended for tail in front.hub.tails))
    assert client.frames == b""
    client.go_on()
    await until(lambda: client.closed)
    assert client.frames == final.written


async def test_an_id_that_stands_waits_and_goes_on_there(front: Inside, final: Stream) -> None:
    """Its client had it from this very log, before Redis lost its ending."""
    await final.write("one", "two")
    place = final.places[1]
    client, paused = [await Client(front.hub, STREAM, place).begin() for _ in range(2)]
    async with asking(front, place) as (asked, task):
        await told_running(client, paused)
        paused.stop()
        await final.write(SECRET)
        await told_running(client, times=4)
        assert client.frames == paused.frames == asked.data == b""
        await final.end()
        await over(task)
        paused.go_on()
        await until(lambda: client.closed and paused.closed)
    assert client.frames == paused.frames == asked.data == final.written[place.offset :]


async def test_an_id_that_does_not_stand_is_reset_once_there_is_something(front: Inside, final: Stream) -> None:
    await final.write("one")
    client = await Client(front.hub, STREAM, Position(77, 7)).begin()
    await told_running(client)
    await final.end()
    await until(lambda: client.closed)
    assert [name for name, _ in client.beside if name == "relay.reset"] == ["relay.reset"]
    assert client.frames == final.written


async def test_an_ending_that_redis_loses_again_stops_who_has_not_read_it(front: Inside, final: Stream) -> None:
    await final.write(LARGE, "two")
    slow = await Client(front.hub, STREAM).begin()
    await told_running(slow)
    slow.stop()
    await final.end()
    await until(lambda: all(tail.ended for tail in front.hub.tails))
    await final.forget(2)
    await final.redis.hset(keys.meta(STREAM), "state", "running")  # type: ignore[misc]
    await final.redis.hdel(keys.meta(STREAM), "outcome")  # type: ignore[misc]
    await until(lambda: not any(tail.ended for tail in front.hub.tails))
    slow.go_on()
    await told_running(slow, times=states(slow).count("running") + 2)
    assert slow.frames == b""
    await final.write("three")
    await final.end()
    await until(lambda: slow.closed)
    assert slow.frames == final.written


async def test_who_is_sent_away_has_seen_nothing(front: Inside, final: Stream) -> None:
    client = await Client(front.hub, STREAM).begin()
    async with asking(front) as (asked, task):
        await final.write(SECRET)
        await told_running(client)
        await send_all_away(front.hub, SOON)
        await over(task)
    assert client.closed
    assert (client.frames, asked.data) == (b"", b"")
    assert client.body.endswith(b": come back\n\n")
    assert isinstance(asked.steps[-1], Leave)


async def test_what_comes_before_the_log_was_asked_is_not_shown(tail: Tail, redis: Redis) -> None:
    """A front whose first read fails does not know yet how the answer is to be shown."""
    tail.seal = type(tail)(STREAM, tail.log, origin(STREAM)).seal
    stream = await Stream.begin(redis, STREAM, delivery="final")
    reader = live(tail)
    await stream.write(SECRET)
    tail.message(b"0:" + stream.written)
    tail.settle()
    assert reader.pieces == []
    tail.repair()
    await repaired(tail)
    assert (reader.pieces, tail.state) == ([], State.RUNNING)
    await stream.end()
    tail.message(b"%d:%b" % (stream.places[1].offset, stream.written[stream.places[1].offset :]))
    await repaired(tail)
    assert (reader.told, tail.ended) == (["go on"], True)
    assert reader.position == origin(STREAM)


async def test_what_came_before_the_log_was_asked_is_shown_if_it_may(tail: Tail, stream: Stream) -> None:
    tail.seal = type(tail)(STREAM, tail.log, origin(STREAM)).seal
    stands = stream.frame("a")
    tail.message(b"0:" + stands)
    assert tail.splice.end == origin(STREAM)
    tail.repair()
    await repaired(tail)
    assert tail.splice.end == stream.position
