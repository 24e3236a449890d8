"""Who waits for a person is nobody's, counts for nothing, and goes on as soon as that person has said something."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from app.stream import frames, keys
from app.stream.approvals import approvals
from app.stream.approvals.approvals import ANSWERED, HEARD, Approvals, Decided, Verdict
from app.stream.log import Claim, Log, State
from app.stream.queue import Queue
from app.stream.redis.refusals import NO_ANSWER
from tests.app.stream.queue.line import LEASE_MS, LIFE_MS, in_line, leased, submit, take
from tests.app.stream.redis.cluster.scripted import scripted

ASKED = {"ask:toolu_1": "{}", "ask:toolu_2": "{}", "state": "waiting"}


async def wait(redis: Redis, queue: Queue, *stream_ids: str, longest_ms: int = LIFE_MS) -> list[Claim]:
    """Streams that wait for a person."""
    await submit(queue, *stream_ids)
    for stream_id in stream_ids:
        await Log(redis).open(stream_id, ASKED)
    claims = await take(queue, f"asks {stream_ids[0]}", 1, len(stream_ids))
    for claim in claims:
        assert await queue.approvals.wait(claim, longest_ms)
    return claims


async def test_who_waits_for_a_person_is_nobody_s_and_in_no_line(redis: Redis, queue: Queue) -> None:
    claims = await wait(redis, queue, "a", "b")
    assert await leased(redis) == set()
    assert await take(queue, "two", slots=4) == []
    assert (await queue.waiting(), await queue.positions(["a"]), await queue.approvals.waiting()) == (0, [None], 2)
    assert await queue.renew("asks a", claims, LEASE_MS) == {"a", "b"}  # who put them down has them no more
    assert not await queue.done(claims[0])
    assert not await queue.approvals.wait(claims[0], LIFE_MS)
    assert await queue.overdue(0, 10) == []


async def test_who_is_answered_comes_back_to_its_old_place_uncounted(redis: Redis, queue: Queue) -> None:
    await wait(redis, queue, "a", "b")
    await submit(queue, "c")
    assert await queue.approvals.wake("b")
    assert not await queue.approvals.wake("b")
    assert not await queue.approvals.wake("c")
    assert [(claim.stream_id, claim.times) for claim in await take(queue, "two", slots=4)] == [("b", 1), ("c", 1)]
    assert await queue.approvals.waiting() == 1


async def test_what_it_waited_for_a_person_is_no_time_in_the_line(redis: Redis, queue: Queue) -> None:
    await wait(redis, queue, "a")
    await asyncio.sleep(0.05)
    await queue.approvals.wake("a")
    assert await queue.overdue(50, 10) == []
    assert await in_line(redis) == ["a"]


async def test_one_that_waits_for_a_person_can_be_ended_by_a_front(redis: Redis, queue: Queue) -> None:
    await wait(redis, queue, "a", "b")
    [claim] = await queue.claim("front", 1, slots=1, lease_ms=LEASE_MS, stream_id="a")
    assert await queue.done(claim)
    assert await queue.approvals.waiting() == 1
    assert not await queue.approvals.wake("a")


async def test_the_first_verdict_counts_and_the_same_again_is_the_same(redis: Redis, queue: Queue) -> None:
    await wait(redis, queue, "a")
    yes, no = Verdict(approve=True), Verdict(approve=False, reason="no")
    said = await asyncio.gather(*(queue.approvals.decide("a", "toolu_1", one) for one in (yes, no, yes, no)))
    assert sorted(decided for decided, _ in said) == ["decided", "decided", "ok", "same"]
    assert {state for _, state in said} == {State.WAITING}
    assert await queue.approvals.decide("a", "toolu_2", no) == (Decided.OK, State.WAITING)
    assert await queue.approvals.decide("a", "toolu_2", Verdict(approve=False)) == (Decided.SAME, State.WAITING)
    assert await queue.approvals.decide("a", "toolu_3", yes) == (Decided.UNKNOWN, State.WAITING)
    assert await queue.approvals.decide("never", "toolu_1", yes) == (Decided.GONE, State.UNKNOWN)
    meta = await Log(redis).meta("a", "verdict:toolu_2", ANSWERED)
    assert meta == {"state": b"waiting", "verdict:toolu_2": b'{"approve":false,"reason":"no"}', ANSWERED: b"2"}


async def test_there_is_no_verdict_of_what_is_cancelled_or_over(redis: Redis, queue: Queue) -> None:
    await wait(redis, queue, "a", "b")
    yes = Verdict(approve=True)
    assert (await queue.approvals.decide("a", "toolu_2", yes))[0] is Decided.OK
    await Log(redis).cancel("a")
    await redis.hset(keys.meta("b"), "state", "ended")  # type: ignore[misc]  # redis-py's types mix both clients
    for stream_id in ("a", "b"):
        assert (await queue.approvals.decide(stream_id, "toolu_1", yes))[0] is Decided.OVER
    # Who was told so before may ask again.
    assert (await queue.approvals.decide("a", "toolu_2", yes))[0] is Decided.SAME


async def test_who_looks_finds_the_late_and_those_with_something_to_be_done(
    redis: Redis, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wait(redis, queue, "answered", "asked", "cancelled", "gone")
    await wait(redis, queue, "late", longest_ms=0)
    await queue.approvals.decide("answered", "toolu_1", Verdict(approve=True))
    await Log(redis).cancel("cancelled")
    await redis.delete(keys.meta("gone"))
    look = await queue.approvals.look()
    assert (look.late, sorted(look.answered), look.cursor) == (["late"], ["answered", "cancelled", "gone"], 0)
    await redis.hset(keys.meta("answered"), HEARD, 1)  # type: ignore[misc]  # redis-py's types mix both clients
    assert not await queue.approvals.is_answered("answered")
    await queue.approvals.decide("answered", "toolu_2", Verdict(approve=True))
    assert [await queue.approvals.is_answered(one) for one in ("answered", "asked", "late")] == [True, False, False]
    monkeypatch.setattr(approvals, "LOOK", 2)
    looks = [await queue.approvals.look(cursor) for cursor in (0, 2, 4)]
    assert [look.cursor for look in looks] == [2, 4, 0]
    assert sorted(one for look in looks for one in look.answered) == ["answered", "cancelled", "gone"]
    await redis.delete(keys.APPROVALS)
    assert (await Approvals(redis).look(5)).late == []


async def test_it_is_kept_for_as_long_as_it_waits_and_not_where_it_has_ended_by_now(redis: Redis, queue: Queue) -> None:
    """Whoever puts it down may have stood still, or may ask again for want of a reply."""
    log, day = Log(redis), 24 * 3600 * 1000
    await submit(queue, "a")
    await log.open("a", ASKED)
    [claim] = await take(queue, "asks a", 1, 1)
    begun = await log.begin(claim)
    assert begun.position is not None
    frame, end = frames.encode_json("relay.approval", {}, begun.position)
    await log.append(claim, 0, frame)
    assert await queue.approvals.wait(claim, LIFE_MS, day)
    for key in (keys.meta("a"), keys.log("a")):
        assert await redis.pttl(key) > day
    frame, _ = frames.encode_json("relay.end", {}, end)
    await log.append(claim, end.offset, frame, {}, ending_life_ms=1000)
    assert not await queue.approvals.wait(claim, LIFE_MS, day)
    for key in (keys.meta("a"), keys.log("a")):
        assert await redis.pttl(key) <= 1000


async def test_a_node_that_is_away_keeps_no_other_from_being_found(redis: Redis) -> None:
    """Whose wake-up was lost has only this look."""
    async with scripted() as (cluster, client):
        there, away = cluster.nodes
        there.answer = lambda _: [b"waiting", None, b"1", None]
        found, lost = (cluster.of(node)[0][len("ks:{") : -len("}:meta")] for node in (there, away))
        await redis.zadd(keys.APPROVALS, dict.fromkeys((lost, found), 9e15))
        await redis.expire(keys.APPROVALS, 60)
        asked = Approvals(redis, client)
        await away.stop()
        assert (await asked.look()).answered == [found]
        with pytest.raises(NO_ANSWER):
            await asked.is_answered(lost)
