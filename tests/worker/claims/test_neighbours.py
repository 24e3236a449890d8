"""The workers among themselves: the dead are found early."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.workers.presence import Presence
from tests.patience import PATIENCE
from tests.worker.workshop import LIFE_MS, Workshop
from worker.claims import neighbours, trust
from worker.claims.neighbours import Neighbours, client_name


class Life:
    """A worker of which only the connection is alive."""

    def __init__(self, redis: Redis, name: str) -> None:
        self._redis, self.name = redis, name

    async def begin(self, shop: Workshop) -> None:
        """Is listed and holds a stream."""
        self.stream_id = await shop.submit("[[sim: tokens=5 tag=taken]]")
        (self.claim,) = await shop.queue.claim(self.name, 1, slots=1, lease_ms=LIFE_MS, stream_id=self.stream_id)
        await shop.queue.renew(self.name, [self.claim], LIFE_MS)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "GRACE_SECONDS", 0.01)


async def test_the_streams_of_a_dead_worker_are_taken_over_long_before_their_leases_end(shop: Workshop) -> None:
    dead = Life(shop.redis, "dead")
    await dead.begin(shop)
    assert LIFE_MS > 5 * PATIENCE * 1000  # which its lease lasts, and which is waited for here
    async with shop.worker():
        stream = await shop.ended(dead.stream_id)
    assert stream.outcome == "completed"
    assert b"dead" not in await shop.redis.zrange(keys.WORKERS, 0, -1)


@pytest.mark.usefixtures("impatient")
async def test_a_worker_that_is_heard_is_left_alone(shop: Workshop) -> None:
    alive = Life(shop.redis, "alive")
    await alive.begin(shop)
    async with shop.redis.pubsub() as connection:
        await connection.subscribe(keys.alive("alive"))
        assert await Neighbours("me", Presence(shop.redis)).look()
        assert await shop.redis.zscore(keys.LEASES, alive.stream_id) > 1
    assert await Neighbours("me", Presence(shop.redis)).look()
    assert await shop.redis.zscore(keys.LEASES, alive.stream_id) == 0


@pytest.mark.usefixtures("impatient")
async def test_after_our_own_connection_was_lost_nobody_is_judged_for_a_while(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Life(shop.redis, "other")
    await other.begin(shop)
    me = Neighbours("me", Presence(shop.redis))
    me.gap()
    await me.look()
    assert await shop.redis.zscore(keys.LEASES, other.stream_id) > 1
    monkeypatch.setattr(trust, "SHAKEN_SECONDS", 0.0)
    me.gap()
    await me.look()
    assert await shop.redis.zscore(keys.LEASES, other.stream_id) == 0


async def test_a_worker_that_comes_back_within_the_grace_is_left_alone(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = Life(shop.redis, "alive")
    await alive.begin(shop)
    async with shop.redis.pubsub() as connection:

        async def grace(_: float) -> None:
            await connection.subscribe(keys.alive("alive"))
            await connection.get_message(timeout=5)

        monkeypatch.setattr("worker.claims.neighbours.asyncio.sleep", grace)
        await Neighbours("me", Presence(shop.redis)).look()
    assert await shop.redis.zscore(keys.LEASES, alive.stream_id) > 1


@pytest.mark.usefixtures("impatient")
async def test_a_worker_with_any_connection_left_is_left_alone(shop: Workshop) -> None:
    alive = Life(shop.redis, "alive")
    await alive.begin(shop)
    async with shop.redis.client() as connection:
        await connection.client_setname(client_name("alive"))
        await Neighbours("me", Presence(shop.redis)).look()
    assert await shop.redis.zscore(keys.LEASES, alive.stream_id) > 1


@pytest.mark.usefixtures("impatient")
async def test_a_wrong_guess_costs_no_byte(shop: Workshop) -> None:
    async with shop.worker("wronged", lease_seconds=600) as parts:
        stream_id = await shop.submit("[[sim: tokens=100 rate=100 first=0 tag=wronged]]")
        await shop.until(stream_id, lambda stream: stream.names.count("content_block_delta") >= 3)
        assert await Presence(shop.redis).expire([parts.pool.name])
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names.count("relay.end")) == ("completed", 1)


async def test_only_the_leases_of_that_worker_expire(shop: Workshop) -> None:
    lives = [Life(shop.redis, name) for name in ("host:1:a", "host:1:a2", "host:11:a")]
    for life in lives:
        await life.begin(shop)
    assert await Presence(shop.redis).expire(["host:1:a"]) == {"host:1:a": 1}
    scores = [await shop.redis.zscore(keys.LEASES, life.stream_id) for life in lives]
    assert [score == 0 for score in scores] == [True, False, False]


async def test_what_one_has_found_the_others_do_not_walk_all_claims_for(shop: Workshop) -> None:
    """Hundreds of workers find the same dead ones within a second."""
    lives = [Life(shop.redis, name) for name in ("dead", "gone", "alive")]
    for life in lives:
        await life.begin(shop)
    presence = Presence(shop.redis)
    assert await presence.expire(["dead", "gone"]) == {"dead": 1, "gone": 1}
    walked = await _walks(shop)
    assert await presence.expire(["dead", "gone"]) == {}
    assert await _walks(shop) == walked
    await shop.queue.renew("gone", [lives[1].claim], LIFE_MS)  # it was alive: it is found again if it dies
    assert await presence.expire(["dead", "gone"]) == {"gone": 1}


@pytest.mark.usefixtures("impatient")
async def test_all_that_died_at_once_are_found_with_one_look(shop: Workshop) -> None:
    lives = [Life(shop.redis, f"dead-{n}") for n in range(5)]
    for life in lives:
        await life.begin(shop)
    walked = await _walks(shop)
    await Neighbours("me", Presence(shop.redis)).look()
    assert await _walks(shop) == walked + 1
    assert {await shop.redis.zscore(keys.LEASES, life.stream_id) for life in lives} == {0}


async def _walks(shop: Workshop) -> int:
    """How often somebody walked through all claims."""
    return int((await shop.redis.info("commandstats")).get("cmdstat_hgetall", {}).get("calls", 0))


async def test_without_leases_there_is_nothing_to_look_after(shop: Workshop) -> None:
    await shop.queue.renew("dead", [], 10_000)
    assert await Presence(shop.redis).absent("me") == (0, set())
    assert not await Neighbours("me", Presence(shop.redis)).look()
