"""Tools whose stream's newest words Redis has lost, as after a failover: its holder's `begin` with all that followed.

By whole workers against a real Valkey: what the holder knows is written again, and who takes over from it finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from app.stream import keys
from app.stream.approvals.approvals import Decided, Verdict
from tests.patience import PATIENCE
from tests.worker.life.tooling.box import Box, asking, boxed
from tests.worker.workshop import Workshop
from worker.life import life

LEASE = 0.6
YES, NO = Verdict(approve=True), Verdict(approve=False)


async def still(shop: Workshop, stream_id: str, asked: int) -> list[str]:
    """A stream that waits for a person: the calls that it asks of."""

    async def is_still() -> bool:
        return await shop.redis.zscore(keys.APPROVALS, stream_id) is not None

    await shop.eventually(is_still)
    calls = [one["tool_use_id"] for one in (await shop.look(stream_id)).data("relay.approval")]
    assert len(calls) == asked
    return calls


async def say(shop: Workshop, stream_id: str, call: str, verdict: Verdict) -> None:
    decided, _ = await shop.queue.approvals.decide(stream_id, call, verdict)
    assert decided is Decided.OK
    await shop.queue.approvals.wake(stream_id)


async def kept(shop: Workshop, stream_id: str) -> tuple[bytes, Mapping[bytes, bytes]]:
    return await shop.redis.get(keys.log(stream_id)), await shop.redis.hgetall(keys.meta(stream_id))


async def put_back(shop: Workshop, stream_id: str, before: tuple[bytes, Mapping[bytes, bytes]]) -> None:
    """Redis is as it was."""
    log, meta = before
    async with shop.redis.pipeline() as pipe:
        pipe.delete(keys.meta(stream_id))
        pipe.hset(keys.meta(stream_id), mapping=dict(meta))
        pipe.set(keys.log(stream_id), log)
        await pipe.execute()


async def one_of_two(shop: Workshop, box: Box) -> tuple[str, list[str]]:
    """Of two calls that a person was asked of the first runs, under a claim of which Redis knows nothing any more."""
    box.demand("pay")
    box.hold = {"pay"}
    stream_id = await shop.submit('[[sim: tools="pay,pay" tell]]', **asking("pay"))
    calls = await still(shop, stream_id, 2)
    decided, _ = await shop.queue.approvals.decide(stream_id, calls[0], YES)
    assert decided is Decided.OK
    before = await kept(shop, stream_id)
    await shop.queue.approvals.wake(stream_id)
    await asyncio.wait_for(box.until_called(), PATIENCE)
    await put_back(shop, stream_id, before)
    return stream_id, calls


async def test_what_ran_stands_before_a_person_is_waited_for_again(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next holder would run it once more."""
    box = boxed(monkeypatch, pay=False)
    async with shop.worker(lease_seconds=LEASE):
        stream_id, [first, second] = await one_of_two(shop, box)
        box.let()
        await still(shop, stream_id, 2)
        await say(shop, stream_id, second, NO)
        stream = await shop.ended(stream_id)
    assert (stream.outcome, box.called) == ("completed", [first])
    assert [(one["tool_use_id"], one["is_error"]) for one in stream.data("relay.tool")] == [
        (first, False),
        (second, True),
    ]
    told = orjson.loads(stream.text)
    assert [one["is_error"] for one in told] == [False, True]


async def test_one_that_could_not_be_put_down_is_put_down_again(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would wait where no verdict reaches it, and by a clock that does not stand still."""
    box = boxed(monkeypatch, pay=False)
    box.demand("pay")
    put_down, times = life.put_down, 0

    async def lost(*args: Any) -> bool:
        nonlocal times
        times += 1
        if times == 2:
            await put_back(shop, stream_id, before)
        return await put_down(*args)

    monkeypatch.setattr(life, "put_down", lost)
    async with shop.worker(lease_seconds=LEASE):
        stream_id = await shop.submit('[[sim: tools="pay,pay" tell]]', **asking("pay"))
        [first, second] = await still(shop, stream_id, 2)
        before = await kept(shop, stream_id)
        await say(shop, stream_id, first, YES)
        await shop.eventually(lambda: shop.redis.hexists(keys.meta(stream_id), f"result:{first}"))
        await still(shop, stream_id, 2)
        stream = await shop.look(stream_id)
        assert (stream.meta["state"], int(stream.meta["waiting_since"]) > 0, times) == (b"waiting", True, 3)
        assert len(stream.data("relay.tool")) == 1
        await say(shop, stream_id, second, NO)
        stream = await shop.ended(stream_id)
    assert (stream.outcome, box.called) == ("completed", [first])


async def test_a_cancel_is_heard_though_nothing_can_be_written_of_what_is_asked(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full Redis takes endings."""
    box = boxed(monkeypatch, pay=False, look=True)
    box.demand("pay")
    box.hold = {"look"}
    async with shop.worker(lease_seconds=LEASE):
        stream_id = await shop.submit('[[sim: tools="pay,look"]]', **asking("pay", "look"))
        await asyncio.wait_for(box.until_called(), PATIENCE)
        await shop.until(stream_id, lambda stream: "relay.approval" in stream.names)
        await shop.redis.config_set("maxmemory", "1")
        try:
            box.let()
            await asyncio.sleep(0.3)  # the result is refused: there is nothing to wait for
            await shop.log.cancel(stream_id)
            stream = await shop.ended(stream_id)
        finally:
            await shop.redis.config_set("maxmemory", "0")
    assert stream.outcome == "cancelled"
