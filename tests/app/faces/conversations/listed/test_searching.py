"""One call looks at a part, and who goes on has seen all: nobody else's, and nothing twice."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from redis.asyncio import Redis

from app.faces.conversations.listed import searching
from app.faces.conversations.listed.matching import PART
from app.faces.conversations.saying import Conversing
from app.stream import keys
from app.stream.conversations.conversation import Conversation
from app.stream.conversations.turns import user_message
from app.stream.errors import BusyError
from tests.app.faces.conversations.test_saying import OWNER, conversing
from tests.patience import PATIENCE

_USED = count(1000, 1000)


async def made(front: Conversing, owner: str, text: str, **fields: Any) -> str:
    message = user_message("msg_1", [{"type": "text", "text": text}], 0)
    found = await front.create(owner, fields, (message,))
    # Two that were used in the same millisecond have no order.
    await front.store._redis.zincrby(keys.conversations(owner), next(_USED), found.id)
    return found.id


async def all_of(front: Conversing, query: str, limit: int = 100) -> tuple[list[str], int]:
    ids: list[str] = []
    before, calls = None, 0
    while True:
        found = await front.search(OWNER, query, before, limit)
        assert found is not None
        calls += 1
        ids += [one.id for one, _ in found.rows]
        before = found.last_id
        if not found.more:
            return ids, calls


async def test_it_finds_titles_and_texts_of_the_owner_alone_last_used_first(redis: Redis) -> None:
    front = conversing(redis)
    first = await made(front, OWNER, "the Moon")
    await made(front, "you", "the moon")
    second = await made(front, OWNER, "nothing", title="MOON")
    await made(front, OWNER, "the sun")
    assert await all_of(front, " moon ") == ([second, first], 1)
    found = await front.search(OWNER, "moon", None, 10)
    assert found is not None
    assert [match.message_id for _, match in found.rows] == [None, "msg_1"]
    assert await front.search(OWNER, "moon", "cv_nobody", 10) is None
    assert (await all_of(conversing(redis), "saturn")) == ([], 1)


@pytest.mark.parametrize(("name", "value"), [("SEARCH_BYTES", 100), ("SEARCH_SECONDS", 0.0), ("_LISTED", 2)])
async def test_one_call_looks_at_a_part_and_the_next_goes_on(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, name: str, value: float
) -> None:
    monkeypatch.setattr(searching, name, value)
    front = conversing(redis)
    ids = [await made(front, OWNER, f"moon {n}" if n % 2 else "sun") for n in range(6)]
    found, calls = await all_of(front, "moon")
    assert found == [ids[5], ids[3], ids[1]]
    assert calls == (1 if name == "_LISTED" else 6)


async def test_so_many_are_found_at_a_time(redis: Redis) -> None:
    front = conversing(redis)
    ids = [await made(front, OWNER, "moon") for _ in range(5)]
    assert await all_of(front, "moon", limit=2) == (ids[::-1], 3)
    assert await all_of(front, "moon", limit=5) == (ids[::-1], 1)


async def test_what_is_deleted_and_used_meanwhile_changes_nothing_of_the_rest(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "_LISTED", 2)
    front = conversing(redis)
    ids = [await made(front, OWNER, "moon") for _ in range(7)]
    look, at = front._look, iter([None, ids[5], ids[4]])  # the last of the first page goes, and the next one's is used

    async def looked(found: Conversation, *args: Any, **more: Any) -> Any:
        match = await look(found, *args, **more)
        if (one := next(at, None)) == ids[5]:
            await front.delete(OWNER, ids[5])
        elif one:
            await redis.zadd(keys.conversations(OWNER), {one: next(_USED) * 10**9})
        return match

    monkeypatch.setattr(front, "_look", looked)
    assert await all_of(front, "moon") == (ids[::-1], 1)


async def test_of_an_owner_one_search_is_under_way_and_nobody_else_waits_for_the_others(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "WAIT_SECONDS", 0.05)
    front, go_on, begun = conversing(redis), asyncio.Event(), list[str]()
    search = front._search

    async def held(owner: str, *args: Any) -> Any:
        begun.append(owner)
        if owner == OWNER:
            await go_on.wait()
        return await search(owner, *args)

    monkeypatch.setattr(front, "_search", held)
    one = asyncio.create_task(front.search(OWNER, "moon", None, 10))
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        more = (front.search(OWNER, "moon", None, 10) for _ in range(4))
        others = await asyncio.gather(*more, return_exceptions=True)
    assert [type(refused) for refused in others] == [BusyError] * 4
    assert await front.search("you", "moon", None, 10) is not None
    assert begun == [OWNER, "you"]
    go_on.set()
    assert await one is not None
    assert await front.search(OWNER, "moon", None, 10) is not None
    others.clear()
    gc.collect()
    assert not front._owners, "nothing is kept of who has searched"


@pytest.mark.parametrize("too_late", [False, True])
async def test_where_it_cannot_go_on_what_was_found_is_told(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, *, too_late: bool
) -> None:
    front = conversing(redis)
    ids = [await made(front, OWNER, "moon") for _ in range(3)]
    turns = count()

    @asynccontextmanager
    async def turn(_: int) -> AsyncIterator[None]:
        if next(turns) == 1:
            raise TimeoutError if too_late else BusyError("busy")
        yield

    monkeypatch.setattr(front.bulk, "turn", turn)
    assert await all_of(front, "moon") == (ids[::-1], 2)
    turns = count(1)
    with pytest.raises(TimeoutError if too_late else BusyError):  # who asks again would hear the same for ever
        await front.search(OWNER, "moon", None, 10)


async def test_what_is_too_much_for_one_call_is_begun_anew_by_the_next_and_then_passed_over(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "SEARCH_SECONDS", 0.0)
    front = conversing(redis)
    first = await made(front, OWNER, "moon")
    await made(front, OWNER, "x" * 3 * PART + "moon")
    assert await all_of(front, "moon") == ([first], 2)


async def test_a_deleted_one_is_not_found(redis: Redis) -> None:
    front = conversing(redis)
    gone, kept = await made(front, OWNER, "moon"), await made(front, OWNER, "moon")
    await front.delete(OWNER, gone)
    assert await all_of(front, "moon") == ([kept], 1)


@pytest.mark.parametrize("looks", [0, 1])
async def test_for_who_has_left_nothing_more_is_looked_at(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    """One asks anew with each letter that one types, and each waits for those before."""
    front = conversing(redis)
    for _ in range(3):
        await made(front, OWNER, "moon")
    looked: list[str] = []
    look = front._look

    async def counted(found: Conversation, *args: Any, alone: bool) -> Any:
        looked.append(found.id)
        return await look(found, *args, alone=alone)

    monkeypatch.setattr(front, "_look", counted)
    await front.search(OWNER, "moon", None, 10, lambda: len(looked) >= looks)
    assert len(looked) == looks
