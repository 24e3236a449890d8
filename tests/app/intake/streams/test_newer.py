"""What a front does with streams of a version that it does not know, or that no worker there does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from app.intake.streams import Streams
from app.intake.sweep import sweeping
from app.stream import keys
from app.stream.endings import Withdrawn
from app.stream.log import State
from app.stream.upgrades import language
from tests.app.intake.streams.submitted import OWNER, outbox, streams_of, submit
from tests.patience import PATIENCE

LEASE_MS = 60_000


@pytest.fixture
def streams(redis: Redis) -> Streams:
    return streams_of(redis)


@pytest.fixture
def by_newer(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams are submitted by a front of the next version, which knows more than this process does by then."""
    submitted = streams.submit

    async def submit(*args: Any, **more: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(language, "SINCE", {"owner": language.VERSION + 1})
            return await submitted(*args, **more)

    monkeypatch.setattr(streams, "submit", submit)


async def put_by(streams: Streams) -> str:
    stream_id = await submit(streams)
    assert await streams.queue.claim("worker", 1, slots=9, lease_ms=LEASE_MS) == []
    assert await streams.queue.put_by.has(stream_id)
    return stream_id


@pytest.mark.parametrize("version", [language.VERSION, language.VERSION + 1])
async def test_a_stream_and_its_job_say_which_version_they_need(
    redis: Redis, streams: Streams, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "SINCE", {"owner": version})
    stream_id = await submit(streams)
    assert language.version_of(await streams.log.meta(stream_id, language.FIELD) or {}) == version
    assert (await redis.get(keys.arq_job(stream_id))).startswith(b'{"v":%d,' % version)
    await redis.delete(keys.arq_job(stream_id))
    await redis.zrem(keys.JOBS, stream_id)
    assert await streams.resubmit(stream_id, OWNER, "key", "digest")  # its front had died in the middle of it
    assert (await redis.get(keys.arq_job(stream_id))).startswith(b'{"v":%d,' % version)


@pytest.mark.usefixtures("by_newer")
async def test_what_needs_a_newer_worker_is_cancelled_by_any_front(redis: Redis, streams: Streams) -> None:
    stream_id = await put_by(streams)
    await redis.hset(keys.meta(stream_id), "dances", "since the next one")  # type: ignore[misc]  # redis-py's types mix both clients
    assert await streams.cancel(stream_id) is State.ENDED
    [entry] = await outbox(redis)
    assert (entry[b"id"], entry[b"outcome"]) == (stream_id.encode(), b"cancelled")
    assert not await redis.exists(keys.JOBS, keys.LEASES, keys.CLAIMS, keys.NEWER)
    assert await redis.hget(keys.meta(stream_id), "dances") == b"since the next one"  # type: ignore[misc]  # as above


@pytest.mark.usefixtures("by_newer")
async def test_where_no_newer_worker_comes_it_expires_and_says_why(redis: Redis, streams: Streams) -> None:
    stream_id = await put_by(streams)
    async with sweeping(streams, 0.01), asyncio.timeout(PATIENCE):
        while not await outbox(redis):
            await asyncio.sleep(0.01)
    log = await redis.get(keys.log(stream_id))
    assert b'"outcome":"expired"' in log
    assert b"no worker of a version that knows what the stream asks for was there" in log
    assert not await redis.exists(keys.JOBS, keys.NEWER)


async def test_a_state_of_a_later_version_is_not_taken_for_a_stream_that_waits(redis: Redis, streams: Streams) -> None:
    """A withdrawal must not end it under its worker."""
    stream_id = await submit(streams)
    await redis.hdel(keys.meta(stream_id), "kept")  # type: ignore[misc]  # as above
    await redis.hset(keys.meta(stream_id), "state", "resting")  # type: ignore[misc]  # as above
    assert await streams.log.withdraw(stream_id, "its word") is Withdrawn.RUNNING
    assert await streams.log.meta(stream_id, "cancel") == {"state": b"resting", "cancel": b"1"}
    assert await streams.log.cancel(stream_id) is State.RUNNING
