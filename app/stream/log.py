"""The log of a stream and its meta: open, begin, append, read, cancel.

The law: every write goes through one script, under a fence and at one position, and may be repeated. Each Lua script
has one typed function here; what a script can answer is a value, never an exception. Knows nothing of HTTP, of the
upstream or of the queue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from redis.asyncio import Redis

from app.stream import frames, keys
from app.stream.endings import Withdrawn
from app.stream.redis.each import of_each
from app.stream.redis.known import shaken
from app.stream.redis.ordered import Prepared
from app.stream.redis.refusals import NO_ANSWER, refusal_of
from app.stream.scripts import source, source_on_full
from app.stream.scripts.appending import append_arguments

# One read brings this much at the most: a log of 16 MiB is never held whole for one reader, and an answer of 2,000
# tokens comes in one (a second read, through the hub, costs the front more than all the rest of a replay).
READ_BYTES = 512 * 1024
# Of which script an append is made.
APPEND = ("log/story", "log/append")


@dataclass(frozen=True, slots=True)
class Claim:
    """A holder's right to a stream: compared as a pair, so that a number handed out twice does no harm.

    `calm`: no worker was to wait before a call, when it was given. `stalled`: the one who held the stream before stands
    still, and is no victim of it.
    """

    stream_id: str
    fence: int
    holder: str
    times: int = 1
    calm: bool = field(default=False, compare=False)
    stalled: bool = field(default=False, compare=False)


class Status(StrEnum):
    """What a write or a take-over can come to. All but REFUSED are the scripts' own words."""

    OK = "ok"
    FENCED = "fenced"
    ENDED = "ended"
    GONE = "gone"
    SHORT = "short"
    CONFLICT = "conflict"
    NEWER = "newer"
    REFUSED = "refused"  # no server takes this write, now or later: the log is longer than a string may be, or is none


@dataclass(frozen=True, slots=True)
class Appended:
    status: Status
    length: int
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """Where a stream stands as its new holder finds it. Times are milliseconds of Redis' clock.

    `counted`: the first attempt is counted already, and is this holder's to make.
    """

    status: Status
    now: int
    length: int
    position: frames.Position | None
    meta: Mapping[str, bytes]
    counted: bool = False


class State(StrEnum):
    """What a later version says, and this one does not know, has not ended: it runs."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"  # for a person
    ENDED = "ended"
    GONE = "gone"
    UNKNOWN = ""

    @classmethod
    def _missing_(cls, _word: object) -> State:
        return cls.RUNNING


@dataclass(frozen=True, slots=True)
class Sealed:
    """An answer that no reader is shown yet: its log's length, where its newest attempt begins, and for how long it has
    run, -1 for one that never did.
    """

    length: int
    base: int
    ran_ms: int


@dataclass(frozen=True, slots=True)
class Read:
    """A range of a log: `data` follows `start`; `proven` is False where the asked place was not honoured.

    `start` is None only where the log lost the bytes before it. `traceparent` is the stream's place in its trace.
    `sealed`: readers see nothing of it before it is whole; till then it is to them a log in which nothing stands.
    """

    state: State
    owner: str
    proven: bool
    start: frames.Position | None
    data: bytes
    length: int
    base: int
    attempt: int
    traceparent: str = ""
    sealed: Sealed | None = None

    def whole(self) -> bytes:
        """The part of `data` that ends at a frame's end."""
        end = self.data.rfind(b"\n\n")
        return self.data[: end + 2] if end >= 0 else b""

    @property
    def complete(self) -> bool:
        """Whether `data` reaches the end of an ended log."""
        return (
            self.state is State.ENDED and self.start is not None and self.start.offset + len(self.data) >= self.length
        )


class Log:
    """The logs of one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._open = redis.register_script(source("log/open"))
        self._begin = redis.register_script(source_on_full("log/story", "log/begin"))
        self._begin_counted = redis.register_script(source("log/story", "log/begin"))
        self._append = redis.register_script(source(*APPEND))
        self._end = redis.register_script(source_on_full(*APPEND))
        self._read = redis.register_script(source("log/read"))
        self._cancel = redis.register_script(source_on_full("log/story", "log/cancel"))
        self._keep = redis.register_script(source_on_full("log/keep"))
        self._release = redis.register_script(source_on_full("log/release"))
        self._withdraw = redis.register_script(source_on_full("log/withdraw"))

    async def open(self, stream_id: str, fields: Mapping[str, str | bytes]) -> int:
        """Writes the meta of a new stream, kept for `SUBMIT_SECONDS` unless `keep` follows. Returns created_at, ms."""
        asked = self.opening(stream_id, fields)
        return int(await asked.script(keys=asked.keys, args=asked.args))

    def opening(self, stream_id: str, fields: Mapping[str, str | bytes]) -> Prepared:
        """What `open` asks, for who asks more at once."""
        flat = [part for pair in fields.items() for part in pair]
        return Prepared(self._open, [keys.meta(stream_id)], [keys.SUBMIT_SECONDS * 1000, *flat])

    async def keep(self, stream_id: str, life_ms: int, word: str = "", waiting: int | None = None) -> State:
        """Confirms a stream for a request with this word of its own: its meta now lives `life_ms` at least.

        `waiting`: how many waited as it came. Returns its state; `UNKNOWN` where it is gone or was withdrawn.
        """
        args: list[Any] = [life_ms, word, "" if waiting is None else waiting]
        return State((await self._keep(keys=[keys.meta(stream_id)], args=args)).decode())

    async def drop(self, stream_id: str) -> None:
        """Takes back an `open` of which nobody knows."""
        await self._redis.delete(keys.meta(stream_id))

    async def withdraw(self, stream_id: str, word: str) -> Withdrawn:
        """Takes back a stream whose request, of this word, gets an error; a mark keeps the rest of it from running."""
        args: list[Any] = [word, keys.control(stream_id), keys.SUBMIT_SECONDS * 1000]
        return Withdrawn((await self._withdraw(keys=[keys.meta(stream_id)], args=args)).decode())

    async def release(self, stream_id: str, home: str = "", life_ms: int = 0) -> None:
        """An ended stream is kept as long as others from now on: its answer stands in `home`, which is kept so long."""
        await self._release(keys=[key(stream_id) for key in (keys.log, keys.meta, keys.home)], args=[home, life_ms])

    async def begin(
        self, claim: Claim, life_ms: int | None = None, *, count: bool = False, told: str = "", version: int | str = ""
    ) -> Begun:
        """Takes the fence for `claim`. Status: ok, ended, fenced, gone; newer than the `version` that its holder knows.

        With `life_ms`, a meta whose submit was never confirmed is kept for so long. With `count`, the first attempt of
        a stream that never had one is counted, unless Redis is full. `told` goes into its timeline.
        """
        keys_ = [keys.log(claim.stream_id), keys.meta(claim.stream_id)]
        args: list[Any] = [claim.fence, claim.holder, "" if life_ms is None else life_ms]
        try:
            reply = await self._begin_counted(keys=keys_, args=[*args, 1, told, version]) if count else None
        except NO_ANSWER as error:
            if refusal_of(error).code != "OOM":
                raise
            reply, count, told = None, False, ""  # not counted yet: there is no room for what it would bring
        if reply is None:
            reply = await self._begin(keys=keys_, args=[*args, 0, told, version])
        status, now, length, tail, flat = reply
        meta = {flat[i].decode(): flat[i + 1] for i in range(0, len(flat), 2)}
        position = frames.origin(claim.stream_id) if length == 0 else frames.position_at_end(tail)
        counted = count and meta.get("counted") == claim.holder.encode()
        return Begun(Status(status.decode()), now, length, position, meta, counted)

    async def append(
        self,
        claim: Claim,
        at: int,
        data: bytes,
        fields: Mapping[str, str | bytes | int] | None = None,
        ending_life_ms: int | None = None,
    ) -> Appended:
        """Appends `data` at offset `at`, publishes it and stores `fields`.

        With a life given the stream ends with it, and is kept for so long.
        """
        keys_, args = append_arguments(claim, at, data, fields, ending_life_ms)
        script = self._append if ending_life_ms is None else self._end
        return appended(await script(keys=list(keys_), args=list(args)))

    async def read(self, stream_id: str, after: frames.Position | None, limit: int = READ_BYTES, skip: int = 0) -> Read:
        """What follows `after`, if `after` is proven to stand in the log; else, or for None, the newest attempt.

        `skip`: bytes behind a proven `after` that are left out, for who reads a large frame in pieces. Of an answer
        that is shown whole or not at all, what readers may be shown; there the origin stands for where that begins.
        """
        return await self._ask(stream_id, after, limit, skip, b"")

    async def peek(self, stream_id: str, after: frames.Position | None, limit: int = READ_BYTES) -> Read:
        """As `read`, whatever its readers may be shown: for who writes on it, or reckons what it cost."""
        return await self._ask(stream_id, after, limit, 0, b"1")

    async def _ask(self, stream_id: str, after: frames.Position | None, limit: int, skip: int, whole: bytes) -> Read:
        place: tuple[int, bytes] = (-1, b"")
        if after is not None:
            place = (after.offset, b"" if after == frames.origin(stream_id) else after.proof)
        args: list[Any] = [*place, limit, 0 if after is None else skip, whole]
        reply = await self._read(keys=[keys.log(stream_id), keys.meta(stream_id), keys.tomb(stream_id)], args=args)
        state, owner, proven, start, data, length, base, attempt, before, traced, *beneath = reply
        if after is not None and proven and start == after.offset:
            position: frames.Position | None = after
        elif start == 0:
            position = frames.origin(stream_id)
        else:
            position = frames.position_at_end(before)
        sealed = Sealed(*beneath) if beneath else None
        where = bool(proven), position, data, length, base, attempt
        return Read(State(state.decode()), owner.decode(), *where, traced.decode("ascii", "replace"), sealed)

    async def meta(self, stream_id: str, *names: str) -> dict[str, bytes] | None:
        """The named fields of a stream's meta, without those that are not set; None where there is no such stream."""
        values = await self._redis.execute_command("HMGET", keys.meta(stream_id), "state", *names)  # type: ignore[no-untyped-call]
        if values[0] is None:
            return None
        return {name: value for name, value in zip(("state", *names), values, strict=True) if value is not None}

    async def any_ended(self, stream_ids: Iterable[str]) -> bool:
        """Whether one of these has its ending."""
        return State.ENDED.encode() in (await self.states(stream_ids)).values()

    async def states(self, stream_ids: Iterable[str]) -> dict[str, bytes | None]:
        """Of those whose server is there."""
        return await of_each(self._redis, stream_ids, lambda pipe, one: pipe.hget(keys.meta(one), "state"))

    async def field_bytes(self, stream_id: str, name: str) -> int:
        """What a field of a stream's meta takes, 0 where there is none."""
        return int(await self._redis.execute_command("HSTRLEN", keys.meta(stream_id), name))  # type: ignore[no-untyped-call]

    async def last_id(self, stream_id: str) -> str | None:
        """The id of the log's last frame; None for an empty log."""
        tail = await self._redis.getrange(keys.log(stream_id), -frames.PROOF_LENGTH, -1)
        return position.id if (position := frames.position_at_end(tail)) else None

    async def is_read(self, stream_id: str) -> bool:
        """Whether anybody reads the stream, on whichever front: each subscribes to its channel for as long.

        Right after a failover, when subscribers may be elsewhere, everybody counts as reading.
        """
        if shaken(self._redis):
            return True
        [(_, fronts)] = await self._redis.pubsub_numsub(keys.channel(stream_id))
        return bool(fronts)

    async def cancel(self, stream_id: str, told: str = "") -> State:
        """Asks for the cancellation of a stream; returns the state it was in. `told` goes into its timeline."""
        return State((await self._cancel(keys=[keys.meta(stream_id)], args=[keys.control(stream_id), told])).decode())


def appended(reply: Any) -> Appended:
    """The reply of `append.lua` as a value."""
    status, length, cancel = reply
    return Appended(Status(status.decode()), length, bool(cancel))
