"""Which stream a chat shows: the last that took it, whoever asks at once."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from app.stream import keys
from app.stream.conversations.chats import Chat, Chats

LIFE_MS = 60_000


async def test_a_chat_shows_the_stream_that_took_it_last(redis: Redis) -> None:
    chats = Chats(redis)
    assert await chats.find("me", "c") is None
    assert await chats.take("me", "c", Chat("st_1", "m1"), LIFE_MS) is None
    assert await chats.take("me", "c", Chat("st_2", "m2"), LIFE_MS) == "st_1"
    assert await chats.find("me", "c") == Chat("st_2", "m2")


async def test_a_chat_is_its_owners(redis: Redis) -> None:
    chats = Chats(redis)
    await chats.take("me", "c", Chat("st_1", "m1"), LIFE_MS)
    assert await chats.find("you", "c") is None
    assert await chats.find("m", "ec") is None


async def test_a_take_that_is_repeated_tells_the_same(redis: Redis) -> None:
    chats = Chats(redis)
    await chats.take("me", "c", Chat("st_1", "m1"), LIFE_MS)
    assert await chats.take("me", "c", Chat("st_2", "m2"), LIFE_MS) == "st_1"
    assert await chats.take("me", "c", Chat("st_2", "m2"), LIFE_MS) == "st_1"


async def test_of_many_that_take_it_at_once_each_but_the_last_is_told_to_another(redis: Redis) -> None:
    chats = Chats(redis)
    streams = [f"st_{n}" for n in range(20)]
    replaced = await asyncio.gather(*(chats.take("me", "c", Chat(stream, "m"), LIFE_MS) for stream in streams))
    last = await chats.find("me", "c")
    assert last is not None
    assert {*replaced, last.stream_id} == {*streams, None}


async def test_what_was_shown_is_noted_for_the_stream_that_the_chat_shows(redis: Redis) -> None:
    chats = Chats(redis)
    await chats.take("me", "c", Chat("st_1", "m1"), LIFE_MS)
    await chats.take("me", "c", Chat("st_2", "m2"), LIFE_MS)
    assert not await chats.shown("me", "c", "st_1")
    assert await chats.shown("me", "c", "st_2")
    assert await chats.find("me", "c") == Chat("st_2", "m2", b"", shown=True)


async def test_a_chat_is_taken_along_only_by_a_stream_whose_submit_was_taken(redis: Redis) -> None:
    chats = Chats(redis)
    await chats.take("me", "c", Chat("st_1", "m1"), LIFE_MS)
    asked = chats.taking("me", "c", Chat("st_2", "m2"), LIFE_MS)
    await asked.script(keys=asked.keys, args=asked.args)
    assert await chats.find("me", "c") == Chat("st_1", "m1")
    await redis.set(keys.arq_job("st_2"), "", ex=60)
    assert await asked.script(keys=asked.keys, args=asked.args) == b"st_1"
    assert await chats.find("me", "c") == Chat("st_2", "m2")


async def test_a_chat_that_is_left_shows_what_it_showed_before(redis: Redis) -> None:
    chats = Chats(redis)
    await chats.take("me", "c", Chat("st_1", "m1", b"[]", shown=True), LIFE_MS)
    await chats.shown("me", "c", "st_1")
    await chats.take("me", "c", Chat("st_2", "m2"), LIFE_MS)
    assert await chats.leave("me", "c", "st_2", LIFE_MS)
    assert await chats.find("me", "c") == Chat("st_1", "m1", b"[]", shown=True)
    assert not await chats.leave("me", "c", "st_2", LIFE_MS)
    assert await chats.leave("me", "c", "st_1", LIFE_MS)
    assert await chats.find("me", "c") is None


async def test_a_chats_id_may_hold_anything(redis: Redis) -> None:
    chats = Chats(redis)
    for chat_id in ("", "\0", "a/b", "\ud800", "x" * 5000):
        assert await chats.take("me", chat_id, Chat(f"st_{len(chat_id)}", "m"), LIFE_MS) is None
