"""A session is the credential that it was opened with; Redis alone opens none."""

from __future__ import annotations

import time

import pytest
from redis.asyncio import Redis

from app.access.passes import sessions as module
from app.access.passes.sessions import SESSION_SECONDS, Held, Sessions
from app.stream import keys

HELD = Held("ks_the-key-that-it-was-opened-with", ("bob",))


async def test_it_is_what_it_was_opened_with_until_it_is_forgotten(redis: Redis) -> None:
    sessions = Sessions(redis)
    value, _ = await sessions.open("alice", HELD, None)
    other, _ = await sessions.open("alice", Held(None), None)
    assert await sessions.find(value) == HELD
    assert await sessions.find(other) == Held(None, ())
    await sessions.forget(value)
    assert await sessions.find(value) is None
    assert await sessions.find(other) == Held(None, ())


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "A" * 42 + "\u00c4", "*" * 43, "A" * 100_000])
async def test_what_was_never_opened_is_none(redis: Redis, value: str) -> None:
    await Sessions(redis).forget(value)
    assert await Sessions(redis).find(value) is None


async def test_who_reads_all_of_redis_has_neither_the_cookie_nor_the_key(redis: Redis) -> None:
    value, _ = await Sessions(redis).open("alice", HELD, None)
    kept = b""
    for key in await redis.keys("*"):
        kept += key + (await redis.dump(key) or b"")
    assert len(kept) > 100
    for secret in (value, HELD.credential or "", "alice", "bob"):
        assert secret.encode() not in kept


async def test_a_session_opens_nothing_under_another_s_name(redis: Redis) -> None:
    """Who can write here, and cannot read a cookie, makes no session of it by copying."""
    sessions = Sessions(redis)
    value, _ = await sessions.open("alice", HELD, None)
    [kept] = await redis.keys("*:session:*")
    forged = "A" * 43
    await redis.copy(kept, keys.session(module._digest(forged)))
    assert await sessions.find(forged) is None
    assert await sessions.find(value) == HELD


@pytest.mark.parametrize("written", [b"", b"x", b"x" * 12, b"x" * 13, b"x" * 200])
async def test_what_others_have_written_in_its_place_is_none(redis: Redis, written: bytes) -> None:
    value, _ = await Sessions(redis).open("alice", HELD, None)
    await redis.set(keys.session(module._digest(value)), written, keepttl=True)
    assert await Sessions(redis).find(value) is None


async def test_it_lives_no_longer_than_what_it_was_opened_with(redis: Redis) -> None:
    sessions = Sessions(redis)
    for ends_in, lives in ((None, SESSION_SECONDS), (60.0, 60.0), (10.0 * SESSION_SECONDS, SESSION_SECONDS)):
        expires_at = None if ends_in is None else time.time() + ends_in
        value, life_ms = await sessions.open("alice", HELD, expires_at)
        left = await redis.pttl(keys.session(module._digest(value)))
        assert lives * 1000 - 10_000 < left <= life_ms <= lives * 1000
    value, life_ms = await sessions.open("alice", HELD, time.time() - 20)
    assert life_ms == 1


async def test_an_owner_has_so_many_and_the_oldest_goes(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SESSIONS_MAX", 3)
    sessions = Sessions(redis)
    values = [(await sessions.open("alice", HELD, None))[0] for _ in range(5)]
    theirs, _ = await sessions.open("bob", HELD, None)
    assert [await sessions.find(value) is not None for value in values] == [False, False, True, True, True]
    assert await sessions.find(theirs) is not None
    assert len(await redis.keys("*:session:*")) == 4


async def test_those_that_were_forgotten_take_no_other_s_place(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SESSIONS_MAX", 2)
    sessions = Sessions(redis)
    first, _ = await sessions.open("alice", HELD, None)
    for _ in range(3):
        value, _ = await sessions.open("alice", HELD, None)
        await sessions.forget(value)
    assert await sessions.find(first) == HELD
    assert await redis.zcard(keys.sessions("alice")) <= 3


async def test_what_is_of_another_type_in_its_place_is_none(redis: Redis) -> None:
    value, _ = await Sessions(redis).open("alice", HELD, None)
    key = keys.session(module._digest(value))
    await redis.delete(key)
    await redis.lpush(key, "what others write")  # type: ignore[misc]
    await redis.expire(key, 60)
    assert await Sessions(redis).find(value) is None
    await Sessions(redis).forget(value)
    assert not await redis.exists(key)
