"""What a cancelled stream would have been given, for those that read along with it.

The law: a log ends with its ending, so what is still to come of a call that others share stands beside the log, in the
slot of the stream, under the same fence. Who reads along listens to a channel of its own, and is counted by that.
"""

from __future__ import annotations

from collections.abc import Mapping

from redis.asyncio import Redis

from app.stream import keys
from app.stream.log import READ_BYTES, Claim
from app.stream.redis.known import shaken
from app.stream.scripts import source

# The field of the meta that says whether there is a rest, and its two values.
FIELD, COMES, OVER = "rest", "comes", b"over"


class Rests:
    """Those of one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._write = redis.register_script(source("log/rest"))

    async def write(
        self, claim: Claim, at: int, frames: bytes, fields: Mapping[str, str | bytes | int], *, over: bool
    ) -> bool:
        """Appends `frames` at a place, and stores fields; False where the stream is not the claim's any more."""
        flat = [part for pair in fields.items() for part in pair]
        stream_id = claim.stream_id
        return bool(
            await self._write(
                keys=[keys.meta(stream_id), keys.rest(stream_id)],
                args=[keys.followers(stream_id), claim.fence, claim.holder, at, frames, "1" if over else "", *flat],
            )
        )

    async def read(self, stream_id: str, at: int) -> tuple[bytes, bool]:
        """What follows `at`, and whether no more will come."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hget(keys.meta(stream_id), FIELD)  # first: what stands by then is read behind it
            pipe.getrange(keys.rest(stream_id), at, at + READ_BYTES - 1)
            state, data = await pipe.execute()
        return data, not data and state != COMES.encode()

    async def is_followed(self, stream_id: str) -> bool:
        """Whether anybody reads along, in whichever worker. Right after a failover everybody counts as read along."""
        if shaken(self._redis):
            return True
        [(_, workers)] = await self._redis.pubsub_numsub(keys.followers(stream_id))
        return bool(workers)
