"""What keeps a stream a worker's own, and what takes it away."""

from __future__ import annotations

import pytest

from app.stream import keys
from tests.worker.claims.pool.watching import LONG_MS, closed, empty, has_text
from tests.worker.workshop import Workshop


async def test_leases_are_renewed_for_as_long_as_a_stream_runs(shop: Workshop) -> None:
    async with shop.worker("first", lease_seconds=0.5), shop.worker("second", lease_seconds=0.5):
        stream = await shop.run("[[sim: tokens=80 rate=40 tag=renewed]]")
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"1")
    assert (await shop.calls("renewed"))["calls"] == 1


async def test_a_refused_renewal_stops_a_silent_stream(shop: Workshop) -> None:
    async with shop.worker("zombie", lease_seconds=0.6) as parts:
        stream_id = await shop.submit("[[sim: stall-after=3 tag=refused]]")
        await shop.until(stream_id, has_text)
        before = (await shop.look(stream_id)).names
        await shop.redis.zadd(keys.LEASES, {stream_id: 1})
        await shop.eventually(lambda: shop.queue.claim("new", 1, slots=1, lease_ms=LONG_MS))
        await shop.eventually(lambda: empty(parts))
        await shop.eventually(lambda: closed(shop, "refused"))
    assert (await shop.look(stream_id)).names == before
    assert await shop.redis.zscore(keys.LEASES, stream_id)


async def test_who_cannot_write_takes_and_renews_nothing(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop.worker("broken", lease_seconds=0.5) as parts:
        stream_id = await shop.submit("[[sim: tokens=300 rate=100]]")
        await shop.until(stream_id, lambda stream: "content_block_delta" in stream.names)
        monkeypatch.setattr(parts.services.committer, "_pack", lambda _: 1 / 0)
        async with shop.worker("whole", lease_seconds=0.5):
            stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"
    assert stream.data("relay.reset")[0]["reason"] == "worker_lost"
