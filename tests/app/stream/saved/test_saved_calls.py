"""Kept answers: given to the same request, for their time, within their bound; and who is asked in their place."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.queue import Queue
from app.stream.saved.saved_calls import Kept, Running, Saved, Wanted, digest_of_call, wanted_of
from tests.app.stream.queue.line import LIFE_MS, let_expire, submit, take

A, B, C = (Wanted(letter * 64, 60) for letter in "abc")
FRAMES = b"event: message_stop\ndata: {}\n\n"


def saved(redis: Redis, most_bytes: int = 1000) -> Saved:
    return Saved(redis, most_bytes, LIFE_MS)


async def running(redis: Redis, stream_id: str = "s") -> None:
    """The stream has a worker."""
    await submit(Queue(redis), stream_id)
    assert await take(Queue(redis), stream_id)


async def test_an_answer_is_given_to_who_asks_the_same_and_to_nobody_else(redis: Redis) -> None:
    assert await saved(redis).keep(A, "s", FRAMES)
    assert await saved(redis).ask(A, "t") == Kept("s", FRAMES)
    assert await saved(redis).ask(B, "t") is None


async def test_an_answer_lives_as_long_as_was_asked_and_is_not_given_to_who_wants_none_so_old(redis: Redis) -> None:
    await saved(redis).keep(A, "s", FRAMES)
    assert 0 < await redis.pttl(keys.saved(A.digest)) <= 60_000
    await redis.hincrby(keys.saved(A.digest), "at", -30_000)  # type: ignore[misc]  # redis-py's types mix both clients
    assert await saved(redis).ask(Wanted(A.digest, 29), "t") is None
    assert await saved(redis).ask(Wanted(A.digest, 31), "t") == Kept("s", FRAMES)


async def test_who_only_looks_is_handed_nothing_and_changes_nothing(redis: Redis) -> None:
    await saved(redis).keep(A, "s", FRAMES)
    assert await saved(redis).ask(A) == Kept("s", b"")
    assert await saved(redis).ask(B) is None
    assert await redis.exists(keys.running(B.digest)) == 0


async def test_all_of_them_are_bounded_and_the_one_not_used_for_longest_makes_room(redis: Redis) -> None:
    small = saved(redis, 2 * len(FRAMES))
    for number, one in enumerate((A, B), 1):
        await small.keep(one, "s", FRAMES)
        await redis.zadd(keys.SAVED_USED, {one.digest: number})
    assert await small.ask(A, "t") == Kept("s", FRAMES)
    await small.keep(C, "s", FRAMES)
    assert [await small.ask(one) is not None for one in (A, B, C)] == [True, False, True]
    assert await redis.hgetall(keys.SAVED_SIZES) == {  # type: ignore[misc]  # redis-py's types mix both clients
        b"all": b"%d" % (2 * len(FRAMES)),
        A.digest.encode(): b"%d" % len(FRAMES),
        C.digest.encode(): b"%d" % len(FRAMES),
    }


async def test_an_answer_that_is_larger_than_all_may_be_is_not_kept(redis: Redis) -> None:
    small = saved(redis, len(FRAMES) - 1)
    assert not await small.keep(A, "s", FRAMES)
    assert await redis.keys("ks:{queue}:saved*") == []


async def test_what_is_kept_again_is_counted_once(redis: Redis) -> None:
    for _ in range(3):
        await saved(redis).keep(A, "s", FRAMES)
    assert int(await redis.hget(keys.SAVED_SIZES, "all")) == len(FRAMES)  # type: ignore[misc]  # redis-py's types mix both clients


async def test_what_has_ended_makes_room_before_anything_that_is_used(redis: Redis) -> None:
    small = saved(redis, 2 * len(FRAMES))
    for one in (A, B):
        await small.keep(one, "s", FRAMES)
    await redis.delete(keys.saved(B.digest))  # its time is over
    await redis.zadd(keys.SAVED_UNTIL, {B.digest: 1})
    await redis.zadd(keys.SAVED_USED, {A.digest: 1})  # used before
    await small.keep(C, "s", FRAMES)
    assert [await small.ask(one) is not None for one in (A, C)] == [True, True]


async def test_while_the_first_has_a_worker_the_second_is_named_it(redis: Redis) -> None:
    await running(redis)
    assert await saved(redis).ask(A, "s") is None
    assert await saved(redis).ask(A, "s") is None  # the reply was lost
    assert await saved(redis).ask(A, "t") == Running("s")
    assert await saved(redis).ask(A) == Running("s")
    assert await saved(redis).ask(B, "t") is None


async def test_one_that_has_ended_is_not_named_although_its_worker_has_it_still(redis: Redis) -> None:
    await running(redis)
    await saved(redis).ask(A, "s")
    assert await saved(redis).ask(A, "t", ended="s") is None
    assert await saved(redis).ask(A, "u") is None  # for `t` has no worker here


async def test_who_finds_it_without_a_worker_takes_its_place(redis: Redis) -> None:
    await running(redis)
    await running(redis, "t")
    await saved(redis).ask(A, "s")
    await let_expire(redis, "s")
    assert await saved(redis).ask(A, "t") is None
    assert await saved(redis).ask(A, "s") == Running("t")


def test_what_a_meta_says_of_it() -> None:
    assert wanted_of({name: value.encode() for name, value in A.fields.items()}) == A
    assert wanted_of({}) is None
    assert wanted_of({"cache": b"60"}) is None
    assert wanted_of({"cache": b"x", "cache_key": b"y"}) is None


@pytest.mark.parametrize(
    ("owner", "headers", "query"),
    [
        ("bob", {"anthropic-beta": "b"}, "q"),
        ("alice", {"anthropic-beta": "c"}, "q"),
        ("alice", {"anthropic-version": "b"}, "q"),
        ("alice", {}, "q"),
        ("alice", {"anthropic-beta": "b"}, ""),
    ],
)
def test_another_owner_header_or_query_is_another_request(owner: str, headers: dict[str, str], query: str) -> None:
    one = digest_of_call("body", "alice", {"anthropic-beta": "b"}, "q")
    assert digest_of_call("body", owner, headers, query) != one
    assert digest_of_call("else", "alice", {"anthropic-beta": "b"}, "q") != one
    assert digest_of_call("body", "alice", {"anthropic-beta": "b"}, "q") == one
