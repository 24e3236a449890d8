"""A stream of another holder, and what becomes of streams."""

from __future__ import annotations

from typing import Any

from app.stream import keys
from tests.worker.workshop import Stream, Workshop

LONG_MS = 60_000


def has_text(stream: Stream) -> bool:
    return stream.names.count("content_block_delta") >= 3


async def is_free(shop: Workshop, stream_id: str) -> bool:
    """Back in the line."""
    return await shop.redis.zscore(keys.JOBS, stream_id) is not None


async def closed(shop: Workshop, tag: str) -> bool:
    return bool((await shop.calls(tag))["open"] == 0)


async def empty(parts: Any) -> bool:
    return not parts.pool.leases
