"""Calls that the upstream refuses are no failure of a prompt: they wait at the gate, in nobody's way."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from app.dev.embedded import EmbeddedValkey
from app.dev.simulator.rules.buckets import Rates
from app.intake.streams import Streams
from app.stream import asides, keys
from app.stream.asides import Held, decode, is_aside
from app.stream.endings import Outcome
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.workers import Told, Turns
from tests.worker.workshop import Workshop, workshop
from worker.upstream.gate import FREE, Gate, Later, Turn

ANOTHER = "claude-haiku-4-5"


def in_line(shop: Workshop) -> Any:
    return lambda: shop.redis.zcard(keys.gate_line("claude-sonnet-5"))


# --- a burst


@pytest.mark.parametrize("told", [False, True])
async def test_a_burst_beyond_the_limit_is_answered_whole(redis: Redis, valkey: EmbeddedValkey, told: bool) -> None:  # noqa: FBT001
    rates = Rates(calls=10, refusal_delay=0.3, told=told)
    async with workshop(redis, valkey.url, rates=rates) as shop, AsyncExitStack() as workers:
        for number in range(2):
            await workers.enter_async_context(shop.worker(f"w{number}"))
        ids = [await shop.submit(f"{n} [[sim: tokens=3 tag=burst-{told}]]") for n in range(60)]
        streams = [await shop.ended(stream_id) for stream_id in ids]
        assert {(stream.outcome, stream.meta["attempts"]) for stream in streams} == {("completed", b"1")}
        # How few and how soon is the law's to show (test_gate_law.py): here the machine has a word in it.
        assert (await shop.calls(f"burst-{told}"))["calls"] < 2 * 60
        for stream in streams:
            assert all(retry["attempt"] == 1 for retry in stream.data("relay.retry"))


async def test_who_comes_alone_asks_nobody(shop: Workshop) -> None:
    async with shop.worker():
        for _ in range(FREE):
            await shop.run("[[sim: tokens=3]]")
    assert not await shop.redis.exists(keys.gate("claude-sonnet-5"), keys.HELD)


async def test_who_waits_in_the_line_alone_is_called_when_it_is_its_turn(shop: Workshop) -> None:
    """Nobody else asks there: whoever looked last did so before it had joined."""
    async with shop.worker(), asyncio.timeout(10):
        for n in range(2):
            stream = await shop.run(f"[[sim: status=429 retry-after-ms=50 times=1]] [[sim: tokens=3]] {n}")
            assert stream.outcome == "completed"


async def test_after_a_429_all_workers_wait_together(shop: Workshop) -> None:
    async with shop.worker("one"), shop.worker("two"):
        first = await shop.submit("[[sim: status=429 retry-after-ms=1500 times=1 tag=first]] [[sim: tokens=3]]")
        await shop.until(first, lambda stream: "relay.retry" in stream.names)
        began = asyncio.get_running_loop().time()
        ids = [await shop.submit(f"{n} [[sim: tokens=3 tag=held]]") for n in range(6)]
        assert (await shop.calls("held"))["calls"] == 0
        streams = [await shop.ended(stream_id) for stream_id in ids]
        assert asyncio.get_running_loop().time() - began > 1
        (retry,) = (await shop.ended(first)).data("relay.retry")
    assert (retry["attempt"], retry["reason"]) == (1, "rate_limit_error")
    for stream in streams:  # waiting alone is not in the log
        assert (stream.outcome, stream.meta["attempts"], "relay.retry" in stream.names) == ("completed", b"1", False)
    assert (await shop.calls("held"))["calls"] == 6
    assert (await shop.calls("first"))["calls"] == 2


async def test_refusals_do_not_use_up_the_attempts(shop: Workshop) -> None:
    async with shop.worker(max_attempts=1):
        stream = await shop.run("[[sim: status=429 retry-after-ms=20 times=5]] [[sim: tokens=3]]")
    assert (stream.outcome, stream.meta["attempts"], stream.meta["attempt"]) == ("completed", b"1", b"1")
    assert [retry["attempt"] for retry in stream.data("relay.retry")] == [1] * 5


async def test_a_wait_beyond_the_limit_fails_at_once_and_holds_nobody(shop: Workshop) -> None:
    async with shop.worker(retry_wait_max=5):
        stream = await shop.run("[[sim: status=429 retry-after=6]]")
        assert (stream.outcome, stream.json("failure")["retry_after"]) == ("failed", 6.0)
        assert (await shop.run("[[sim: tokens=3]]")).outcome == "completed"


async def test_a_limit_that_an_answer_says_is_used_up_holds_the_next_ones(shop: Workshop) -> None:
    async with shop.worker():
        await shop.run("[[sim: tokens=3 remaining=0 reset=3]]")
        await shop.eventually(lambda: shop.redis.exists(keys.HELD))
        began = asyncio.get_running_loop().time()
        stream = await shop.run("[[sim: tokens=3]]")
        assert asyncio.get_running_loop().time() - began > 1
    assert (stream.outcome, stream.names[0]) == ("completed", "message_start")


# --- a slot


async def test_a_held_model_holds_no_slot(shop: Workshop) -> None:
    async with shop.worker(worker_streams=3) as parts:
        held = [await shop.submit(f"{n} [[sim: status=429 retry-after=2 times=1]] [[sim: tokens=3]]") for n in range(4)]
        await shop.eventually(in_line(shop))
        began = asyncio.get_running_loop().time()
        assert (await shop.run("[[sim: tokens=3]]", model=ANOTHER)).outcome == "completed"
        assert asyncio.get_running_loop().time() - began < 1.5
        await shop.eventually(lambda: _is_empty(parts))
        streams = [await shop.ended(stream_id) for stream_id in held]
    assert {(stream.outcome, stream.meta["attempts"]) for stream in streams} == {("completed", b"1")}
    assert not await shop.redis.exists(keys.gate_line("claude-sonnet-5"))


async def test_who_waits_is_told_for_how_long_and_it_is_not_logged(shop: Workshop) -> None:
    async with shop.worker(), shop.redis.pubsub() as listener:
        stream_id = await shop.submit("[[sim: status=429 retry-after=2 times=1]] [[sim: tokens=3]]")
        await listener.subscribe(keys.channel(stream_id))
        asides = []
        async with asyncio.timeout(10):
            while not asides:
                message = await listener.get_message(ignore_subscribe_messages=True, timeout=1)
                if message is not None and is_aside(message["data"]):
                    asides.append(decode(message["data"]))
        stream = await shop.ended(stream_id)
    assert isinstance(asides[0], Held)
    assert 1000 < asides[0].retry_in_ms < 4000
    assert "relay.status" not in stream.names


async def test_a_wait_stands_for_who_comes_later_until_the_call_is_made(shop: Workshop) -> None:
    async with shop.worker(), asyncio.timeout(20):
        stream_id = await shop.submit("[[sim: status=429 retry-after=1 times=1]] [[sim: tokens=3]]")
        while (held := await asides.standing(shop.redis, stream_id)) is None:
            await asyncio.sleep(0.01)
        assert 0 < held.retry_in_ms < 4000
        await shop.redis.persist(keys.wait(stream_id))  # as long as nobody says that it is over
        while await shop.redis.exists(keys.wait(stream_id)):
            await asyncio.sleep(0.01)
        assert (await shop.ended(stream_id)).outcome == "completed"


async def test_who_waits_without_a_slot_is_cancelled_by_a_front(shop: Workshop) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: status=429 retry-after=20 tag=gone]]")
        await shop.eventually(in_line(shop))
        streams = Streams(shop.log, shop.queue, None, shop.settings, "front")  # type: ignore[arg-type]  # none is asked
        await streams.cancel(stream_id)
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"]) == (Outcome.CANCELLED, b"0")
    assert (await shop.calls("gone"))["calls"] == 1


async def test_who_is_cancelled_on_the_way_to_the_line_waits_no_longer(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front that cancels it finds it neither in the line nor with anybody who listens."""
    park = Queue.park

    async def parks(self: Queue, claim: Claim, *rest: Any) -> bool:
        await Streams(shop.log, shop.queue, None, shop.settings, "front").cancel(claim.stream_id)  # type: ignore[arg-type]  # none is asked
        return await park(self, claim, *rest)

    monkeypatch.setattr(Queue, "park", parks)
    async with shop.worker(), asyncio.timeout(5):
        stream = await shop.run("[[sim: status=429 retry-after=20]]")
    assert stream.outcome == Outcome.CANCELLED


async def test_a_line_that_nobody_here_has_joined_goes_on(shop: Workshop) -> None:
    """Those who saw it begin are gone, and nobody else has a prompt of that model."""
    async with shop.worker("first"):
        stream_id = await shop.submit("[[sim: status=429 retry-after=2 times=1]] [[sim: tokens=3]]")
        await shop.eventually(in_line(shop))
    async with shop.worker("second"), asyncio.timeout(6):
        assert (await shop.ended(stream_id)).outcome == "completed"
    assert not await shop.redis.exists(keys.LINES)


async def test_who_waits_without_a_slot_expires_when_it_is_time(shop: Workshop) -> None:
    async with shop.worker(stream_seconds_max=2.0):
        began = asyncio.get_running_loop().time()
        stream = await shop.run("[[sim: status=429 retry-after=20]]")
        assert asyncio.get_running_loop().time() - began < 6
    assert stream.outcome == "expired"


async def test_who_waits_without_a_slot_outlives_its_worker(shop: Workshop) -> None:
    async with shop.worker("first"):
        stream_id = await shop.submit("[[sim: status=429 retry-after=2 times=1]] [[sim: tokens=3]]")
        await shop.eventually(in_line(shop))
    async with shop.worker("second"):
        other = await shop.submit("[[sim: tokens=3]]")  # whoever asks wakes all who wait
        stream = await shop.ended(stream_id)
        await shop.ended(other)
    assert (stream.outcome, stream.meta["attempts"], len(stream.data("relay.retry"))) == ("completed", b"1", 1)


# --- the gate by itself


class Workers:
    """Gates that give as many turns as were put there."""

    def __init__(self, error: Exception | None = None) -> None:
        self.turns, self.asked, self.error = 0, 0, error
        self.told: list[Told] = []
        self.answers = asyncio.Event()
        self.answers.set()

    async def gate(self, model: str, told: Told, *, waiting: int, **_: object) -> Turns:  # noqa: ARG002
        self.asked += 1
        self.told.append(told)
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        given, self.turns = min(self.turns, waiting), max(0, self.turns - waiting)
        return Turns(given, 0.05, 0, 0.0, 1)

    async def leave_line(self, model: str, stream_id: str) -> bool:  # noqa: ARG002
        return False


@pytest.fixture
async def workers() -> Workers:
    return Workers()


@pytest.fixture
async def gate(workers: Workers) -> AsyncIterator[Gate]:
    made = Gate("w", workers, lambda: 0)  # type: ignore[arg-type]
    yield made
    await made.close()


async def enter(gate: Gate, *, calm: bool = False, patient: bool = False) -> Turn | Later:
    return await gate.enter("m", calm=calm, patient=patient, told=lambda _: None)


async def test_all_who_wait_ask_together(gate: Gate, workers: Workers) -> None:
    entering = [asyncio.create_task(enter(gate)) for _ in range(50)]
    await asyncio.sleep(0)
    workers.turns = 50
    await asyncio.gather(*entering)
    assert workers.asked <= 3


async def test_who_leaves_while_waiting_takes_no_turn(gate: Gate, workers: Workers) -> None:
    first, second = asyncio.create_task(enter(gate)), asyncio.create_task(enter(gate))
    await asyncio.sleep(0.02)
    first.cancel()
    workers.turns = 1
    assert isinstance(await second, Turn)


async def test_what_came_of_a_call_is_told_once(gate: Gate, workers: Workers) -> None:
    workers.turns = 2
    turn = await enter(gate)
    assert isinstance(turn, Turn)
    turn.refused(1.5)
    turn.taken()
    await enter(gate)
    told = [told for told in workers.told if told.refused_ms is not None or told.taken]
    assert [(told.taken, told.refused_ms, told.era) for told in told] == [(0, 1500, 1)]


@pytest.mark.parametrize("error", [RedisConnectionError(), ResponseError("NOPERM"), ValueError()])
async def test_where_redis_does_not_tell_nobody_waits(error: Exception) -> None:
    gate = Gate("w", Workers(error), lambda: 0)  # type: ignore[arg-type]
    async with asyncio.timeout(2):
        assert isinstance(await enter(gate), Turn)
    await gate.close()


@pytest.mark.parametrize("left", [(0,), (1,), (0, 1, 2)])
async def test_who_is_cancelled_as_the_answer_comes_keeps_nobody_waiting(
    gate: Gate, workers: Workers, left: tuple[int, ...]
) -> None:
    workers.answers.clear()
    entering = [asyncio.create_task(enter(gate)) for _ in range(4)]
    while not workers.asked:
        await asyncio.sleep(0)
    workers.turns = 1
    workers.answers.set()  # its waiter goes on in the next round of the loop, as do those who are cancelled now
    for number in left:
        entering[number].cancel()
    async with asyncio.timeout(2):
        while not entering[3].done():
            workers.turns = 1
            await asyncio.sleep(0.01)
    assert [task.cancelled() for task in entering] == [number in left for number in range(4)]


async def test_who_is_cancelled_where_redis_does_not_tell_leaves_the_first_calls_free() -> None:
    workers = Workers(RedisConnectionError())
    gate = Gate("w", workers, lambda: 0)  # type: ignore[arg-type]
    for _ in range(FREE):
        entering = asyncio.create_task(gate.enter("m", calm=False, patient=False, told=lambda _: None, otherwise=60.0))
        await asyncio.sleep(0.01)
        entering.cancel()
        await asyncio.wait([entering])
    gate._models["m"]._strict_until = 0.0  # a minute later
    assert gate._models["m"].is_free
    await gate.close()


async def test_what_came_of_calls_is_not_gathered_for_ever(
    gate: Gate, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that is called now and then, and whose gate nobody has to ask."""
    clock = itertools.count(step=0.5)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: next(clock), raising=False)
    for _ in range(100):
        turn = await enter(gate, calm=True)
        assert isinstance(turn, Turn)
        turn.taken()
    monkeypatch.undo()
    workers.turns = 1
    await enter(gate)
    assert 0 < workers.told[0].taken < 10


async def _is_empty(parts: Any) -> bool:
    return not parts.pool.leases
