"""Who waits at the gate waits in the line, and holds no slot."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.intake.streams import Streams
from app.prices import Prices
from app.stream import asides, keys
from app.stream.asides import Held, decode
from app.stream.endings import Outcome
from app.stream.log import Claim
from app.stream.queue import Queue
from tests.patience import PATIENCE
from tests.worker.workshop import Workshop

ANOTHER = "claude-haiku-4-5"


def in_line(shop: Workshop) -> Any:
    return lambda: shop.redis.zcard(keys.gate_line("claude-sonnet-5"))


async def test_a_held_model_holds_no_slot(shop: Workshop) -> None:
    async with shop.worker(worker_streams=3) as parts:
        held = [await shop.submit(f"{n} [[sim: status=429 retry-after=4 times=1]] [[sim: tokens=3]]") for n in range(4)]
        await shop.eventually(in_line(shop))
        other = await shop.run("[[sim: tokens=3]]", model=ANOTHER)
        await shop.eventually(lambda: _is_empty(parts))
        streams = [await shop.ended(stream_id) for stream_id in held]
    assert {(stream.outcome, stream.meta["attempts"]) for stream in [other, *streams]} == {("completed", b"1")}
    assert int(other.meta["ended_at"]) < min(int(stream.meta["ended_at"]) for stream in streams)
    assert not await shop.redis.exists(keys.gate_line("claude-sonnet-5"))


async def test_who_waits_is_told_for_how_long_and_it_is_not_logged(shop: Workshop) -> None:
    async with shop.redis.pubsub() as listener:
        stream_id = await shop.submit("[[sim: status=429 retry-after=2 times=1]] [[sim: tokens=3]]")
        await listener.subscribe(keys.channel(stream_id))
        assert await listener.get_message(timeout=PATIENCE)  # that it listens
        asides = []
        async with shop.worker(), asyncio.timeout(PATIENCE):
            while not asides:
                message = await listener.get_message(ignore_subscribe_messages=True, timeout=1)
                if message is not None and (told := decode(message["data"])):
                    asides.append(told)
            stream = await shop.ended(stream_id)
    assert isinstance(asides[0], Held)
    assert 1000 < asides[0].retry_in_ms < 4000
    assert "relay.status" not in stream.names


async def test_a_wait_stands_for_who_comes_later_until_the_call_is_made(shop: Workshop) -> None:
    async with shop.worker(), asyncio.timeout(PATIENCE):
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
        streams = Streams(shop.log, shop.queue, None, shop.settings, "front", pricing=Prices().cost)  # type: ignore[arg-type]  # none is asked
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
        await Streams(shop.log, shop.queue, None, shop.settings, "front", pricing=Prices().cost).cancel(claim.stream_id)  # type: ignore[arg-type]  # none is asked
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
    async with shop.worker("second"), asyncio.timeout(PATIENCE):
        assert (await shop.ended(stream_id)).outcome == "completed"
    assert not await shop.redis.exists(keys.LINES)


async def test_who_waits_without_a_slot_expires_when_it_is_time(shop: Workshop) -> None:
    async with shop.worker(stream_seconds_max=2.0):
        stream = await shop.run("[[sim: status=429 retry-after=50]]")  # for longer than anything here is waited for
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


async def _is_empty(parts: Any) -> bool:
    return not parts.pool.leases
