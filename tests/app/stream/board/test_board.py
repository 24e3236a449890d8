"""What processes leave of themselves, and what is read of it: by fronts, at one moment."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.accounts import Bill
from app.stream.board.board import FORGET_MS, STEP_SECONDS, STEPS_KEPT, Board, Look
from app.stream.ledger.by_day import Usage, total
from app.stream.queue import Queue
from app.stream.scripts import source
from tests.app.stream.queue.line import LEASE_MS, everything, let_expire, park, submit, take

WORKER = {"kind": "worker", "capacity": 50}
FRONT = {"kind": "front", "readers": 7}


@pytest.fixture
def board(redis: Redis) -> Board:
    return Board(redis)


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return Queue(redis)


@pytest.fixture
async def heard(redis: Redis) -> AsyncIterator[None]:
    """`one` listens, as a process does that lives."""
    async with redis.pubsub() as listening:
        await listening.subscribe(keys.accord("one"))
        assert (await listening.get_message(timeout=5)) is not None
        yield


def counts(look: Look) -> dict[str, int]:
    """Of all steps together, but for how things stood."""
    found: dict[str, int] = {}
    for step in look.steps.values():
        for field, count in step.items():
            if field not in ("waiting", "running", "readers"):
                found[field] = found.get(field, 0) + count
    return found


async def test_what_was_left_is_read(board: Board, heard: None) -> None:  # noqa: ARG001
    await board.leave("one", WORKER, 0, {})
    await board.leave("two", FRONT, 1, {"retries": 2}, [{"kind": "joined", "name": "two", "count": 0}])
    look = await board.look()
    processes = {left.name: left for left in look.processes}
    assert {name: (left.numbers, left.heard, left.held) for name, left in processes.items()} == {
        "one": (WORKER, True, 0),
        "two": (FRONT, False, 0),
    }
    assert all(0 <= left.age < 60 for left in look.processes)
    assert counts(look) == {"retries": 2}
    assert [(one["kind"], one["name"]) for one in look.seen] == [("joined", "two")]
    assert look.now - 60 < look.seen[0]["at"] <= look.now
    assert (look.waiting, look.oldest_seconds, look.held, look.unrenewed) == (0, 0.0, 0, 0)


async def test_what_comes_twice_under_one_number_counts_once(board: Board) -> None:
    """Its reply was lost, or redis-py sent it again."""
    seen = [{"kind": "draining", "name": "one", "count": 3}]
    for _ in range(3):
        await board.leave("one", WORKER, 1, {"retries": 2}, seen)
    await board.leave("one", WORKER, 1, {})
    assert counts(await board.look()) == {"retries": 2}
    await board.leave("one", WORKER, 2, {"retries": 1, "first:9": 4}, seen)
    await board.leave("other", WORKER, 1, {"retries": 10})
    look = await board.look()
    assert counts(look) == {"retries": 13, "first:9": 4}
    assert [one["kind"] for one in look.seen] == ["draining"] * 2


async def test_who_holds_what_is_what_the_leases_say(redis: Redis, board: Board, queue: Queue) -> None:
    await submit(queue, "a", "b", "c", "d")
    await take(queue, "one", slots=2)
    await take(queue, "two", slots=1)
    for name in ("one", "two", "three"):
        await board.leave(name, WORKER, 0, {})
    look = await board.look()
    assert {left.name: left.held for left in look.processes} == {"one": 2, "two": 1, "three": 0}
    assert (look.held, look.unrenewed, look.waiting) == (3, 0, 1)
    assert 0 <= look.oldest_seconds < 60
    await redis.hset(keys.CLAIMS, "gone", "1|7|7|two/1")  # it stands in the line again
    assert (await board.look()).held == 3
    await redis.hdel(keys.CLAIMS, "gone")
    await let_expire(redis, "a")
    look = await board.look()
    assert (look.held, look.unrenewed) == (2, 1)
    await let_expire(redis, "b", "c")
    look = await board.look()
    assert ({left.held for left in look.processes}, look.held, look.unrenewed) == ({0}, 0, 3)


async def test_workers_of_another_version_hold_streams_and_fronts_do_not(
    redis: Redis, board: Board, queue: Queue
) -> None:
    await submit(queue, "a", "b", "c")
    await take(queue, "other", slots=1)
    await queue.renew("other", [], LEASE_MS)
    await take(queue, "front-a.1", slots=1)  # it is about to end it
    look = await board.look()
    assert (look.processes, look.held, look.unrenewed, look.waiting) == ([], 1, 0, 1)
    assert await redis.zcard(keys.LEASES) == 2


async def test_who_comes_first_in_a_step_notes_how_things_stand(
    redis: Redis,
    board: Board,
    queue: Queue,
    heard: None,  # noqa: ARG001
) -> None:
    await submit(queue, "a", "b", "c")
    await take(queue, "one", slots=1)
    await take(queue, "dead", slots=1)
    before = {**WORKER, "readers": 3}
    await redis.hset(keys.PROCESSES, "dead", f"{2**41} 0 {{}}")  # nobody listens there
    await board.leave("one", before, 0, {})
    [noted] = (await board.look()).steps.values()
    assert noted == {"waiting": 1, "running": 1, "readers": 3}
    await take(queue, "one", number=2, slots=1)
    await board.leave("one", before, 0, {})
    look = await board.look()
    assert look.steps[min(look.steps)] == noted


async def test_who_says_nothing_for_long_is_forgotten(redis: Redis, board: Board) -> None:
    await board.leave("one", WORKER, 0, {})
    now = int((await board.look()).now * 1000)
    await redis.hset(
        keys.PROCESSES, mapping={"old": f"{now - FORGET_MS - 60_000} 9 {{}}", "late": f"{now - 60_000} 9 {{}}"}
    )
    for step in await redis.keys(keys.STEPS + "*"):
        await redis.delete(step)  # a new one begins
    await board.leave("two", WORKER, 0, {})
    assert {left.name for left in (await board.look()).processes} == {"one", "two", "late"}


async def test_who_was_dead_is_not_alive_when_the_clock_is_set_back(redis: Redis, board: Board) -> None:
    """What was said before that lies in what is to come."""
    await board.leave("one", WORKER, 1, {"retries": 2})
    now = int((await board.look()).now * 1000)
    await redis.hset(keys.PROCESSES, mapping={"dead": f"{now + 90_000} 7 {{}}", "late": f"{now - 60_000} 9 {{}}"})
    ages = {left.name: left.age for left in (await board.look()).processes}
    assert ages["one"] < 30 < ages["dead"]  # nobody has said anything since
    await redis.hset(keys.PROCESSES, "one", f"{now + 120_000} 1 {orjson.dumps(WORKER).decode()}")
    assert now / 1000 <= await board.leave("one", WORKER, 1, {"retries": 2}) < now / 1000 + 60
    look = await board.look()
    ages = {left.name: left.age for left in look.processes}
    assert ages["one"] < 30 < ages["late"]
    assert 3 <= ages["dead"] < 33  # no sign of life, and from here on he grows old like any other
    assert counts(look) == {"retries": 2}


async def test_what_was_seen_is_bounded(redis: Redis, board: Board) -> None:
    for number in range(1, 4):
        seen = [{"kind": "worker_gone", "name": f"w{number}-{n}", "count": n} for n in range(keys.SEEN_LENGTH - 10)]
        await board.leave("one", WORKER, number, {}, seen)
    look = await board.look()
    assert len(look.seen) == keys.SEEN_LENGTH
    assert look.seen[0]["name"] == f"w3-{keys.SEEN_LENGTH - 11}"
    assert 0 < await redis.ttl(keys.SEEN) <= 960


async def test_only_the_steps_that_are_asked_for_are_read(redis: Redis, board: Board) -> None:
    await board.leave("one", WORKER, 0, {})
    step = (await board.look()).step
    for number in (step - STEPS_KEPT - 1, step - STEPS_KEPT, step - 2, step - 1):
        await redis.hset(f"{keys.STEPS}{number}", "retries", number)
        await redis.expire(f"{keys.STEPS}{number}", 600)
    assert {step - STEPS_KEPT, step - 2, step - 1} <= set((await board.look()).steps) - {step - STEPS_KEPT - 1}
    assert step - 2 not in (await board.look(step - 1)).steps
    assert step - 1 in (await board.look(step - 1)).steps
    assert (await board.look(2**40)).steps == {}


async def test_what_ends_is_counted_once_and_what_it_cost_as_in_usage(redis: Redis, board: Board, queue: Queue) -> None:
    await submit(queue, "a", "b", "c", "d")
    claims = await take(queue, slots=4)
    bills = [
        Bill(7_000_000_001, 0, 1, 10, 20, saved_nano=5, model="m", owner="a/u"),
        Bill(3, 0, 2, 1, 4, model="n", owner="b"),
    ]
    for claim, bill in zip(claims, [*bills, None, None], strict=True):
        entry = {"id": claim.stream_id, "outcome": "failed" if claim == claims[2] else "completed"}
        told = None if claim == claims[3] else entry  # nobody was told of that one
        assert await queue.done(claim, told, bill)
        assert not await queue.done(claim, told, bill)
    look = await board.look()
    assert counts(look) == {"ended:completed": 2, "ended:failed": 1}
    usage = Usage(redis)
    today = (await usage.now()).date()
    sums = total([*await usage.rows("a", [today]), *await usage.rows("b", [today])])
    assert (look.nano, look.saved_nano) == (sums.nano, sums.saved_nano) == (7_000_000_004, 5)


async def test_models_whose_calls_are_held_back(redis: Redis, board: Board, queue: Queue) -> None:
    assert await board.held([]) == []
    await submit(queue, "a")
    await park(queue, "a")
    await redis.set(keys.HELD, "1", ex=60)
    look = await board.look()
    assert await board.held([*look.gates, "other"]) == ["m"]


async def test_looking_changes_nothing(redis: Redis, board: Board, queue: Queue) -> None:
    await submit(queue, "a", "b")
    await take(queue, "one")
    await board.leave("one", WORKER, 1, {"retries": 1})
    before = await everything(redis)
    await board.look()
    assert await everything(redis) == before


def test_a_step_is_as_long_as_the_scripts_have_it() -> None:
    text = source("board/step")
    assert f"local STEP_SECONDS = {STEP_SECONDS}\n" in text
    assert f"local STEP_LIFE = {FORGET_MS // 1000}\n" in text
    assert STEPS_KEPT * STEP_SECONDS < FORGET_MS / 1000
