"""Cancelling: at once, from anywhere, whatever message is lost, and with exactly one ending."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from app.stream import keys
from app.stream.channel import Channel
from app.stream.concurrency.tasks import end
from app.stream.frames import origin
from app.stream.log import Claim, State
from tests.app.stream.redis.cluster.scripted import scripted
from tests.worker.workshop import Stream, Workshop
from worker.claims.cancels import Cancels
from worker.claims.leases import Lease

# The promise is 50 ms from the call to the closed connection; a busy machine may look late. What else would tell comes
# far later: the next renewal of a lease of 600 s, the upstream's next byte.
SECONDS = 5.0


class NobodysLife:
    """A stream that is held, and whose cancellation can be waited for."""

    def __init__(self, stream_id: str) -> None:
        self.claim = Claim(stream_id, 1, "w/1")
        self.cancelled = asyncio.Event()

    def cancel(self) -> None:
        self.cancelled.set()


def has_text(stream: Stream) -> bool:
    return stream.names.count("content_block_delta") >= 3


async def closed(shop: Workshop, tag: str) -> bool:
    seen = await shop.calls(tag)
    return bool(seen["calls"] >= 1 and seen["open"] == 0)


async def test_a_running_stream_is_cancelled_and_its_upstream_connection_closed(shop: Workshop) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tokens=4000 rate=50 tag=running]]")
        await shop.until(stream_id, has_text)
        async with asyncio.timeout(SECONDS):
            assert await shop.log.cancel(stream_id) is State.RUNNING
            await shop.eventually(lambda: closed(shop, "running"))
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names[-1]) == ("cancelled", "relay.end")
    assert "error" not in stream.meta
    assert stream.json("message")["content"] == [{"type": "text", "text": stream.text}]
    assert stream.meta["partial"] == b"1"
    assert stream.json("usage")["input_tokens"] > 0
    assert (await shop.calls("running"))["closed_early"] == 1


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("stall-after=2", "message_start"),
        ("status=529 retry-after=30", "relay.retry"),  # waits for its next attempt
        ("slow-head=30", None),  # no byte of an answer yet
    ],
)
async def test_a_stream_that_waits_is_cancelled_at_once(shop: Workshop, asked: str, first: str | None) -> None:
    async with shop.worker(retry_wait_max=60, lease_seconds=600):
        stream_id = await shop.submit(f"[[sim: {asked} tag=waits]]")
        await shop.until(stream_id, lambda stream: first in (None, *stream.names) and "attempt" in stream.meta)
        await shop.eventually(lambda: _called(shop, "waits"))
        async with asyncio.timeout(SECONDS):
            await shop.log.cancel(stream_id)
            await shop.eventually(lambda: closed(shop, "waits"))
            stream = await shop.ended(stream_id)
    assert stream.outcome == "cancelled"


async def test_a_cancellation_that_came_before_the_claim_is_found_at_begin(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tag=before]]")
    await shop.log.cancel(stream_id)
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names) == ("cancelled", ["relay.end"])
    assert (await shop.calls("before"))["calls"] == 0


async def test_the_next_append_tells_of_a_cancellation_whose_message_was_lost(shop: Workshop) -> None:
    async with shop.worker(lease_seconds=600):
        stream_id = await shop.submit("[[sim: tokens=4000 rate=50 tag=lost]]")
        await shop.until(stream_id, has_text)
        await shop.redis.hset(keys.meta(stream_id), "cancel", "1")
        async with asyncio.timeout(SECONDS):
            stream = await shop.ended(stream_id)
    assert stream.outcome == "cancelled"


async def test_a_renewal_finds_a_cancellation_whose_message_was_lost(shop: Workshop) -> None:
    async with shop.worker(lease_seconds=0.6):
        stream_id = await shop.submit("[[sim: stall-after=3 tag=silent]]")
        await shop.until(stream_id, has_text)
        await shop.redis.hset(keys.meta(stream_id), "cancel", "1")
        stream = await shop.ended(stream_id)
    assert stream.outcome == "cancelled"


async def test_a_channel_that_was_cut_off_is_no_way_to_miss_a_cancellation(shop: Workshop) -> None:
    async with shop.worker(lease_seconds=600):
        stream_id = await shop.submit("[[sim: stall-after=3 tag=cut]]")
        await shop.until(stream_id, has_text)
        await shop.eventually(lambda: shop.redis.pubsub_numsub(keys.control(stream_id)))
        await shop.redis.hset(keys.meta(stream_id), "cancel", "1")
        await shop.redis.client_kill_filter(_type="pubsub")
        stream = await shop.ended(stream_id)
    assert stream.outcome == "cancelled"


async def test_a_cancellation_just_before_the_stream_listens_is_seen(shop: Workshop) -> None:
    life = NobodysLife("st_that_nobody_runs")
    await shop.log.open(life.claim.stream_id, {"owner": "me"})
    await shop.log.cancel(life.claim.stream_id)
    async with Channel(shop.redis) as channel:
        cancels = Cancels({}, shop.redis, channel, lease_seconds=600)
        with cancels.heard(cast("Any", life)):
            async with asyncio.timeout(SECONDS):
                await life.cancelled.wait()


async def test_a_message_of_another_version_is_a_reason_to_look(shop: Workshop) -> None:
    life = NobodysLife("st_heard")
    await shop.log.open(life.claim.stream_id, {"owner": "me"})
    async with Channel(shop.redis) as channel:
        cancels = Cancels({}, shop.redis, channel, lease_seconds=600)
        with cancels.heard(cast("Any", life)):
            heard = keys.control(life.claim.stream_id)
            await shop.eventually(lambda: _listens(shop, heard))
            await shop.redis.hset(keys.meta(life.claim.stream_id), "cancel", "1")
            await shop.redis.publish(heard, "v2 cancel")
            async with asyncio.timeout(SECONDS):
                await life.cancelled.wait()


async def test_who_looks_again_after_an_outage_looks_at_once(shop: Workshop) -> None:
    """What looks raises while Redis is away, and is begun again as soon as it may be back: not a beat later."""
    life = NobodysLife("st_cancelled_meanwhile")
    await shop.log.open(life.claim.stream_id, {"owner": "me"})
    await shop.log.cancel(life.claim.stream_id)
    async with Channel(shop.redis) as channel:
        leases = {life.claim.stream_id: Lease(life.claim, cast("Any", life))}
        looking = asyncio.create_task(Cancels(leases, shop.redis, channel, lease_seconds=600).watch())
        async with asyncio.timeout(SECONDS):
            await life.cancelled.wait()
        await end(looking)


async def test_a_node_that_is_away_hides_no_cancellation_of_the_others() -> None:
    async with scripted() as (cluster, client):
        there, away = cluster.nodes
        there.answer = lambda _: b"1"
        lives = [NobodysLife(cluster.of(node)[0][len("ks:{") : -len("}:meta")]) for node in (away, there)]
        leases = {life.claim.stream_id: Lease(life.claim, cast("Any", life)) for life in lives}
        await away.stop()
        async with Channel(client) as channel:
            await Cancels(leases, client, channel, lease_seconds=600).look()
    assert [life.cancelled.is_set() for life in lives] == [False, True]


async def test_a_cancellation_that_races_the_end_makes_one_ending(shop: Workshop) -> None:
    outcomes = set()
    async with shop.worker():
        for number in range(40):
            stream_id = await shop.submit(f"{number} [[sim: tokens=20 rate=0]]")
            await asyncio.sleep(0.0004 * number)
            await shop.log.cancel(stream_id)
            stream = await shop.ended(stream_id)
            assert stream.names.count("relay.end") == 1
            assert stream.names[-1] == "relay.end"
            assert len(await shop.outbox(stream_id)) == 1
            assert ("message" in stream.meta) == (stream.outcome == "completed")
            outcomes.add(stream.outcome)
    assert outcomes == {"cancelled", "completed"}


async def test_a_stream_that_nobody_reads_is_cancelled_if_it_asked_for_it(shop: Workshop) -> None:
    async with shop.worker():
        abandoned = await shop.submit("[[sim: stall-after=3 tag=abandoned]]", abandon_after="1")
        kept = await shop.submit("[[sim: stall-after=3 tag=kept]]")
        read = await shop.submit("[[sim: stall-after=3 tag=read]]", abandon_after="1")
        async with shop.redis.pubsub() as reader:
            await reader.subscribe(keys.channel(read))
            assert (await shop.ended(abandoned)).outcome == "cancelled"
            assert await shop.eventually(lambda: closed(shop, "abandoned"))
            for stream_id in (kept, read):
                assert (await shop.look(stream_id)).meta["state"] == b"running"
            await reader.unsubscribe()
        assert (await shop.ended(read)).outcome == "cancelled"
        assert (await shop.look(kept)).meta["state"] == b"running"


async def test_nothing_is_left_of_a_stream_s_subscription(shop: Workshop) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tokens=5]]")
        await shop.ended(stream_id)
        assert await shop.eventually(lambda: _unheard(shop, stream_id))
    assert (await shop.log.read(stream_id, origin(stream_id))).complete


async def _called(shop: Workshop, tag: str) -> bool:
    return bool((await shop.calls(tag))["calls"])


async def _unheard(shop: Workshop, stream_id: str) -> bool:
    ((_, count),) = await shop.redis.pubsub_numsub(keys.control(stream_id))
    return bool(count == 0)


async def _listens(shop: Workshop, channel: str) -> bool:
    [(_, listeners)] = await shop.redis.pubsub_numsub(channel)
    return bool(listeners)
