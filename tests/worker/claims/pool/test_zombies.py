"""A worker whose stream was taken writes nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.stream import keys
from app.stream.log import Status
from tests.worker.claims.pool.watching import LONG_MS, closed, empty, has_text
from tests.worker.workshop import BEAT, MODEL, PATIENCE, Workshop
from worker.claims import jobs
from worker.life.life import Life
from worker.log.writer import Writer
from worker.upstream.claude import Answer, Request


async def test_a_worker_whose_stream_was_taken_writes_nothing_more(shop: Workshop) -> None:
    async with shop.worker("zombie", lease_seconds=600) as parts:
        stream_id = await shop.submit("[[sim: tokens=4000 rate=50 tag=zombie]]")
        await shop.until(stream_id, has_text)
        await shop.redis.zadd(keys.LEASES, {stream_id: 1})
        (claim,) = await shop.queue.claim("new", 1, free=1, lease_ms=LONG_MS)
        begun = await shop.log.begin(claim)
        await shop.eventually(lambda: empty(parts))
        await shop.eventually(lambda: closed(shop, "zombie"))
        after = await shop.log.begin(claim)
    assert begun.status is after.status is Status.OK
    assert after.length == begun.length
    assert await shop.redis.hget(keys.CLAIMS, stream_id)  # not taken out of the new owner's hands
    assert await shop.redis.exists(keys.arq_job(stream_id))


async def test_a_refused_renewal_stops_a_silent_stream(shop: Workshop) -> None:
    async with shop.worker("zombie", lease_seconds=0.6) as parts:
        stream_id = await shop.submit("[[sim: stall-after=3 tag=refused]]")
        await shop.until(stream_id, has_text)
        before = (await shop.look(stream_id)).names
        await shop.redis.zadd(keys.LEASES, {stream_id: 1})
        await shop.eventually(lambda: shop.queue.claim("new", 1, free=1, lease_ms=LONG_MS))
        await shop.eventually(lambda: empty(parts))
        await shop.eventually(lambda: closed(shop, "refused"))
    assert (await shop.look(stream_id)).names == before
    assert await shop.redis.zscore(keys.LEASES, stream_id)


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


async def test_a_job_that_starts_late_runs_under_its_own_claim(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream has come back to the same worker before arq had read the older claim's job."""
    async with shop.worker(lease_seconds=600) as parts:
        run_job, lived, gates = parts.pool.run_job, jobs._lived, [asyncio.Event(), asyncio.Event()]
        started, fences = iter(gates), list[int]()

        async def late(*args: Any) -> None:
            await next(started).wait()
            await run_job(*args)

        async def tell(life: Life, *end: Any) -> None:
            fences.append(life.claim.fence)
            await lived(life, *end)

        monkeypatch.setattr(parts.pool, "run_job", late)
        monkeypatch.setattr(jobs, "_lived", tell)
        stream_id = await shop.submit("[[sim: tokens=3 tag=late]]")
        async with asyncio.timeout(PATIENCE):
            while stream_id not in parts.pool.leases:
                await asyncio.sleep(BEAT)
            older = parts.pool.leases[stream_id]
            await shop.redis.zadd(keys.LEASES, {stream_id: 1})
            parts.pool.wake()
            while parts.pool.leases[stream_id] is older:
                await asyncio.sleep(BEAT)
        for gate in gates:
            gate.set()
        stream = await shop.ended(stream_id)
    assert (stream.outcome, len(await shop.outbox(stream_id))) == ("completed", 1)
    assert fences == [older.claim.fence, older.claim.fence + 1]
    assert (await shop.calls("late"))["calls"] == 1


async def test_what_goes_wrong_after_a_stream_was_parked_does_not_end_it(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop.worker() as parts:
        with monkeypatch.context() as patch:
            patch.setattr(parts.services.gate, "parked", lambda _: 1 / 0)
            stream_id = await shop.submit("[[sim: status=429 retry-after=2 times=1]] [[sim: tokens=3]]")
            await shop.eventually(lambda: shop.redis.zscore(keys.gate_line(MODEL), stream_id))
            await shop.eventually(lambda: empty(parts))
        await shop.submit("[[sim: tokens=3]]")  # whoever asks wakes all who wait
        stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"


async def test_no_call_is_made_before_it_is_counted(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that dies in a call must have counted it. The first one is counted as the stream begins."""
    held: list[Writer] = []
    counted: list[bytes] = []
    async with shop.worker() as parts:
        ready, call = parts.services.committer.ready, parts.services.claude.call

        @asynccontextmanager
        async def look_and_call(request: Request) -> AsyncIterator[Answer]:
            counted.append((await shop.look(stream_id)).meta["attempt"])
            monkeypatch.setattr(parts.services.committer, "ready", held.append)
            async with call(request) as answer:
                yield answer

        monkeypatch.setattr(parts.services.claude, "call", look_and_call)
        stream_id = await shop.submit("[[sim: status=529 times=1 tokens=3 tag=counted-first]]")
        async with asyncio.timeout(PATIENCE):
            while not held:
                await asyncio.sleep(BEAT)
        await asyncio.sleep(0.3)  # time enough for a call
        assert (await shop.calls("counted-first"))["calls"] == 1
        monkeypatch.undo()
        for writer in held:
            ready(writer)
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"], counted) == ("completed", b"2", [b"1"])


async def test_a_call_that_was_counted_and_not_made_is_taken_back(shop: Workshop) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tokens=3 tag=never-made]]", created_at="1")
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"], stream.meta["attempt"]) == ("expired", b"0", b"0")
    assert (await shop.calls("never-made"))["calls"] == 0


async def test_leases_are_renewed_for_as_long_as_a_stream_runs(shop: Workshop) -> None:
    async with shop.worker("first", lease_seconds=0.5), shop.worker("second", lease_seconds=0.5):
        stream = await shop.run("[[sim: tokens=80 rate=40 tag=renewed]]")
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"1")
    assert (await shop.calls("renewed"))["calls"] == 1
