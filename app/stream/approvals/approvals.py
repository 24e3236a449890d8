"""Streams that wait for a person: put down by their worker, taken up again when somebody has said something.

The law: a verdict stands in the stream's meta before anybody is woken, and whoever puts a stream down looks there once
more when it is down; so whichever comes first, it goes on. A wake-up that got lost is found by who looks at all that
wait (`look`). The first verdict of a call counts. Knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from redis.asyncio import Redis

from app.stream import keys
from app.stream.log import Claim, State
from app.stream.redis.each import of_each
from app.stream.scripts import source, source_on_full

# How many verdicts there are, and how many of them who put the stream down had heard: where these are two numbers there
# is something to be done.
ANSWERED, HEARD = "answered", "heard"
# Looked at in one go; the next look goes on there.
LOOK = 200


class Decided(StrEnum):
    """What a verdict came to, in the script's own words."""

    OK = "ok"
    SAME = "same"
    DECIDED = "decided"
    UNKNOWN = "unknown"
    OVER = "over"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is for the model, and empty where there is none."""

    approve: bool
    reason: str = ""

    def json(self) -> bytes:
        return orjson.dumps({"approve": self.approve, "reason": self.reason})


@dataclass(frozen=True, slots=True)
class Look:
    """`late` have waited for too long; `answered` wait though there is something to be done; `cursor`: go on there."""

    late: Sequence[str]
    answered: Sequence[str]
    cursor: int


class Approvals:
    """Those of one queue; `logs` is where the streams are, if not there."""

    def __init__(self, redis: Redis, logs: Redis | None = None) -> None:
        self._redis = redis
        self._logs = logs = redis if logs is None else logs
        line = ("queue/turns", "queue/places", "queue/line")
        self._wait = redis.register_script(source_on_full("queue/await_person"))
        self._keep = logs.register_script(source_on_full("log/wait"))
        self._answered = redis.register_script(source_on_full(*line, "queue/answered"))
        self._awaiting = redis.register_script(source("queue/awaiting"))
        self._verdict = logs.register_script(source("log/story", "log/verdict"))

    async def wait(self, claim: Claim, longest_ms: int, life_ms: int = 0) -> bool:
        """Puts a claimed stream where those wait that wait for a person; False where it is not ours.

        It is kept for as long as that, and `life_ms` more. Whoever does this asks then whether there is something to be
        done already (`is_answered`).
        """
        of_stream = [keys.log(claim.stream_id), keys.meta(claim.stream_id)]
        await self._keep(keys=of_stream, args=[claim.fence, claim.holder, longest_ms + life_ms])
        keys_ = [keys.LEASES, keys.CLAIMS, keys.APPROVALS]
        args: list[Any] = [claim.stream_id, claim.fence, claim.holder, longest_ms, keys.QUEUE_SECONDS]
        return bool(await self._wait(keys=keys_, args=args))

    async def decide(self, stream_id: str, call: str, verdict: Verdict, told: str = "") -> tuple[Decided, State]:
        """Says it, and in which state the stream is. Whoever hears `OK` or `SAME` wakes it (`wake`)."""
        args: list[Any] = [call, verdict.json(), keys.control(stream_id), told]
        status, state = await self._verdict(keys=[keys.meta(stream_id)], args=args)
        return Decided(status.decode()), State(state.decode())

    async def wake(self, stream_id: str) -> bool:
        """Puts one that waits for a person back into the line; False for one that does not."""
        keys_ = [*keys.LINE, keys.CLAIMS, keys.APPROVALS]
        return bool(await self._answered(keys=keys_, args=[stream_id, keys.WAKE, keys.QUEUE_SECONDS]))

    async def is_answered(self, stream_id: str) -> bool:
        """Whether somebody has said something that was not taken in, or the stream is to be ended."""
        return stream_id in await self._of_which_answered([stream_id])

    async def look(self, cursor: int = 0) -> Look:
        """Looks at about `LOOK` of those that wait."""
        late, cursor, ids = await self._awaiting(keys=[keys.APPROVALS], args=[cursor, LOOK])
        found = [stream_id.decode() for stream_id in ids]
        return Look([one.decode() for one in late], await self._of_which_answered(found), int(cursor))

    async def waiting(self) -> int:
        """How many wait."""
        return int(await self._redis.zcard(keys.APPROVALS))

    async def _of_which_answered(self, stream_ids: Sequence[str]) -> list[str]:
        fields = ["state", "cancel", ANSWERED, HEARD]
        facts = await of_each(self._logs, stream_ids, lambda pipe, one: pipe.hmget(keys.meta(one), fields))
        return [
            stream_id
            for stream_id, (state, cancel, answered, heard) in facts.items()
            # One that is not there any more is for a claim to find out, too.
            if state in (None, b"ended") or cancel == b"1" or (answered or b"0") != (heard or b"0")
        ]


def has_news(meta: Mapping[str, bytes]) -> bool:
    """Whether somebody has said something that nobody has taken in."""
    return meta.get(ANSWERED, b"0") != meta.get(HEARD, b"0")
