"""A job of a newer version is left for a newer worker: never lost, never in the way, never looked at all the time."""

from __future__ import annotations

import orjson
import pytest
from arq.jobs import deserialize_job
from redis.asyncio import Redis

from app.stream import keys
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.upgrades.jobs import FUNCTION, job
from tests.app.stream.queue.line import LEASE_MS, LIFE_MS, ask, cancel, in_line, leased, let_expire, submit, take
from tests.patience import PATIENCE

NEWER = 2


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return Queue(redis)


async def come(queue: Queue, *stream_ids: str, version: int = NEWER) -> None:
    for stream_id in stream_ids:
        await queue.submit(stream_id, limit=1000, life_ms=LIFE_MS, version=version)


async def taken(queue: Queue, number: int, version: int = 1, slots: int = 10, by: str = "one") -> list[str]:
    claims = await queue.claim(by, number, slots=slots, lease_ms=LEASE_MS, version=version)
    return [claim.stream_id for claim in claims]


async def version_of(redis: Redis, stream_id: str) -> object:
    return orjson.loads(await redis.get(keys.arq_job(stream_id)) or b"{}").get("v")


def test_a_job_is_one_that_arq_can_run_and_says_its_version() -> None:
    found = deserialize_job(job(7), deserializer=orjson.loads)
    assert (found.function, found.args, found.kwargs) == (FUNCTION, [], {})
    assert orjson.loads(job(7))["v"] == 7


async def test_it_is_put_by_for_one_that_knows_it(redis: Redis, queue: Queue) -> None:
    await come(queue, "new", "newer", version=NEWER)
    await submit(queue, "old")
    assert await taken(queue, 1) == ["old"]
    assert await queue.put_by.count() == 2
    assert [await queue.put_by.has(one) for one in ("new", "newer", "old")] == [True, True, False]
    assert await taken(queue, 1, NEWER, by="two") == ["new", "newer"]
    assert await queue.put_by.count() == 0
    assert await in_line(redis) == []
    assert await leased(redis) == {"new", "newer", "old"}


async def test_it_waits_as_everybody_does_meanwhile(redis: Redis, queue: Queue) -> None:
    """It is counted, has a place, and is overdue when its time is up."""
    await come(queue, "new")
    await submit(queue, "old")
    assert await taken(queue, 1, slots=0) == []
    assert await taken(queue, 1, slots=1) == ["old"]
    await submit(queue, "later")
    assert await queue.waiting() == 2
    assert await queue.positions(["later", "new"]) == [1, 2]
    assert await queue.overdue(0, 10) == ["new", "later"]
    assert await redis.exists(keys.arq_job("new"))


async def test_it_is_met_once(redis: Redis, queue: Queue) -> None:
    """Whoever looks again has nothing to do with it, and wakes nobody for it."""
    await come(queue, "new")
    async with redis.pubsub() as channel:
        await channel.subscribe(keys.WAKE)
        await channel.get_message(timeout=PATIENCE)
        for number in range(3):
            assert await taken(queue, number) == []
        await redis.publish(keys.WAKE, "last")
        heard = []
        while (message := await channel.get_message(timeout=PATIENCE)) is not None:
            heard.append(message["data"])
            if message["data"] == b"last":
                break
    assert heard == [b"1", b"last"]  # one that knows it may be idle
    assert await taken(queue, 9, NEWER, by="two") == ["new"]


async def test_it_makes_no_line_that_is_not_empty(redis: Redis, queue: Queue) -> None:
    """Whoever comes next wakes those who know what it asks for, as the first of a line does."""
    await come(queue, "new")
    assert await taken(queue, 1) == []
    async with redis.pubsub() as channel:
        await channel.subscribe(keys.WAKE)
        await channel.get_message(timeout=PATIENCE)
        await submit(queue, "old")
        heard = await channel.get_message(timeout=PATIENCE)
    assert (heard or {})["data"] == b"1"


async def test_who_was_put_by_goes_before_those_who_came_later_and_no_more_are_taken_than_fit(queue: Queue) -> None:
    await come(queue, "a", "b", "c")
    assert await taken(queue, 1) == []
    await submit(queue, "later")
    assert await taken(queue, 1, NEWER, slots=2, by="two") == ["a", "b"]
    assert await taken(queue, 2, NEWER, slots=2, by="two") == ["c", "later"]


async def test_of_several_versions_each_is_left_for_its_own(queue: Queue) -> None:
    await come(queue, "third", version=3)
    await come(queue, "second", version=2)
    assert await taken(queue, 1) == []
    assert await taken(queue, 1, 2, by="two") == ["second"]
    assert await queue.put_by.has("third")
    assert await taken(queue, 1, 3, by="three") == ["third"]


async def test_the_claims_that_were_counted_stay_so(redis: Redis, queue: Queue) -> None:
    """One that has killed newer workers goes to the next one as such, and not as one that nobody had."""
    await come(queue, "new")
    [claim] = await queue.claim("two", 1, slots=1, lease_ms=LEASE_MS, version=NEWER)
    assert claim.times == 1
    await let_expire(redis, "new")
    assert await taken(queue, 1) == []
    [again] = await queue.claim("two", 2, slots=1, lease_ms=LEASE_MS, version=NEWER)
    assert (again.stream_id, again.times) == ("new", 2)
    assert not await queue.done(claim)
    assert await queue.done(again)


async def test_whoever_ends_it_takes_it_whatever_it_needs(redis: Redis, queue: Queue) -> None:
    await come(queue, "waits", "put_by")
    [before] = await queue.claim("front", 1, slots=1, lease_ms=LEASE_MS, stream_id="waits")
    assert await queue.done(before)
    assert await taken(queue, 1) == []
    await cancel(queue, "put_by")
    assert await queue.put_by.count() == 0
    assert await in_line(redis) == []
    assert await taken(queue, 1, NEWER, by="two") == []


async def test_at_a_gate_it_waits_for_a_worker_of_its_own_as_well(redis: Redis, queue: Queue) -> None:
    """Also where its turn there never comes."""
    await come(queue, "turn", "late")
    for claim in await queue.claim("two", 1, slots=2, lease_ms=LEASE_MS, version=NEWER):
        assert await queue.park(claim, "m", LIFE_MS if claim.stream_id == "turn" else 0)
    assert (await ask(redis, waiting=0, room=1)).line == 1
    assert await taken(queue, 1) == []
    assert await queue.put_by.count() == 2
    assert set(await taken(queue, 2, NEWER, by="two")) == {"turn", "late"}


async def test_many_that_nobody_knows_hold_up_nobody_for_long(queue: Queue) -> None:
    await come(queue, *(f"new:{n}" for n in range(100)))
    await come(queue, "old", version=1)
    assert await taken(queue, 1) == ["old"]


async def test_a_worker_that_finds_it_out_later_puts_it_by(redis: Redis, queue: Queue) -> None:
    await submit(queue, "a")
    [claim] = await take(queue)
    life = await redis.pttl(keys.arq_job("a"))
    assert await queue.put_by.leave(claim, NEWER, LIFE_MS)
    assert await version_of(redis, "a") == NEWER
    assert 0 < await redis.pttl(keys.arq_job("a")) <= life
    assert not await queue.put_by.leave(claim, NEWER, LIFE_MS)  # it was, and the reply was lost
    assert await taken(queue, 2) == []
    [newer] = await queue.claim("two", 1, slots=1, lease_ms=LEASE_MS, version=NEWER)
    assert (newer.stream_id, newer.times) == ("a", 1)
    assert not await queue.put_by.leave(Claim("never", 1, "x/1"), NEWER, LIFE_MS)


async def test_what_is_no_job_holds_up_nobody(redis: Redis, queue: Queue) -> None:
    """Who claims it finds that out, and ends the stream; whoever finds its meta to be newer writes one."""
    await come(queue, "odd", "a", version=1)
    await redis.delete(keys.arq_job("odd"))
    await redis.rpush(keys.arq_job("odd"), "x")
    await redis.pexpire(keys.arq_job("odd"), LIFE_MS)
    odd, _ = await take(queue, slots=2)
    assert await queue.put_by.leave(odd, NEWER, LIFE_MS)
    assert await version_of(redis, "odd") == NEWER


@pytest.mark.parametrize("lost", [True, False])
async def test_a_job_that_is_lost_is_written_anew_and_what_a_later_version_put_into_it_stays(
    redis: Redis, queue: Queue, *, lost: bool
) -> None:
    await come(queue, "a", version=1)
    [claim] = await take(queue)
    if lost:
        await redis.delete(keys.arq_job("a"))
    else:
        later = orjson.dumps({**orjson.loads(job(2)), "dances": {"v": 1}})
        await redis.set(keys.arq_job("a"), later, px=LIFE_MS)
    assert await queue.put_by.leave(claim, 3, LIFE_MS)
    assert await version_of(redis, "a") == 3
    assert await redis.pttl(keys.arq_job("a")) > LIFE_MS / 2
    if not lost:
        assert orjson.loads(await redis.get(keys.arq_job("a")) or b"")["dances"] == {"v": 1}
    assert await taken(queue, 2, 2, by="two") == []
    assert await taken(queue, 2, 3, by="three") == ["a"]


async def test_a_job_of_before_there_were_versions_is_of_the_first(redis: Redis, queue: Queue) -> None:
    await come(queue, "a", version=1)
    old = b"{" + job(1).partition(b",")[2]
    await redis.set(keys.arq_job("a"), old, px=LIFE_MS)
    [claim] = await take(queue)
    assert await queue.put_by.leave(claim, NEWER, LIFE_MS)
    found = deserialize_job(await redis.get(keys.arq_job("a")), deserializer=orjson.loads)
    assert found.function == FUNCTION
    assert await version_of(redis, "a") == NEWER
