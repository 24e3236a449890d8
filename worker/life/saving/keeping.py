"""What becomes of a whole answer: kept for those who ask the same, if its stream asked for that.

The rule: it is read back from the log, before the stream is out of the queue, so whoever ends a stream keeps its
answer; and only what was complete is kept. Keeping fails silently: an answer that is not kept is asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from redis.exceptions import RedisError

from app.stream.endings import Outcome
from app.stream.frames import without_ids
from app.stream.log import Log
from app.stream.readback.newest import pieces
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal
from app.stream.saved.saved_calls import CACHED_FROM, DIGEST, SECONDS, SHARED_WITH, Saved, wanted_of

# What is to be known of a stream.
FIELDS = (SECONDS, DIGEST, CACHED_FROM, SHARED_WITH, "tools")


async def keep(log: Log, saved: Saved, stream_id: str, meta: Mapping[str, bytes]) -> None:
    """Keeps the answer of a stream that has ended, of which `meta` has `FIELDS` and its outcome."""
    wanted = wanted_of(meta)
    borrowed = meta.get(CACHED_FROM) or meta.get(SHARED_WITH)
    if "tools" in meta or wanted is None or borrowed or meta.get("outcome") != Outcome.COMPLETED.encode():
        return
    try:
        found = [without_ids(piece) async for piece in pieces(partial(log.peek, stream_id))]
        await saved.keep(wanted, stream_id, b"".join(found))
    except (RedisError, *AWAY) as error:
        tell_refusal("saved", error)
