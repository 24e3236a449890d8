"""What a worker does with streams of a version that it does not know: nothing, and not again and again."""

from __future__ import annotations

from app.stream import keys
from tests.worker.workshop import Workshop


async def test_a_stream_of_a_newer_version_is_left_for_a_newer_worker(shop: Workshop) -> None:
    """Also where only its meta says so: a newer worker had it, and has died."""
    stream_id = await shop.submit("[[sim: tokens=3 tag=newer]]", version="2")
    async with shop.worker():
        await shop.eventually(lambda: shop.queue.put_by.has(stream_id))
        after = await shop.run("[[sim: tokens=3]]")  # the worker has room, and goes on
    assert after.outcome == "completed"
    left = await shop.look(stream_id)
    assert (left.meta["state"], left.frames) == (b"queued", [])
    assert not {b"fence", b"attempt", b"started_at"} & {name.encode() for name in left.meta}
    assert (await shop.calls("newer"))["calls"] == 0
    [newer] = await shop.queue.claim("newer", 1, slots=9, lease_ms=60_000, version=2)
    assert (newer.stream_id, newer.times) == (stream_id, 1)


async def test_a_stream_of_a_newer_version_is_no_way_to_keep_a_worker_busy(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tokens=3]]", version="2")
    async with shop.worker():
        await shop.eventually(lambda: shop.queue.put_by.has(stream_id))
        fence = await shop.redis.get(keys.FENCE)
        for _ in range(5):
            await shop.redis.publish(keys.WAKE, "1")
        await shop.run("[[sim: tokens=3]]")
    assert int(await shop.redis.get(keys.FENCE)) == int(fence) + 1  # claimed once, and not again
