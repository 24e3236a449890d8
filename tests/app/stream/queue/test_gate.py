"""Who waits at a gate is held by nobody, and comes back when its turn has come."""

from __future__ import annotations

import orjson
from redis.asyncio import Redis

from app.stream import keys
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.workers.gates import Gates, Limit, Report
from tests.app.stream.queue.line import LEASE_MS, LIFE_MS, ask, in_line, leased, let_expire, submit, take


async def parked(queue: Queue, *stream_ids: str) -> None:
    await submit(queue, *stream_ids)
    for number, claim in enumerate(await take(queue, "parks", 1, len(stream_ids))):
        assert await queue.park(claim, "m", LIFE_MS), number


async def test_who_waits_at_a_gate_is_nobody_s_and_is_not_claimed(redis: Redis, queue: Queue) -> None:
    await parked(queue, "a", "b")
    await submit(queue, "c")
    assert await leased(redis) == set()
    assert [claim.stream_id for claim in await take(queue, "two", slots=4)] == ["c"]
    assert await queue.waiting() == 2


async def test_turns_go_to_the_oldest_who_come_back_to_their_old_places_uncounted(redis: Redis, queue: Queue) -> None:
    await parked(queue, "a", "b", "c")
    await submit(queue, "d")
    turns = await ask(redis, room=2)
    assert (turns.given, turns.line) == (0, 1)
    claims = await take(queue, "two", slots=4)
    assert [(claim.stream_id, claim.times) for claim in claims] == [("a", 1), ("b", 1), ("d", 1)]
    assert await Gates(redis).leave_line("m", "a")
    assert not await Gates(redis).leave_line("m", "a")
    assert not await Gates(redis).leave_line("m", "c")


async def test_no_more_are_woken_than_there_is_room_for(redis: Redis, queue: Queue) -> None:
    await parked(queue, "a", "b", "c")
    assert (await ask(redis, room=1)).line == 2
    assert (await ask(redis, room=1)).line == 2
    await Gates(redis).leave_line("m", "a")
    assert (await ask(redis, room=1)).line == 1


async def test_who_waits_at_a_gate_can_be_cancelled(redis: Redis, queue: Queue) -> None:
    await parked(queue, "a", "b")
    [claim] = await queue.claim("front", 1, slots=1, lease_ms=LEASE_MS, stream_id="a")
    assert await queue.done(claim)
    await ask(redis, room=5)
    assert [claim.stream_id for claim in await take(queue, "two", slots=4)] == ["b"]


async def test_whose_turn_never_comes_is_claimed_all_the_same_and_swept(redis: Redis, queue: Queue) -> None:
    await parked(queue, "a")
    assert await queue.overdue(LIFE_MS, 10) == []
    assert await queue.overdue(0, 10) == ["a"]
    assert await take(queue, "two", 1) == []
    await redis.zincrby(keys.JOBS, -2 * LIFE_MS * 1000, "a")  # so much later its time has come
    [claim] = await take(queue, "two", 2, slots=4)
    assert (claim.stream_id, claim.times) == ("a", 1)
    assert await queue.give_back([claim])
    await submit(queue, "b")
    assert await in_line(redis) == ["a", "b"]


async def test_whoever_comes_late_takes_no_place_from_who_waits_at_a_gate(redis: Redis, queue: Queue) -> None:
    """A worker that has lost its claim says that the stream was claimed again, which now waits there for another."""
    await parked(queue, "a", "b")
    assert not await Gates(redis).leave_line("m", "a")
    assert (await ask(redis, room=2)).line == 0
    assert [claim.stream_id for claim in await take(queue, "two", slots=4)] == ["a", "b"]


async def test_only_its_newest_holder_parks_a_stream(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    [old] = await take(queue)
    await let_expire(redis, "a")
    [new] = await take(queue, "two")
    assert not await queue.park(old, "m", 1)
    assert await leased(redis) == {"a"}
    assert await queue.park(new, "m", 1)
    assert not await queue.park(new, "m", 1)
    assert not await queue.park(Claim("never", 1, "x/1"), "m", 1)
    await redis.expire(keys.gate_line("m"), 60)


async def test_calls_under_way_are_taken_off_what_is_left_and_not_for_ever(redis: Redis) -> None:
    """A worker that died in its calls, or a turn that nobody used, must not make a limit smaller for good."""
    told = Report(taken=30, limits=[Limit("requests", 50, 40, 60_000)])
    assert (await ask(redis, Report(taken=30), worker="lost", waiting=38)).given == 38
    assert (await ask(redis, told, waiting=50)).given == 40 - 38
    assert (await ask(redis, told, unanswered=2, waiting=50)).given == 0
    state = orjson.loads(await redis.get(keys.gate("m")))
    state["calls"]["lost"][1] -= 31_000
    await redis.set(keys.gate("m"), orjson.dumps(state))
    assert (await ask(redis, told, unanswered=2, waiting=50)).given == 40 - 2
