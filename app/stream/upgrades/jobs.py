"""A stream's job, which says of which version it is; and what becomes of one that is too new for who has claimed it.

The rule: a job is always the same, but for its version: JSON that begins with `{"v":<version>,`, as
`scripts/queue/newer.lua` reads it, and that arq reads besides. What a later version puts into it stays there.
"""

from __future__ import annotations

import orjson
from arq.jobs import serialize_job
from redis.asyncio import Redis

from app.stream import keys
from app.stream.log import Claim
from app.stream.scripts import source_on_full

# The one function a job names: arq looks it up by this name in the worker.
FUNCTION = "run_stream"


def job(version: int) -> bytes:
    """The job of a stream for whose life a worker has to know this version."""
    written: bytes = serialize_job(FUNCTION, (), {}, None, 0, serializer=orjson.dumps)
    return b'{"v":%d,%b' % (version, written.removeprefix(b"{"))


class PutBy:
    """The streams that wait for a worker of a newer version, of one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        parts = "queue/turns", "queue/places", "queue/line", "queue/newer"
        self._put_by = redis.register_script(source_on_full(*parts, "queue/put_by"))

    async def leave(self, claim: Claim, version: int, life_ms: int) -> bool:
        """Puts a claimed stream by, uncounted, for workers that know `version`; False where it is not ours.

        `life_ms`: for how long its job is kept, where that is lost.
        """
        stream_id = claim.stream_id
        left = await self._put_by(
            keys=[*keys.LINE, keys.LEASES, keys.CLAIMS, keys.NEWER, keys.arq_job(stream_id)],
            args=[
                *(stream_id, claim.fence, claim.holder, version),
                *(keys.WAKE, keys.QUEUE_SECONDS, job(version), life_ms),
            ],
        )
        return bool(left)

    async def has(self, stream_id: str) -> bool:
        """Whether this one is put by. What is looked at by an older version alone is not, but waits."""
        return await self._redis.zscore(keys.NEWER, stream_id) is not None

    async def count(self) -> int:
        """How many are."""
        return int(await self._redis.zcard(keys.NEWER))
