"""One stream's end of the log while this worker holds it.

Everything that puts bytes into a log must go through here. The law: bytes leave in order, at one known position, one
append at a time; what Redis may still lose of an attempt is kept, so that a log which lost its tail gets the very same
bytes again. What cannot be healed, and what says that the stream is no longer ours, is told once and ends the writing.
No I/O: appends are taken and replies are given by `commit`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.stream import frames
from app.stream.log import Appended, Claim, Status
from app.stream.scripts.appending import append_arguments
from app.stream.timeline.entries import told
from app.stream.timeline.noting import Note, noted
from worker.rawjson import codec

Field = str | bytes | int


# What the frames that close a log may take: the answer's frames stay so far below the limit.
END_BYTES = 2048
# How much of an attempt that stands in the log is kept: 40 seconds of the fastest model. What Redis has not taken yet
# is kept as well, however much it is; a log that loses more than both gets a new attempt.
KEPT_BYTES = 1024 * 1024


class FullLogError(Exception):
    """The log has no room for the frame; it was not written."""


class Commits(Protocol):
    """Who carries appends to Redis."""

    def ready(self, writer: Writer) -> None:
        """The writer has something to send, and nothing under way."""


class Watcher(Protocol):
    """Who is told what the replies say."""

    def refused(self, status: Status, error: str = "") -> None:
        """Nothing more can be written: fenced, ended, gone; short or conflict for a log that cannot be healed; refused
        for what no server takes, with the class of the error.
        """

    def cancel_seen(self) -> None:
        """The stream is to be cancelled."""


@dataclass(frozen=True, slots=True)
class Append:
    """One append: the arguments of `append.lua`, kept until its answer is known.

    It may be sent again after more has been written: nothing of it may change, so its fields are its own. `notes` go
    into the timeline, and are no reason for an append. `frames`: how many are in it.
    """

    at: int
    data: bytes
    fields: Mapping[str, Field]
    life_ms: int | None
    notes: tuple[Note, ...]
    frames: int = 0


class Writer:
    """`limit` is the most bytes that the log may have, the ending included."""

    def __init__(self, claim: Claim, position: frames.Position, limit: int, commits: Commits, watcher: Watcher) -> None:
        self.claim = claim
        self._limit = limit
        self.refusal: Status | None = None
        self.closing = False  # what is still to be written are the last words of this holder
        self._offset, self._crc = position
        self._sent = position.offset
        self._commits = commits
        self._watcher = watcher
        self._pending: list[bytes] = []
        self._fields: dict[str, Field] = {}
        self._life_ms: int | None = None
        self._under_way: Append | None = None
        self._queued = False
        self._waiting: list[asyncio.Future[None]] = []
        # For a log that loses them: what was sent of the newest attempt, from `_kept_from` to `_sent`, and its fields.
        self._kept: deque[bytes] = deque()
        self._kept_from = position.offset
        self._kept_fields: dict[str, Field] = {}

    @property
    def position(self) -> frames.Position:
        """Where the next frame will stand."""
        return frames.Position(self._offset, self._crc)

    @property
    def offset(self) -> int:
        return self._offset

    @property
    def room(self) -> int:
        """How many bytes of frames the log can still take before its ending."""
        return self._limit - END_BYTES - self._offset

    @property
    def kept_bytes(self) -> int:
        """How many bytes of frames are kept here."""
        return 0 if self.refusal is not None else self._offset - min(self._kept_from, self._sent)

    def frame(self, name: bytes | None, data: bytes) -> None:
        """Writes one event. Raises `FullLogError`."""
        raw, offset, crc = frames.encode(name, data, self._offset, self._crc)
        if offset + END_BYTES > self._limit:
            raise FullLogError
        self._offset, self._crc = offset, crc
        self._pending.append(raw)
        if not self._queued:
            self._offer()

    def own(self, name: str, data: object) -> None:
        """Writes one of our own events. Raises `FullLogError`."""
        self.frame(name.encode(), codec.dumps(data))

    def last(self, name: str, data: bytes) -> None:
        """Writes the ending, `END_BYTES` at the most.

        There is room for it, also in a log that is longer than the limit is now. Raises `FullLogError` where its id
        would have too many digits.
        """
        raw, offset, crc = frames.encode(name.encode(), data, self._offset, self._crc)
        if offset > frames.MAX_OFFSET:
            raise FullLogError
        self._offset, self._crc = offset, crc
        self._pending.append(raw)
        self._offer()

    def mark(self, fields: Mapping[str, Field], life_ms: int | None = None) -> None:
        """Stores fields with the frames before it; with a life given the stream ends with them.

        Half of a surrogate pair in a text, which no byte of UTF-8 stands for, becomes a question mark.
        """
        told = {name: _writable(value) for name, value in fields.items()}
        self._fields.update(told)
        self._kept_fields.update(told)
        if life_ms is not None:
            self._life_ms = life_ms
            self.closing = True
        self._offer()

    def new_attempt(self) -> None:
        """From here on only what follows is kept."""
        self._kept.clear()
        self._kept_fields.clear()
        self._kept_from = self._offset

    async def flush(self) -> None:
        """Returns when all of it stands in the log, or was refused."""
        if self.refusal is None and (self._queued or self._under_way is not None):
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future

    def take(self) -> Append | None:
        """What to send now; None where there is nothing any more."""
        self._queued = False
        if self.refusal is not None or self._under_way is not None:
            return self._under_way if self.refusal is None else None
        pending = self._pending
        data = pending[0] if len(pending) == 1 else b"".join(pending)
        self._pending = []
        notes = noted(self.claim.stream_id)
        append = self._under_way = Append(self._sent, data, self._fields, self._life_ms, notes, len(pending))
        self._fields = {}
        older = max(self._kept_from - self._sent, 0)  # the attempt may begin in the midst of it
        if len(data) > older:
            self._kept.append(data[older:])
        self._sent += len(data)
        return append

    def answered(self) -> None:
        """The append under way stands, and nobody asked for a cancellation."""
        self._under_way = None
        while self._kept and self._sent - self._kept_from - len(self._kept[0]) >= KEPT_BYTES:
            self._kept_from += len(self._kept.popleft())
        if self._pending or self._fields:
            self._offer()
        elif self._waiting:
            self._wake()

    def settle(self, reply: Appended) -> None:
        """Takes any answer."""
        if reply.cancelled:
            self._watcher.cancel_seen()
        match reply.status:
            case Status.OK:
                self.answered()
            case Status.SHORT if reply.length >= self._kept_from:
                self._heal()
            case status:
                self.refuse(status)

    def refuse(self, status: Status, error: str = "") -> None:
        """Ends the writing, and tells why."""
        if self.refusal is None:
            self.close(status)
            self._watcher.refused(status, error)

    def close(self, status: Status) -> None:
        """Ends the writing: nothing more leaves."""
        self.refusal = status
        self._under_way = None
        self._pending.clear()
        self._kept.clear()
        self._fields, self._kept_fields = {}, {}
        self._wake()

    def arguments(self, append: Append) -> tuple[Any, Any]:
        """KEYS and ARGV of `append.lua`."""
        lines = told(append.notes, time.monotonic()) if append.notes else ""
        return append_arguments(self.claim, append.at, append.data, append.fields, append.life_ms, told=lines)

    def _offer(self) -> None:
        if not self._queued and self._under_way is None and self.refusal is None:
            self._queued = True
            self._commits.ready(self)

    def _heal(self) -> None:
        """The log lost its tail: what is kept is written again; what still stands of it is recognised."""
        notes = self._under_way.notes if self._under_way is not None else ()
        data = b"".join([*self._kept, *self._pending])
        self._kept, self._pending = deque([data]), []
        self._under_way = Append(self._kept_from, data, dict(self._kept_fields), self._life_ms, notes)
        self._fields = {}
        self._sent = self._offset
        self._queued = True
        self._commits.ready(self)

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()


def _writable(value: Field) -> Field:
    return value.encode(errors="replace") if isinstance(value, str) and not value.isascii() else value
