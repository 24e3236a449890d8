"""What a stream did cost is known also after it has gone."""

from __future__ import annotations

from redis.asyncio import Redis

from app.stream import keys
from app.stream.ledger.lines import Calls, CallState
from tests.chaos.billed import Billed
from tests.chaos.test_costs import WHOLE, price


async def ended(redis: Redis, stream_id: str, calls: Calls) -> None:
    await redis.hset(keys.meta(stream_id), "calls", calls.encode())  # type: ignore[misc]  # redis-py's types mix both clients
    await redis.expire(keys.meta(stream_id), 60)
    await redis.xadd(keys.OUTBOX, {"id": stream_id})
    await redis.expire(keys.OUTBOX, 60)


async def test_a_ledger_is_read_once_while_it_is_kept(redis: Redis) -> None:
    billed, calls = Billed(redis, redis), Calls().opened("m").answered("req_1").closed(CallState.COMPLETE, WHOLE, price)
    await ended(redis, "first", calls)
    await billed.look()
    await redis.delete(keys.meta("first"))
    await ended(redis, "second", calls)
    for _ in range(2):
        await billed.look()
        assert [(name, one.sums.nano) for name, one in billed.calls.items()] == [("first", 39), ("second", 39)]
