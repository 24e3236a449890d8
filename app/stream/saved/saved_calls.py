"""Saved calls: an answer is given again to who asks the same, and shown to who asks while it is being given.

The law: a request is known by a digest of all that can change its answer, its owner included; only streams that asked
for it are looked at or looked up, and only whole answers are kept. A kept answer has no ids: who is given it writes it
into a log of its own. The stream that others are shown is one that a worker has; who finds that it has none takes its
place. Knows nothing of logs: the keys here are the queue's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from redis.asyncio import Redis

from app.stream import keys
from app.stream.scripts import source, source_on_full

# The fields of a stream's meta: how many seconds old an answer may be, and be kept; and the request's digest. Whose
# answer it was given, if it was.
SECONDS, DIGEST, CACHED_FROM, SHARED_WITH = "cache", "cache_key", "cached_from", "shared_with"
# What was promised to nobody, for an answer was there when it was asked for: the most that a call may cost, in nano.
UNRESERVED = "unreserved"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a stream asked for: the same answer as others had for this request, if it is not older."""

    digest: str
    seconds: float

    @property
    def fields(self) -> dict[str, str]:
        return {DIGEST: self.digest, SECONDS: f"{self.seconds:g}"}


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that is kept: frames without ids, and the stream that was given it first."""

    stream_id: str
    frames: bytes


@dataclass(frozen=True, slots=True)
class Running:
    """A stream that is being given the answer."""

    stream_id: str


def wanted_of(meta: Mapping[str, bytes]) -> Wanted | None:
    """What the fields of a meta say."""
    try:
        return Wanted(meta[DIGEST].decode(), float(meta[SECONDS]))
    except (KeyError, ValueError):
        return None


def digest_of_call(body_digest: str, owner: str, headers: Mapping[str, str], query: str) -> str:
    """Of a request: its body by `body_digest`, the headers that go up with it, and whose it is."""
    words = [body_digest, owner, sorted(headers.items()), query]
    return hashlib.sha256(orjson.dumps(words)).hexdigest()


class Saved:
    """The saved calls of one Redis; they take `most_bytes` at the most."""

    def __init__(self, redis: Redis, most_bytes: int, stream_life_ms: int) -> None:
        self._most_bytes = most_bytes
        self._life_ms = stream_life_ms
        self._ask = redis.register_script(source_on_full("queue/lease_clock", "saved/ask"))
        self._keep = redis.register_script(source("saved/keep"))

    async def ask(self, wanted: Wanted, stream_id: str = "", *, ended: str = "") -> Kept | Running | None:
        """Where the answer is; None where it is the upstream's to give, and `stream_id` the stream to be given it.

        Who asks without an id only looks, and is handed no frames. `ended` is a stream that is known to have ended.
        """
        reply = await self._ask(
            keys=[keys.saved(wanted.digest), keys.running(wanted.digest), keys.SAVED_USED, keys.LEASES, keys.CLOCK],
            args=[stream_id, round(wanted.seconds * 1000), wanted.digest, self._life_ms, keys.QUEUE_SECONDS, ended],
        )
        match reply:
            case [b"kept", found, frames]:
                return Kept(found.decode(), frames)
            case [b"running", found]:
                return Running(found.decode())
            case _:
                return None

    async def keep(self, wanted: Wanted, stream_id: str, frames: bytes) -> bool:
        """Keeps a whole answer; False where it is larger than all of them may be."""
        return bool(
            await self._keep(
                keys=[keys.saved(wanted.digest), keys.SAVED_USED, keys.SAVED_UNTIL, keys.SAVED_SIZES],
                args=[
                    wanted.digest,
                    stream_id,
                    frames,
                    max(round(wanted.seconds * 1000), 1),
                    self._most_bytes,
                    keys.SAVED,
                    keys.SAVED_SECONDS,
                ],
            )
        )
