"""An opinion stands on the outbox once, and where the answer is read; the newest wins in whatever order copies come."""

from __future__ import annotations

from itertools import permutations

import orjson
import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.conversations.store import Conversations
from app.stream.log import Log
from app.stream.opinions.opinions import TIMES_MAX, Opinion, Opinions, Rated, Said, told
from tests.app.stream.conversations.written import LIFE_MS, made

STREAM = "st_" + 32 * "a"
MESSAGE = "msg_" + 32 * "a"
ANSWER = Rated(STREAM, "me", "claude-x", "progressive")
UP, DOWN, WHY = Opinion(1), Opinion(-1), Opinion(-1, "too long")


@pytest.fixture
def opinions(redis: Redis) -> Opinions:
    return Opinions(redis)


async def outbox(redis: Redis) -> list[dict[str, str]]:
    return [{k.decode(): v.decode() for k, v in entry.items()} for _, entry in await redis.xrange(keys.OUTBOX)]


async def test_each_word_is_one_entry_and_a_changed_one_says_so(redis: Redis, opinions: Opinions) -> None:
    said = [await opinions.say(ANSWER, one, f"{n}") for n, one in enumerate((UP, UP, DOWN, WHY, WHY))]
    assert [what for what, _ in said] == [Said.NEW, Said.SAME, Said.CHANGED, Said.NOTED, Said.SAME]
    numbers = [number for _, number in said]
    assert numbers[0] == numbers[1] < numbers[2] < numbers[3] == numbers[4]
    whose = {"kind": "feedback", "id": STREAM, "owner": "me", "model": "claude-x", "delivery": "progressive"}
    entries = await outbox(redis)
    assert all(entry.pop("at").isdecimal() for entry in entries)
    assert entries == [
        {**whose, "rating": "1"},
        {**whose, "rating": "-1", "before": "1"},
        {**whose, "rating": "-1", "note": "too long", "before": "-1"},
    ]
    assert await redis.ttl(keys.rated(STREAM)) > 0


async def test_who_did_not_hear_the_reply_asks_again_and_is_told_the_same(redis: Redis, opinions: Opinions) -> None:
    first = await opinions.say(ANSWER, UP, "ab")
    assert await opinions.say(ANSWER, UP, "ab") == first
    changed = await opinions.say(ANSWER, DOWN, "cd")
    assert changed[0] is Said.CHANGED
    assert await opinions.say(ANSWER, DOWN, "cd") == changed
    assert len(await outbox(redis)) == 2


async def test_nobody_fills_everybody_s_outbox(redis: Redis, opinions: Opinions) -> None:
    said = [(await opinions.say(ANSWER, (UP, DOWN)[n % 2], f"{n:x}"))[0] for n in range(TIMES_MAX + 2)]
    assert (said[TIMES_MAX - 1], said[TIMES_MAX:]) == (Said.CHANGED, [Said.OFTEN, Said.SAME])
    assert len(await outbox(redis)) == TIMES_MAX


async def test_the_newest_copy_wins_in_whatever_order_they_come(redis: Redis, opinions: Opinions) -> None:
    store = Conversations(redis, Log(redis))
    for order in permutations([(1, UP), (2, DOWN), (3, WHY)]):
        cv = await made(store)
        stream = f"st_{'a' * 31}{len(order)}"
        await redis.hset(keys.meta(stream), mapping={"state": "ended"})  # type: ignore[misc]  # redis-py's types mix both clients
        await redis.expire(keys.meta(stream), 60)
        for number, one in order:
            await opinions.copy(Rated(stream, "me", "m", "final", cv), MESSAGE, one, number)
        kept = await redis.hget(keys.meta(stream), "feedback")  # type: ignore[misc]
        assert orjson.dumps(told(kept)) == b'{"rating":-1,"note":"too long"}'
        assert (await redis.hgetall(keys.opinions(cv)))[MESSAGE.encode()] == kept  # type: ignore[misc]
        await redis.delete(keys.meta(stream))


async def test_what_is_gone_is_not_made_again(redis: Redis, opinions: Opinions) -> None:
    await opinions.copy(Rated(STREAM, "me", "m", "final", "cv_" + 32 * "b"), MESSAGE, UP, 1)
    assert await redis.keys("*") == []


async def test_a_conversation_s_opinions_live_and_go_with_it(redis: Redis, opinions: Opinions) -> None:
    store = Conversations(redis, Log(redis))
    cv = await made(store)
    await opinions.copy(Rated(STREAM, "me", "m", "final", cv), MESSAGE, UP, 1)
    assert 0 < await redis.pttl(keys.opinions(cv)) <= LIFE_MS
    found = await store.read(cv)
    assert found is not None
    await store.delete(found)
    assert not await redis.exists(keys.opinions(cv))


async def test_they_take_no_more_room_than_they_may(
    redis: Redis, opinions: Opinions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.stream.opinions.opinions.CONVERSATION_BYTES", 100)
    monkeypatch.setattr("app.stream.opinions.opinions.THUMBS_BYTES", 40)
    cv = await made(Conversations(redis, Log(redis)))
    for n in range(10):
        await opinions.copy(Rated(STREAM, "me", "m", "final", cv), f"msg_{n}", WHY, 1)
    kept = await redis.hgetall(keys.opinions(cv))  # type: ignore[misc]
    # Where there is no room for the words the thumb is shown all the same.
    assert [len(one) for one in kept.values()] == 3 * [33] + 2 * [15]
    assert orjson.loads(orjson.dumps(told(kept[b"msg_4"]))) == {"rating": -1}
