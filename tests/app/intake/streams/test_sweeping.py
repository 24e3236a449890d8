"""The sweep: whom nobody else ends, whatever becomes of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from redis.asyncio import Redis

from app.intake.streams import Streams
from app.intake.sweep import sweeping
from app.stream import keys
from app.stream.log import Begun, Claim
from tests.app.intake.streams.submitted import streams_of, submit
from tests.patience import PATIENCE


@pytest.fixture
def streams(redis: Redis) -> Streams:
    return streams_of(redis)


async def test_streams_whose_node_is_away_keep_no_other_from_its_ending(
    redis: Redis, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not claimed either: three of them, one with each sweep, would keep all others waiting for good."""
    away, other = [await submit(streams) for _ in range(3)], await submit(streams)
    begin, states = streams.log.begin, streams.log.states

    async def begin_there(claim: Claim) -> Begun:
        if claim.stream_id in away:
            raise ConnectionRefusedError
        return await begin(claim)

    async def states_there(stream_ids: Iterable[str]) -> dict[str, bytes | None]:
        return await states(set(stream_ids).difference(away))

    monkeypatch.setattr(streams.log, "begin", begin_there)
    monkeypatch.setattr(streams.log, "states", states_there)
    async with sweeping(streams, 0.01), asyncio.timeout(PATIENCE):
        while not (entries := await redis.xrange(keys.OUTBOX)):
            await asyncio.sleep(0.01)
    [(_, entry)] = entries
    assert entry[b"id"] == other.encode()
    assert await redis.zcard(keys.LEASES) == 0
    assert await redis.zcard(keys.JOBS) == len(away)
