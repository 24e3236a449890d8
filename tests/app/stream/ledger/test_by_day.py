"""What was used is counted once, exactly, and read back by day, model and user."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.accounts import Bill
from app.stream.ledger.by_day import OTHERS, Row, Sums, Usage, counted, total
from app.stream.queue import Queue
from app.stream.scripts import source
from tests.app.stream.queue.line import submit, take

BILL = Bill(
    nano=1_234_567_891,
    calls=2,
    input_tokens=10,
    output_tokens=20,
    cache_read_tokens=3,
    cache_write_tokens=4,
    saved_nano=5,
    model="claude-x",
    owner="acme",
)
SUMS = Sums(1, 2, 10, 20, 3, 4, 1_234_567_891, 5)


async def end(queue: Queue, stream_id: str, bill: Bill | None) -> None:
    await submit(queue, stream_id)
    [claim] = await take(queue, stream_id)
    assert await queue.done(claim, {"id": stream_id}, bill)
    assert not await queue.done(claim, {"id": stream_id}, bill)


async def today(redis: Redis, tenant: str = "acme") -> list[Row]:
    usage = Usage(redis)
    day = (await usage.now()).date()
    return await usage.rows(tenant, [day - timedelta(1), day])


async def test_a_stream_is_counted_once_however_often_it_is_done(redis: Redis) -> None:
    queue = Queue(redis)
    for name in ("a", "b", "c"):
        await end(queue, name, BILL)
    assert total(await today(redis)) == SUMS + SUMS + SUMS


async def test_users_and_models_are_told_apart_and_tenants_do_not_meet(redis: Redis) -> None:
    queue = Queue(redis)
    await end(queue, "a", BILL)
    await end(queue, "b", Bill(nano=7, calls=1, model="claude-x", owner="acme/bob"))
    await end(queue, "c", Bill(nano=0, calls=1, model="claude-y", owner="acme/bob"))
    await end(queue, "d", Bill(nano=9, owner="acme2"))
    found = {(row.user, row.model): row.sums for row in await today(redis)}
    assert found == {
        ("", "claude-x"): SUMS,
        ("bob", "claude-x"): Sums(streams=1, calls=1, nano=7),
        ("bob", "claude-y"): Sums(streams=1, calls=1),
    }
    assert total(await today(redis, "acme2")).nano == 9


async def test_what_nobody_was_told_of_is_not_counted(redis: Redis) -> None:
    await end(Queue(redis), "a", None)
    assert await redis.keys("*usage*") == []


async def test_a_day_is_kept_for_so_many_days_after_its_last_stream(redis: Redis) -> None:
    await end(Queue(redis, 3), "a", BILL)
    [key] = await redis.keys("*usage*")
    assert 3 * 86_400 - 60 < await redis.ttl(key) <= 3 * 86_400


async def test_large_sums_stay_exact(redis: Redis) -> None:
    queue, much = Queue(redis), 2**51 + 1
    for name in ("a", "b"):
        await end(queue, name, Bill(nano=much, owner="acme"))
    assert total(await today(redis)).nano == 2 * much


async def test_who_comes_when_there_is_no_room_is_counted_with_the_others(redis: Redis) -> None:
    most = int(source("queue/usage").split("USAGE_FIELDS = ")[1].split()[0])
    day = int((await redis.time())[0]) // 86_400
    key = keys.usage("acme") + str(day)
    await redis.hset(key, mapping={f"user{n}\nm": "1 0 0 0 0 0 0 0" for n in range(most)})
    await redis.expire(key, 600)
    queue = Queue(redis)
    for number in range(2):
        await end(queue, f"s{number}", Bill(nano=5, model="m", owner=f"acme/new{number}"))
    await end(queue, "known", Bill(nano=1, model="m", owner="acme/user7"))
    found = {(row.user, row.model): row.sums for row in await today(redis)}
    assert found[OTHERS, OTHERS] == Sums(streams=2, nano=10)
    assert found["user7", "m"] == Sums(streams=2, nano=1)
    assert len(found) == most + 1


@pytest.mark.parametrize("model", ["", "a\nb", "ü" * 999, "\ud800"])
async def test_any_name_of_a_model_is_counted(redis: Redis, model: str) -> None:
    await end(Queue(redis), "a", Bill(nano=1, model=model, owner="acme"))
    assert total(await today(redis)) == Sums(streams=1, nano=1)


def test_nothing_is_ever_taken_off() -> None:
    assert counted(Bill(nano=-5, owner="acme"), 60)[4] == "1 0 0 0 0 0 0 0"
