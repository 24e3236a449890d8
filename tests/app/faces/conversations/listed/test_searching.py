"""One call looks at a part, and who goes on has seen all: nobody else's, and nothing twice."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from redis.asyncio import Redis

from app.faces.conversations.listed import searching
from app.faces.conversations.saying import Conversing
from app.stream import keys
from app.stream.conversations.turns import user_message
from tests.app.faces.conversations.test_saying import OWNER, conversing

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


async def test_a_deleted_one_is_not_found(redis: Redis) -> None:
    front = conversing(redis)
    gone, kept = await made(front, OWNER, "moon"), await made(front, OWNER, "moon")
    await front.delete(OWNER, gone)
    assert await all_of(front, "moon") == ([kept], 1)
