"""The store of conversations: histories that change only with the event that tells it, and answers that come once."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from app.stream import frames, keys
from app.stream.conversations import store as module
from app.stream.conversations import turns
from app.stream.conversations.conversation import Change, Changed, new_conversation_id
from app.stream.conversations.store import Conversations
from app.stream.endings import Outcome, end_data
from app.stream.log import Log, State
from tests.app.stream.conversations.written import LIFE_MS, OWNER, STREAM, ask, events_of, made, names, read


async def test_a_conversation_begins_with_what_it_is_called(store: Conversations, redis: Redis) -> None:
    conversation_id = await made(store, title="Rivers", model="m")
    found = await read(store, conversation_id)
    assert (found.owner, found.text("title"), found.stream_id, found.deleted) == (OWNER, "Rivers", None, False)
    assert found.number("created_at") == found.number("updated_at")
    told = {"title": "Rivers", "system": None, "model": "m"}
    assert events_of(await redis.get(keys.log(conversation_id))) == [("conversation.updated", told)]


async def test_its_log_reads_like_a_streams(store: Conversations, redis: Redis) -> None:
    conversation_id = await made(store)
    found = await read(store, conversation_id)
    log = await Log(redis).read(conversation_id, None)
    assert (log.state, log.owner, log.whole()) == (State.RUNNING, OWNER, await redis.get(keys.log(conversation_id)))
    assert frames.follow(log.data, *frames.origin(conversation_id)) == tuple(found.position)


async def test_of_two_that_decide_on_the_same_reading_one_is_told_to_read_again(store: Conversations) -> None:
    found = await read(store, await made(store))
    assert await store.change(found, ask(found, "a")) is Changed.OK
    assert await store.change(found, ask(found, "b")) is Changed.MOVED
    assert [m["id"] for m in (await read(store, found.id)).messages] == ["msg_a"]


async def test_of_many_that_ask_at_once_each_is_told_of_in_its_order(store: Conversations, redis: Redis) -> None:
    conversation_id = await made(store)

    async def until_done(n: int) -> None:
        while True:
            found = await read(store, conversation_id)
            if await store.change(found, ask(found, str(n))) is Changed.OK:
                return

    await asyncio.gather(*(until_done(n) for n in range(8)))
    found = await read(store, conversation_id)
    told = [
        e["message"]["id"]
        for name, e in events_of(await redis.get(keys.log(conversation_id)))
        if name == "message.added"
    ]
    assert told == [m["id"] for m in found.messages]
    assert sorted(told) == [f"msg_{n}" for n in range(8)]


async def test_what_follows_a_message_can_be_taken_back(store: Conversations) -> None:
    conversation_id = await made(store)
    for text in "abc":
        found = await read(store, conversation_id)
        await store.change(found, ask(found, text))
    for keep in (2, 0):
        found = await read(store, conversation_id)
        after = found.messages[keep - 1]["id"] if keep else None
        assert await store.change(found, Change([turns.removed(after)], keep=keep)) is Changed.OK
        assert [m["id"] for m in (await read(store, conversation_id)).messages] == ["msg_a", "msg_b"][:keep]


async def test_a_deleted_conversation_ends_its_log_and_takes_nothing_more(store: Conversations, redis: Redis) -> None:
    found = await read(store, await made(store))
    await store.enlist(OWNER, found.id, 10, LIFE_MS)
    await store.change(found, ask(found, "a"))
    stale = found = await read(store, found.id)
    assert await store.delete(found) is Changed.OK
    assert (await names(redis, found.id))[-2:] == ["conversation.deleted", "relay.end"]
    assert (await Log(redis).read(found.id, None)).complete
    found = await read(store, found.id)
    assert (found.deleted, found.messages) == (True, ())
    assert await store.change(stale, ask(stale, "b")) is Changed.GONE
    await store.add_answer(STREAM, found.id)
    assert await store.page(OWNER, None, 10) == ([], False)
    await redis.delete(keys.meta(found.id), keys.log(found.id))
    assert (await Log(redis).read(found.id, None)).state is State.GONE


async def test_a_log_that_is_full_starts_over_and_its_old_ids_are_refused(
    store: Conversations, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENTS_BYTES", 1000)
    found = await read(store, await made(store))
    old, lengths = [], [0]
    for n in range(20):
        found = await read(store, found.id)
        old.append(found.position)
        assert await store.change(found, ask(found, f"{n:02d}")) is Changed.OK
        lengths.append(await redis.strlen(keys.log(found.id)))
    assert max(lengths) < 3000
    assert sorted(lengths) != lengths
    log = Log(redis)
    first = await log.read(found.id, None)
    assert frames.follow(first.data, *(first.start or (0, 0)))
    assert {name for name, _ in events_of(first.data)} == {"message.added", "stream.started"}
    assert not (await log.read(found.id, old[1])).proven
    assert (await log.read(found.id, old[-1])).proven
    assert len((await read(store, found.id)).messages) == 20


async def test_a_large_message_is_not_in_the_event(store: Conversations, redis: Redis) -> None:
    found = await read(store, await made(store))
    await store.change(found, ask(found, "x" * 50_000))
    assert await redis.strlen(keys.log(found.id)) < 60_000
    assert events_of(await redis.get(keys.log(found.id)))[1][1]["message"]["content"] is None
    assert (await read(store, found.id)).messages[0]["content"][0]["text"] == "x" * 50_000


async def test_the_last_used_is_listed_first_and_page_by_page(store: Conversations) -> None:
    ids = []
    for _ in range(5):
        ids.append(await made(store))
        assert await store.enlist(OWNER, ids[-1], 5, LIFE_MS)
        await asyncio.sleep(0.002)
    await store.used(await read(store, ids[0]))
    expected = [ids[0], *reversed(ids[1:])]
    seen: list[str] = []
    more = True
    while more:
        page = await store.page(OWNER, seen[-1] if seen else None, 2)
        assert page is not None
        found, more = page
        seen += [one.id for one in found]
    assert seen == expected
    assert await store.page(OWNER, new_conversation_id(), 2) is None
    assert await store.page("you", None, 2) == ([], False)


async def test_a_place_stands_though_what_stood_there_is_used_or_deleted(store: Conversations, redis: Redis) -> None:
    key = keys.conversations(OWNER)
    await redis.zadd(key, {f"cv_{n}": 100 + n // 3 for n in range(9)})  # three of each millisecond
    await redis.pexpire(key, LIFE_MS)
    place, seen = await store.place(OWNER, None), list[str]()
    while place is not None and (found := await store.behind(OWNER, place, 2)):
        seen += [one for _, one in found]
        place = found[-1]
        await (redis.zadd(key, {seen[-1]: 200}) if len(seen) % 4 else redis.zrem(key, seen[-1]))
    assert seen == [f"cv_{n}" for n in reversed(range(9))]
    assert await store.place(OWNER, "cv_nobody") is None


async def test_an_owner_keeps_so_many_and_no_more(store: Conversations) -> None:
    ids = [await made(store) for _ in range(3)]
    assert [await store.enlist(OWNER, one, 2, LIFE_MS) for one in (*ids, ids[0])] == [True, True, False, True]


async def test_one_that_has_gone_by_itself_leaves_the_list(store: Conversations, redis: Redis) -> None:
    ids = [await made(store) for _ in range(3)]
    for one in ids:
        await store.enlist(OWNER, one, 9, LIFE_MS)
        await asyncio.sleep(0.002)
    await redis.delete(keys.meta(ids[1]))
    page = await store.page(OWNER, None, 2)
    assert page is not None
    assert [one.id for one in page[0]] == [ids[2], ids[0]]
    assert await redis.zcard(keys.conversations(OWNER)) == 2


async def test_a_log_that_redis_lost_begins_again(store: Conversations, redis: Redis) -> None:
    found = await read(store, await made(store))
    await redis.delete(keys.log(found.id))
    found = await read(store, found.id)
    assert await store.change(found, ask(found, "a")) is Changed.OK
    assert await names(redis, found.id) == ["message.added", "stream.started"]


def test_the_ending_of_a_deleted_one_has_the_shape_of_all() -> None:
    assert set(turns.deleted()[-1][1]) == set(end_data(Outcome.CANCELLED, attempts=0))


async def test_of_a_frame_that_is_larger_than_one_read_nothing_is_whole(store: Conversations, redis: Redis) -> None:
    read = await Log(redis).read(await made(store), None, 30)
    assert (len(read.data), read.whole()) == (30, b"")
