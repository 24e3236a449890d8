"""A worker whose stream was taken writes nothing more."""

from __future__ import annotations

import pytest

from app.stream import keys
from app.stream.log import Status
from tests.worker.claims.pool.watching import LONG_MS, closed, empty, has_text
from tests.worker.workshop import Workshop


async def test_a_worker_whose_stream_was_taken_writes_nothing_more(shop: Workshop) -> None:
    async with shop.worker("zombie", lease_seconds=600) as parts:
        stream_id = await shop.submit("[[sim: tokens=4000 rate=50 tag=zombie]]")
        await shop.until(stream_id, has_text)
        await shop.redis.zadd(keys.LEASES, {stream_id: 1})
        (claim,) = await shop.queue.claim("new", 1, slots=1, lease_ms=LONG_MS)
        begun = await shop.log.begin(claim)
        await shop.eventually(lambda: empty(parts))
        await shop.eventually(lambda: closed(shop, "zombie"))
        after = await shop.log.begin(claim)
    assert begun.status is after.status is Status.OK
    assert after.length == begun.length
    assert await shop.redis.hget(keys.CLAIMS, stream_id)  # not taken out of the new owner's hands
    assert await shop.redis.exists(keys.arq_job(stream_id))


@pytest.mark.parametrize("asked", ["stall-after=3 times=1", "tokens=400"])
async def test_a_stream_that_comes_back_to_the_same_worker_has_one_task(shop: Workshop, asked: str) -> None:
    async with shop.worker(lease_seconds=600) as parts:
        stream_id = await shop.submit(f"[[sim: {asked}]] [[sim: rate=400 first=0 tag=same]]")
        await shop.until(stream_id, has_text)
        older = parts.pool.leases[stream_id]
        await shop.redis.zadd(keys.LEASES, {stream_id: 1})
        parts.pool.wake()
        stream = await shop.ended(stream_id)
        assert older.task is not None
        assert older.task.done()
    assert stream.outcome == "completed"
    assert stream.names.count("relay.end") == stream.names.count("relay.reset") == 1
    assert len(await shop.outbox(stream_id)) == 1
    assert (await shop.calls("same"))["open"] == 0
