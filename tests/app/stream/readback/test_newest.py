"""The newest attempt of a log, in pieces, whatever stands in it and whatever happens to it meanwhile."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.frames import Position, encode, origin
from app.stream.log import Log, Read
from app.stream.readback import newest
from app.stream.readback.newest import pieces
from tests.patience import PATIENCE

STREAM = "st_newest"


async def write(redis: Redis, *sizes: int, base: int = 0, cut: int = 0) -> list[bytes]:
    """A log of frames of such data; without its last `cut` bytes."""
    frames, (offset, crc) = list[bytes](), origin(STREAM)
    for size in sizes:
        frame, offset, crc = encode(b"n", b'"%b"' % (b"x" * size), offset, crc)
        frames.append(frame)
    whole = b"".join(frames)
    await redis.set(keys.log(STREAM), whole[: len(whole) - cut], ex=60)
    await redis.hset(keys.meta(STREAM), mapping={"state": "running", "base": len(b"".join(frames[:base]))})
    await redis.expire(keys.meta(STREAM), 60)
    return frames


async def given(redis: Redis, most: float = float("inf")) -> list[bytes]:
    async with asyncio.timeout(PATIENCE):
        return [data async for data in pieces(partial(Log(redis).read, STREAM), most)]


async def test_it_begins_at_the_newest_attempt_and_ends_at_the_log_s_end(redis: Redis) -> None:
    frames = await write(redis, 10, 20, 30, base=1)
    assert await given(redis) == [frames[1] + frames[2]]


@pytest.mark.parametrize("sizes", [(10, 10, 10), (700, 5, 3000, 8), (5000,), ()])
async def test_frames_of_any_size_come_whole(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...]
) -> None:
    monkeypatch.setattr(newest, "READ_BYTES", 256)
    frames = await write(redis, *sizes)
    assert b"".join(await given(redis)) == b"".join(frames)


@pytest.mark.parametrize("cut", [1, 10, 40])
async def test_what_is_no_whole_frame_ends_it(redis: Redis, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    monkeypatch.setattr(newest, "READ_BYTES", 256)
    frames = await write(redis, 300, 300, cut=cut)
    assert b"".join(await given(redis)) == frames[0]
    await write(redis, 300, cut=cut)
    assert await given(redis) == []


async def test_no_more_is_read_than_is_wanted(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "READ_BYTES", 256)
    frames = await write(redis, *[100] * 20)
    assert len(b"".join(await given(redis, 500))) < len(b"".join(frames)) / 2
    await write(redis, 10_000)
    assert await given(redis, 500) == []


async def test_what_the_log_loses_meanwhile_was_there_all_the_same(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest, "READ_BYTES", 256)
    frames = await write(redis, 150, 150, 150)
    log = Log(redis)

    async def ask(after: Position | None, size: int) -> Read:
        if after is not None:
            await write(redis, 90, 90, 90)
        return await log.read(STREAM, after, size)

    assert [data async for data in pieces(ask)] == [frames[0]]
