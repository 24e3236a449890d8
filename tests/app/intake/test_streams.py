"""How a front ends what waits: once, truly, and only if it stands."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from app.intake.streams import Streams
from app.intake.submit import Submit
from app.intake.sweep import sweeping
from app.prices import Prices
from app.stream import frames, keys
from app.stream.accounts import Account, Demand
from app.stream.endings import Outcome, Withdrawn, end_data
from app.stream.errors import NotAcceptedError, QueueFullError
from app.stream.ledger.lines import Calls, CallState
from app.stream.ledger.usage import Brought
from app.stream.log import Appended, Claim, State, Status
from tests.app.intake.streams.submitted import OWNER, outbox, streams_of, submit
from tests.app.served import until
from tests.patience import PATIENCE

LEASE_MS = 60_000


@pytest.fixture
def streams(redis: Redis) -> Streams:
    return streams_of(redis)


async def expire(streams: Streams, stream_id: str) -> None:
    await streams.end_waiting(stream_id, Outcome.EXPIRED, {"type": "timeout_error", "message": "too late"})


async def test_what_waits_is_ended_once_and_is_on_the_outbox(redis: Redis, streams: Streams) -> None:
    stream_id = await submit(streams)
    await asyncio.gather(*(streams.cancel(stream_id) for _ in range(5)))
    assert (await redis.get(keys.log(stream_id))).count(b"event: relay.end") == 1
    [entry] = await outbox(redis)
    assert (entry[b"id"], entry[b"owner"], entry[b"outcome"]) == (stream_id.encode(), b"me", b"cancelled")
    assert not await redis.exists(keys.JOBS, keys.LEASES, keys.CLAIMS)


async def test_cancels_that_overtake_each_other_all_take_their_stream_out_of_the_line(
    redis: Redis, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await submit(streams), await submit(streams)
    claim, overtaken = streams.queue.claim, asyncio.Event()

    async def slow(*args: Any, **more: Any) -> list[Claim]:
        if more["stream_id"] == first:
            await overtaken.wait()
        claims = await claim(*args, **more)
        overtaken.set()
        return claims

    monkeypatch.setattr(streams.queue, "claim", slow)
    assert await asyncio.gather(*map(streams.cancel, (first, second))) == [State.ENDED, State.ENDED]
    assert await redis.zcard(keys.JOBS) == 0


async def test_an_ending_that_stands_already_is_the_one_that_is_told(redis: Redis, streams: Streams) -> None:
    """Its worker died before it said so to the queue."""
    stream_id = await submit(streams)
    [claim] = await streams.queue.claim("worker", 1, slots=1, lease_ms=LEASE_MS)
    position = (await streams.log.begin(claim)).position
    assert position is not None
    frame, _ = frames.encode_json("relay.end", end_data(Outcome.COMPLETED, attempts=1), position)
    await streams.log.append(claim, 0, frame, {"outcome": "completed", "attempts": 1}, LEASE_MS)
    await redis.zadd(keys.LEASES, {stream_id: 1})
    assert await streams.queue.overdue(0, 10) == [stream_id]
    await expire(streams, stream_id)
    [entry] = await outbox(redis)
    assert (entry[b"outcome"], entry[b"attempts"]) == (b"completed", b"1")
    assert await redis.get(keys.log(stream_id)) == frame


async def test_what_redis_has_lost_is_taken_out_of_the_line_and_nowhere_told(redis: Redis, streams: Streams) -> None:
    stream_id = await submit(streams)
    await redis.delete(keys.meta(stream_id))
    await expire(streams, stream_id)
    assert await outbox(redis) == []
    assert not await redis.exists(keys.JOBS, keys.LEASES, keys.CLAIMS, keys.SIZES)


@pytest.mark.parametrize("status", [Status.SHORT, Status.CONFLICT, Status.FENCED])
async def test_an_ending_that_does_not_stand_is_left_to_whoever_comes_next(
    redis: Redis, streams: Streams, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> Appended:
        return Appended(status, 0, cancelled=False)

    stream_id = await submit(streams)
    with monkeypatch.context() as patch:
        patch.setattr(streams.log, "append", refuse)
        await expire(streams, stream_id)
    assert await outbox(redis) == []
    await redis.zadd(keys.LEASES, {stream_id: 1})
    assert await streams.queue.overdue(0, 10) == [stream_id]
    await expire(streams, stream_id)
    assert (await streams.log.meta(stream_id) or {})["state"] == State.ENDED.encode()
    assert len(await outbox(redis)) == 1


async def test_a_log_that_cannot_be_read_is_left_to_a_worker(redis: Redis, streams: Streams) -> None:
    stream_id = await submit(streams)
    await redis.set(keys.log(stream_id), b"nobody wrote this", ex=60)
    await expire(streams, stream_id)
    assert [member.decode() for member in await redis.zrange(keys.LEASES, 0, -1)] == [stream_id]
    assert await outbox(redis) == []


async def test_a_stream_that_cannot_be_ended_keeps_no_other_from_it(redis: Redis, streams: Streams) -> None:
    broken, other = await submit(streams), await submit(streams)
    await redis.execute_command("HSET", keys.meta(broken), "attempt", "many")
    async with sweeping(streams, 0.01), asyncio.timeout(PATIENCE):
        while not await outbox(redis):
            await asyncio.sleep(0.01)
    [entry] = await outbox(redis)
    assert entry[b"id"] == other.encode()


async def test_nor_does_one_whose_key_is_something_else(
    redis: Redis, streams: Streams, caplog: pytest.LogCaptureFixture
) -> None:
    odd, other = await submit(streams), await submit(streams)
    await redis.rpush(keys.log(odd), b"x")
    await redis.pexpire(keys.log(odd), LEASE_MS)
    async with sweeping(streams, 0.01), asyncio.timeout(PATIENCE):
        while not await outbox(redis):
            await asyncio.sleep(0.01)
    [entry] = await outbox(redis)
    assert entry[b"id"] == other.encode()
    assert f"process.fault stream_id={odd} doing=sweep error=ResponseError" in caplog.text


async def test_a_withdrawal_comes_before_or_after_what_others_were_told(redis: Redis, streams: Streams) -> None:
    waits, told = await submit(streams), await submit(streams)
    assert await streams.keep(told)
    assert await streams.log.withdraw(told, "another word") is Withdrawn.KEPT
    await redis.hdel(keys.meta(waits), "kept")
    assert await streams.log.withdraw(waits, "its word") is Withdrawn.WITHDRAWN
    assert not await streams.keep(waits)
    assert await streams.log.withdraw(waits, "its word") is Withdrawn.WITHDRAWN


async def test_what_the_line_refused_is_gone_soon_also_if_its_front_dies(
    redis: Redis, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(_: Submit) -> None:
        """Before it could take anything back."""

    monkeypatch.setattr(Submit, "_drop", dies)
    streams.settings = replace(streams.settings, queue_limit=0)
    with pytest.raises(QueueFullError):
        await submit(streams)
    [meta] = [key async for key in redis.scan_iter("ks:{st_*}:meta")]
    assert 0 < await redis.pttl(meta) <= keys.SUBMIT_SECONDS * 1000


async def test_what_still_arrives_of_a_withdrawn_submit_is_run_by_nobody(redis: Redis, streams: Streams) -> None:
    """It was on its way when its request was given up."""
    assert await streams.log.withdraw("st_late", "its word") is Withdrawn.WITHDRAWN
    await streams.log.open("st_late", {"owner": OWNER, "request": b"{}"})
    await streams.queue.submit("st_late", limit=10, life_ms=LEASE_MS)
    [claim] = await streams.queue.claim("worker", 1, slots=1, lease_ms=LEASE_MS)
    assert (await streams.log.begin(claim, LEASE_MS)).status is Status.ENDED
    assert 0 < await redis.pttl(keys.meta("st_late")) <= keys.SUBMIT_SECONDS * 1000


async def test_a_withdrawn_stream_that_a_worker_has_is_cancelled(redis: Redis, streams: Streams) -> None:
    stream_id = await submit(streams)
    await redis.hdel(keys.meta(stream_id), "kept")
    [claim] = await streams.queue.claim("worker", 1, slots=1, lease_ms=LEASE_MS)
    begun = await streams.log.begin(claim)
    assert begun.position is not None
    assert await streams.log.withdraw(stream_id, "its word") is Withdrawn.RUNNING
    frame, _ = frames.encode_json("relay.end", end_data(Outcome.COMPLETED, attempts=1), begun.position)
    assert (await streams.log.append(claim, 0, frame)).cancelled


async def test_what_was_withdrawn_leaves_the_line_and_is_nowhere_told(redis: Redis, streams: Streams) -> None:
    stream_id = await submit(streams)
    await redis.hdel(keys.meta(stream_id), "kept")
    await streams.log.withdraw(stream_id, "its word")
    await expire(streams, stream_id)
    assert await outbox(redis) == []
    assert not await redis.exists(keys.JOBS, keys.LEASES, keys.CLAIMS, keys.SIZES, keys.log(stream_id))
    assert await redis.keys(keys.usage(OWNER) + "*") == []


@pytest.mark.parametrize(("times", "spent"), [(1, None), (2, b"5")])
async def test_of_what_is_lost_a_budget_keeps_what_was_promised_if_it_may_have_been_called(
    redis: Redis, streams: Streams, times: int, spent: bytes | None
) -> None:
    await streams.queue.submit("st_lost", limit=9, life_ms=9999, demand=Demand((Account(OWNER, nano_per_day=9),), 5))
    for number in range(1, times):
        await streams.queue.claim("worker", number, slots=1, lease_ms=LEASE_MS)
        await redis.zadd(keys.LEASES, {"st_lost": 1}, xx=True)
    await streams.queue.overdue(LEASE_MS, 10)
    await expire(streams, "st_lost")
    assert await redis.hmget(keys.account(OWNER), "reserved", "spent_day") == [b"0", spent]  # type: ignore[misc]  # redis-py's types mix both clients


async def test_a_late_confirmation_leaves_an_ended_stream_its_life(redis: Redis, streams: Streams) -> None:
    stream_id = await submit(streams)
    await streams.cancel(stream_id)
    before = await redis.pttl(keys.meta(stream_id))
    assert await streams.log.keep(stream_id, 10 * streams.settings.stream_life_ms) is State.ENDED
    assert await redis.pttl(keys.meta(stream_id)) <= before


async def test_a_submit_whose_meta_was_lost_is_not_accepted(
    redis: Redis, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its front stood still for longer than an unconfirmed meta lives."""
    submit_really = streams.queue.submit

    async def late(stream_id: str, **asked: Any) -> Any:
        await redis.delete(keys.meta(stream_id))
        return await submit_really(stream_id, **{**asked, "after": None})

    monkeypatch.setattr(streams.queue, "submit", late)
    with pytest.raises(NotAcceptedError):
        await submit(streams)
    assert not await redis.exists(keys.JOBS, keys.LEASES)
    assert await outbox(redis) == []


async def test_an_ended_stream_whose_log_is_gone_is_gone(redis: Redis, streams: Streams) -> None:
    stream_id = await submit(streams)
    await streams.cancel(stream_id)
    await redis.delete(keys.log(stream_id))
    read = await streams.log.read(stream_id, None)
    assert (read.state, read.owner) == (State.GONE, OWNER)


async def test_a_moment_in_which_nobody_is_counted_costs_no_reader_its_answer(
    redis: Redis, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A front's channel was just replaced when it was looked."""
    stream_id = await submit(streams)
    looks = 0

    async def is_read(_: str) -> bool:
        nonlocal looks
        looks += 1
        return looks == 3  # of three that must all find nobody

    monkeypatch.setattr(streams.log, "is_read", is_read)
    streams.abandon(stream_id, 0.04)
    await until(lambda: looks > 3)
    assert await redis.hget(keys.meta(stream_id), "state") == b"queued"
    await until(lambda: _is_ended(redis, stream_id))
    assert looks == 6


async def _is_ended(redis: Redis, stream_id: str) -> bool:
    return bool(await redis.hget(keys.meta(stream_id), "state") == b"ended")


async def test_what_its_calls_did_cost_is_billed_also_where_a_front_ends_it(redis: Redis, streams: Streams) -> None:
    stream_id = await submit(streams)
    [claim] = await streams.queue.claim("worker", 1, slots=1, lease_ms=LEASE_MS)
    await streams.log.begin(claim)
    used = Brought("claude-sonnet-5", b'{"input_tokens":1000,"output_tokens":5}', counted=True)
    calls = Calls().opened("claude-x").closed(CallState.CUT, used, Prices().cost)
    await streams.log.append(claim, 0, b"", {"attempt": 1, "calls": calls.encode()})
    await streams.queue.give_back([claim])
    await streams.cancel(stream_id)
    [day] = await redis.keys(keys.usage(OWNER) + "*")
    [(of, sums)] = (await redis.hgetall(day)).items()
    assert (of, sums) == (b"\nclaude-sonnet-5", b"1 1 1000 5 0 0 2050000 0")
