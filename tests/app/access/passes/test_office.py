"""All fronts make and check tickets under one secret, whatever becomes of Redis meanwhile."""

from __future__ import annotations

import asyncio
import time

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.access.caller import Confined
from app.access.passes import office as ticket_office
from app.access.passes.office import TicketOffice
from app.stream import keys

STREAM = "st_0123456789abcdef0123456789abcdef"
OPENS = Confined(STREAM)


class Away(Redis):
    """A Redis that does not answer."""

    async def execute_command(self, *_: object, **__: object) -> object:
        raise RedisConnectionError


def office(redis: Redis, secret: str | None = None, seconds: float = 3600.0) -> TicketOffice:
    return TicketOffice(redis, secret, seconds)


@pytest.fixture
def asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticket_office, "KNOWN_SECONDS", 0.0)


async def test_fronts_that_begin_at_once_agree(redis: Redis) -> None:
    fronts = [office(redis) for _ in range(20)]
    issued = await asyncio.gather(*(front.issue(STREAM) for front in fronts))
    for ticket, _ in issued:
        assert [await front.check(ticket) for front in fronts] == [OPENS] * len(fronts)


async def test_who_found_none_and_comes_second_takes_the_first_one_s(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, _ = await office(redis).issue(STREAM)

    async def none_yet(*_: object, **__: object) -> None: ...

    monkeypatch.setattr(redis, "getex", none_yet)
    assert await office(redis).check(ticket) == OPENS


async def test_a_secret_of_the_settings_is_all_that_counts(redis: Redis) -> None:
    ticket, _ = await office(Away(), "a secret").issue(STREAM)
    assert await office(Away(), "a secret").check(ticket) == OPENS
    assert await office(Away(), "another").check(ticket) is None
    assert await office(redis).check(ticket) is None


async def test_it_lives_as_long_as_asked_and_never_longer_than_any_may(redis: Redis) -> None:
    front = office(redis, seconds=60.0)
    for asked, lives in ((None, 60.0), (5.0, 5.0), (0.5, 0.5), (3600.0, 60.0), (1e300, 60.0)):
        _, expires_ms = await front.issue(STREAM, asked)
        assert time.time() + lives - 10 < expires_ms / 1000 <= time.time() + lives


async def test_one_that_has_ended_opens_nothing(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    front = office(redis)
    ticket, expires_ms = await front.issue(STREAM, 5.0)
    for now_ms, opens in ((expires_ms - 1, OPENS), (expires_ms, None)):
        monkeypatch.setattr(front, "_now_ms", lambda now_ms=now_ms: now_ms)
        assert await front.check(ticket) == opens


async def test_fronts_whose_clocks_are_apart_agree_on_when_it_ends(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, expires_ms = await office(redis).issue(STREAM, 60.0)
    monkeypatch.setattr(ticket_office.time, "time_ns", lambda: (expires_ms + 1) * 1_000_000)
    ahead, alone = office(redis), office(redis, "a secret")
    assert await ahead.check(ticket) == OPENS
    ticket, ends_ms = await alone.issue(STREAM, 60.0)
    assert abs(ends_ms - expires_ms) < 50_000
    assert await office(redis, "a secret").check(ticket) == OPENS


@pytest.mark.usefixtures("asked_each_time")
async def test_who_knows_the_secret_goes_on_while_redis_is_away(redis: Redis) -> None:
    front = office(redis)
    ticket, _ = await front.issue(STREAM)
    front._redis = Away()
    assert await front.check(ticket) == OPENS
    assert await front.check((await front.issue(STREAM))[0]) == OPENS


async def test_who_does_not_know_it_says_so_and_asks_again(redis: Redis) -> None:
    front = office(Away())
    for _ in range(2):
        with pytest.raises(RedisConnectionError):
            await front.open()
    front._redis = redis
    await front.open()
    assert await office(redis).check((await front.issue(STREAM))[0]) == OPENS


@pytest.mark.usefixtures("asked_each_time")
async def test_what_redis_lost_is_put_there_again_by_who_knows_it(redis: Redis) -> None:
    front = office(redis)
    ticket, _ = await front.issue(STREAM)
    await redis.flushall()
    assert await front.check(ticket) == OPENS
    assert await office(redis).check(ticket) == OPENS


@pytest.mark.usefixtures("asked_each_time")
async def test_who_finds_another_secret_takes_that(redis: Redis) -> None:
    front, other = office(redis), office(redis)
    await front.open()
    await redis.flushall()
    ticket, _ = await other.issue(STREAM)
    assert await front.check(ticket) == OPENS


@pytest.mark.usefixtures("asked_each_time")
async def test_the_secret_lives_longer_than_any_ticket(redis: Redis) -> None:
    front = office(redis)
    await front.open()
    await redis.expire(keys.TICKET_SECRET, 10)
    await front.open()
    assert await redis.ttl(keys.TICKET_SECRET) > 604_800
