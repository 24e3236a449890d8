"""Who holds a stream: claims, take-overs, zombies, drains, and what arq would do without us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import orjson
import pytest
from arq.jobs import serialize_job

from app.stream import frames, keys
from app.stream.log import Claim, Status
from tests.worker.workshop import BEAT, MODEL, PATIENCE, Stream, Workshop
from worker.claims import jobs
from worker.life.life import Life
from worker.life.work import Work
from worker.log.writer import Writer
from worker.upstream.claude import Answer, Request

LONG_MS = 60_000


async def claimed_by_another(shop: Workshop, stream_id: str, lease_ms: int = 1) -> Claim:
    """Somebody else's claim, whose lease is over at once."""
    (claim,) = await shop.queue.claim(f"other-{stream_id}", 1, free=1, lease_ms=lease_ms, stream_id=stream_id)
    return claim


def has_text(stream: Stream) -> bool:
    return stream.names.count("content_block_delta") >= 3


async def is_free(shop: Workshop, stream_id: str) -> bool:
    """Back in the line."""
    return await shop.redis.zscore(keys.JOBS, stream_id) is not None


# --- taking over


async def test_a_worker_that_died_before_it_began_costs_nothing(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tokens=5 tag=early]]")
    await claimed_by_another(shop, stream_id)
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names[0]) == ("completed", "message_start")
    assert (await shop.calls("early"))["calls"] == 1


async def test_a_take_over_before_content_tells_of_a_retry(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tokens=5]]")
    claim = await claimed_by_another(shop, stream_id)
    await shop.log.begin(claim)
    await shop.log.append(claim, 0, b"", {"attempt": "1"})
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert stream.data("relay.retry") == [{"attempt": 2, "reason": "worker_lost", "retry_in_ms": 0}]
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"2")


@pytest.mark.parametrize(("on_interrupt", "outcome"), [("restart", "completed"), ("fail", "failed")])
async def test_a_take_over_after_content(shop: Workshop, on_interrupt: str, outcome: str) -> None:
    async with shop.worker("first", lease_seconds=0.5):
        stream_id = await shop.submit("[[sim: tokens=200 rate=400 first=0]]", on_interrupt=on_interrupt)
        await shop.until(stream_id, has_text)
    partial = await shop.look(stream_id)
    async with shop.worker("second", lease_seconds=0.5):
        stream = await shop.ended(stream_id)
    assert stream.outcome == outcome
    assert stream.frames[: len(partial.frames)] == partial.frames
    if on_interrupt == "restart":
        assert stream.data("relay.reset") == [{"attempt": 2, "reason": "worker_lost"}]
    else:
        assert "relay.reset" not in stream.names
        assert stream.meta["partial"] == b"1"
        assert "failure" not in stream.meta
    assert stream.json("message")["content"][0]["text"] == stream.text


async def test_workers_that_stand_still_take_no_attempt_from_their_streams(shop: Workshop) -> None:
    """Only so often: it may be the stream that makes them."""
    stream_id = await shop.submit("[[sim: tokens=400 rate=100 first=0 tag=innocent]]")
    async with AsyncExitStack() as stack:
        for number in range(4):
            parts = await stack.enter_async_context(shop.worker(f"still{number}", lease_seconds=600, max_attempts=2))
            if number == 0:
                parts.pool.wake()
            await shop.until(
                stream_id, lambda stream, n=number: stream.names.count("relay.reset") == n and has_text(stream)
            )
            parts.pool.stop_taking()
            if number < 2:
                await shop.redis.zadd(keys.LEASES, {stream_id: 1})
            else:
                break
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"], stream.meta["free"]) == ("completed", b"3", b"2")


async def test_a_job_that_kills_its_worker_every_time_ends_failed(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tag=killer]]")
    for number in range(3):
        (claim,) = await shop.queue.claim(f"dead{number}", 1, free=1, lease_ms=1, stream_id="")
        assert claim.times == number + 1
        await asyncio.sleep(0.005)
    async with shop.worker(max_attempts=3):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names) == ("failed", ["relay.end"])
    assert len(await shop.outbox(stream_id)) == 1
    assert (await shop.calls("killer"))["calls"] == 0


async def test_calls_are_counted_over_all_workers(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: status=529 tag=counted]]")
    claim = await claimed_by_another(shop, stream_id)
    await shop.log.begin(claim)
    await shop.log.append(claim, 0, b"", {"attempt": "2"})
    async with shop.worker(max_attempts=3, retry_wait_max=0.01):
        stream = await shop.ended(stream_id)
    assert (await shop.calls("counted"))["calls"] == 1
    assert (stream.outcome, stream.meta["attempts"]) == ("failed", b"3")


async def test_a_holder_that_died_between_the_ending_and_done_leaves_only_done(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tag=done]]")
    claim = await claimed_by_another(shop, stream_id)
    await shop.log.begin(claim)
    end, _ = frames.encode_json("relay.end", {"outcome": "completed"}, frames.origin(stream_id))
    await shop.log.append(claim, 0, end, {"outcome": "completed", "attempts": "1"}, ending_life_ms=LONG_MS)
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert stream.names == ["relay.end"]
    (entry,) = await shop.outbox(stream_id)
    assert (entry["outcome"], entry["ended_at"]) == ("completed", stream.meta["ended_at"].decode())
    assert (await shop.calls("done"))["calls"] == 0


async def test_a_stream_that_redis_lost_leaves_no_job_behind(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tag=gone]]")
    await shop.redis.delete(keys.meta(stream_id))
    async with shop.worker():
        await shop.eventually(lambda: _is_out(shop, stream_id))
    assert await shop.outbox(stream_id) == []
    assert (await shop.calls("gone"))["calls"] == 0


async def test_a_stream_that_redis_loses_while_it_runs_is_stopped(shop: Workshop) -> None:
    async with shop.worker() as parts:
        stream_id = await shop.submit("[[sim: tokens=4000 rate=50 tag=loses]]")
        await shop.until(stream_id, has_text)
        await shop.redis.delete(keys.meta(stream_id), keys.log(stream_id))
        await shop.eventually(lambda: _closed(shop, "loses"))
        await shop.eventually(lambda: _is_out(shop, stream_id))
        assert await shop.outbox(stream_id) == []
        assert not await shop.redis.exists(keys.log(stream_id))
        await shop.eventually(lambda: _empty(parts))


# --- zombies


async def test_a_worker_whose_stream_was_taken_writes_nothing_more(shop: Workshop) -> None:
    async with shop.worker("zombie", lease_seconds=600) as parts:
        stream_id = await shop.submit("[[sim: tokens=4000 rate=50 tag=zombie]]")
        await shop.until(stream_id, has_text)
        await shop.redis.zadd(keys.LEASES, {stream_id: 1})
        (claim,) = await shop.queue.claim("new", 1, free=1, lease_ms=LONG_MS)
        begun = await shop.log.begin(claim)
        await shop.eventually(lambda: _empty(parts))
        await shop.eventually(lambda: _closed(shop, "zombie"))
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
        await shop.eventually(lambda: _empty(parts))
        await shop.eventually(lambda: _closed(shop, "refused"))
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
            await shop.eventually(lambda: _empty(parts))
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


# --- what arq does without us


async def _nothing(shop: Workshop, stream_id: str) -> None:
    await shop.redis.delete(keys.arq_job(stream_id))


async def _malformed(shop: Workshop, stream_id: str) -> None:
    await shop.redis.set(keys.arq_job(stream_id), b"\x80\x04K\x01.", px=LONG_MS)


async def _unknown(shop: Workshop, stream_id: str) -> None:
    job = serialize_job("another_function", ("a secret",), {}, None, 0, serializer=orjson.dumps)
    await shop.redis.set(keys.arq_job(stream_id), job, px=LONG_MS)


async def _of_another_type(shop: Workshop, stream_id: str) -> None:
    """Redis refuses to read it, again and again."""
    await shop.redis.delete(keys.arq_job(stream_id))
    await shop.redis.hset(keys.arq_job(stream_id), "a", "b")
    await shop.redis.pexpire(keys.arq_job(stream_id), LONG_MS)


@pytest.mark.parametrize("happens", [_nothing, _malformed, _unknown, _of_another_type])
async def test_a_job_that_arq_cannot_run_ends_its_stream(
    shop: Workshop,
    happens: Callable[[Workshop, str], Awaitable[None]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "AWAY_SECONDS_MAX", jobs.AWAY_SECONDS)
    stream_id = await shop.submit("[[sim: tag=broken]]")
    await happens(shop, stream_id)
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names) == ("failed", ["relay.end"])
    assert len(await shop.outbox(stream_id)) == 1
    assert await shop.redis.ttl(keys.arq_job(stream_id)) <= keys.SUBMIT_SECONDS
    assert not await shop.redis.exists(keys.arq_retry(stream_id))
    assert (await shop.calls("broken"))["calls"] == 0
    assert "secret" not in caplog.text


async def test_what_escapes_arq_neither_ends_the_worker_nor_leaves_the_stream(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop.worker() as parts:

        async def broken(*_: object) -> None:
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(parts.pool, "run_job", broken)
            assert (await shop.run("[[sim: tokens=5]]")).outcome == "failed"
        assert (await shop.run("[[sim: tokens=5]]")).outcome == "completed"


# --- draining


async def drained(parts: Any) -> None:
    parts.pool.stop_taking()
    parts.pool.hand_over()
    await parts.pool.empty()


async def test_a_draining_worker_hands_over_at_once_and_the_call_does_not_count(shop: Workshop) -> None:
    async with shop.worker("old", max_attempts=1) as parts:
        stream_id = await shop.submit("[[sim: tokens=200 rate=400 first=0 tag=drained]]")
        await shop.until(stream_id, has_text)
        await drained(parts)
        assert await is_free(shop, stream_id)
        stream = await shop.look(stream_id)
        assert (stream.meta["free"], stream.meta["state"]) == (b"1", b"running")
    async with shop.worker("new", max_attempts=1):
        stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"
    assert stream.data("relay.reset") == [{"attempt": 2, "reason": "worker_drained"}]
    assert stream.meta["attempts"] == b"2"


async def test_a_stream_that_may_not_be_restarted_ends_with_its_worker(shop: Workshop) -> None:
    async with shop.worker() as parts:
        stream_id = await shop.submit("[[sim: tokens=4000 rate=100 first=0]]", on_interrupt="fail")
        await shop.until(stream_id, has_text)
        await drained(parts)
    stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names[-1]) == ("failed", "relay.end")


async def test_a_stream_that_waits_for_its_next_attempt_is_handed_over_as_it_is(shop: Workshop) -> None:
    async with shop.worker("old", max_attempts=2) as parts:
        began = asyncio.get_running_loop().time()
        stream_id = await shop.submit("[[sim: status=529 retry-after=2 times=1]] [[sim: tokens=5]]")
        await shop.until(stream_id, lambda stream: "relay.retry" in stream.names)
        await drained(parts)
        assert (await shop.look(stream_id)).meta.get("free", b"0") == b"0"
    async with shop.worker("new", max_attempts=2):
        stream = await shop.ended(stream_id)
    assert stream.meta["attempts"] == b"2"
    # What the upstream asked for holds whoever calls it next.
    assert asyncio.get_running_loop().time() - began >= 2
    first, second = stream.data("relay.retry")
    assert second["reason"] == "worker_drained"
    assert 0 < second["retry_in_ms"] < first["retry_in_ms"]


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_claim_on_its_way_is_handed_over_with_the_others(
    shop: Workshop,
    monkeypatch: pytest.MonkeyPatch,
    at_once: bool,  # noqa: FBT001
) -> None:
    """The second SIGTERM, or a drain of no time, comes while Redis answers: nothing is called and then left."""
    async with shop.worker(lease_seconds=600) as parts:
        claim, asked, answered = parts.services.queue.claim, asyncio.Event(), asyncio.Event()

        async def slowly(*args: Any, **options: Any) -> list[Claim]:
            claims = await claim(*args, **options)
            if claims:
                asked.set()
                await answered.wait()
            return claims

        monkeypatch.setattr(parts.services.queue, "claim", slowly)
        stream_id = await shop.submit("[[sim: tokens=5 tag=on-its-way]]")
        await asked.wait()
        parts.pool.stop_taking()
        parts.pool.hand_over()
        leaving = asyncio.create_task(parts.pool.empty())
        if not at_once:
            await asyncio.sleep(0.05)
            assert not leaving.done()
        answered.set()
        await leaving
        assert await is_free(shop, stream_id)
    assert (await shop.calls("on-its-way"))["calls"] == 0


async def test_a_call_that_was_counted_when_the_drain_came_is_no_attempt(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop.worker("old", max_attempts=1) as parts:
        count = Work._count

        async def counted(work: Work) -> None:
            await count(work)
            parts.pool.stop_taking()
            parts.pool.hand_over()
            await asyncio.sleep(0)

        monkeypatch.setattr(Work, "_count", counted)
        stream_id = await shop.submit("[[sim: tokens=5 tag=counted]]")
        await shop.eventually(lambda: is_free(shop, stream_id))
        await parts.pool.empty()
        monkeypatch.undo()
    async with shop.worker("new", max_attempts=1):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"1")
    assert (await shop.calls("counted"))["calls"] == 1


async def test_a_draining_worker_takes_nothing_new(shop: Workshop) -> None:
    async with shop.worker() as parts:
        parts.pool.stop_taking()
        stream_id = await shop.submit("[[sim: tag=new]]")
        await asyncio.sleep(0.05)
        assert await is_free(shop, stream_id)


# --- idling


async def test_an_idle_worker_asks_redis_for_little(shop: Workshop) -> None:
    """Those inside scripts included. The time is the test: nothing but time passes."""
    async with shop.worker(lease_seconds=10):
        await shop.eventually(lambda: shop.redis.zcard(keys.WORKERS))
        await asyncio.sleep(1)  # its beginning is over
        before = await _commands(shop)
        await asyncio.sleep(11)
        after = await _commands(shop)
    assert 0 < (after - before - 1) / 11 < 3


async def test_a_submit_wakes_an_idle_worker(shop: Workshop) -> None:
    async with shop.worker():
        waits = []
        for _ in range(20):
            stream = await shop.run("[[sim: tokens=1]]")
            waits.append(int(stream.meta["started_at"]) - int(stream.meta["created_at"]))
    assert sorted(waits)[10] < 100


async def _commands(shop: Workshop) -> int:
    return int((await shop.redis.info("stats"))["total_commands_processed"])


async def _is_out(shop: Workshop, stream_id: str) -> bool:
    return not await shop.redis.hexists(keys.CLAIMS, stream_id) and not await is_free(shop, stream_id)


async def _closed(shop: Workshop, tag: str) -> bool:
    return bool((await shop.calls(tag))["open"] == 0)


async def _empty(parts: Any) -> bool:
    return not parts.pool.leases


async def test_a_worker_whose_streams_take_all_they_may_takes_no_new_ones(shop: Workshop) -> None:
    async with shop.worker(worker_bytes=20_000) as parts:
        first = await shop.submit("[[sim: tokens=600 rate=600]]")
        await shop.until(first, lambda stream: sum(len(frame.raw) for frame in stream.frames) > 25_000)
        assert parts.pool.full
        assert parts.pool.bytes_in_flight >= 20_000
        second = await shop.submit("[[sim: tokens=3]]")
        ended = await shop.ended(first)
        started = int((await shop.ended(second)).meta["started_at"])
        assert started >= int(ended.meta["ended_at"])
        assert (parts.pool.bytes_in_flight, parts.pool.full) == (0, False)


async def test_who_cannot_write_takes_and_renews_nothing(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop.worker("broken", lease_seconds=0.5) as parts:
        stream_id = await shop.submit("[[sim: tokens=300 rate=100]]")
        await shop.until(stream_id, lambda stream: "content_block_delta" in stream.names)
        monkeypatch.setattr(parts.services.committer, "_pack", lambda _: 1 / 0)
        async with shop.worker("whole", lease_seconds=0.5):
            stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"
    assert stream.data("relay.reset")[0]["reason"] == "worker_lost"


async def test_what_escapes_a_stream_s_life_ends_it_and_is_told_by_its_class(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("the secret answer")

    monkeypatch.setattr("worker.life.work.Work._attempt", broken)
    async with shop.worker():
        stream = await shop.run("")
    assert (stream.outcome, stream.json("error")["message"]) == ("failed", "an internal error")
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text
