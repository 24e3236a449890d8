"""One shared tail per stream and front: follows the channel, repairs itself from the log, feeds readers.

The law: a reader is a position. Who stands at the tail's end is *live* and is handed each new piece as it comes;
every other reader stands somewhere behind and catches up by itself, from the tail's window or from the log, proving its
position each time. Nobody queues anything for anybody, so a slow reader costs what its own buffer holds.
Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

import orjson
from redis.exceptions import RedisError

from app.splice import Splice
from app.stream.connect import AWAY
from app.stream.frames import Position, origin, position_at_end, split
from app.stream.log import READ_BYTES, Log, Read, State

logger = logging.getLogger(__name__)

# A log that became shorter gets this long to grow again (its worker appends what Redis lost); then readers are reset.
REGROW_SECONDS = 5.0
# Messages that came while a repair was reading; more than this and the log is simply read once more.
STASH_LIMIT = 64
RETRY_SECONDS = 0.2

END_LINE = b"event: relay.end\n"
RESET_LINE = b"event: relay.reset\n"


class Piece:
    """Bytes on their way to all live readers, framed for HTTP/1.1 once instead of once a reader."""

    __slots__ = ("chunk", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.chunk = b"%x\r\n%b\r\n" % (len(data), data)


class Reader(Protocol):
    """What a tail asks of a reader. Called on the loop; none of these may block or raise."""

    position: Position

    def feed(self, piece: Piece) -> None:
        """The next bytes, while live."""

    def reset(self, reason: str, attempt: int, position: Position) -> None:
        """What was shown is void: go on from `position`, the start of the newest attempt."""

    def aside(self, piece: Piece) -> None:
        """Something to show between frames, that is not of the log."""

    def lost(self) -> None:
        """Redis has lost the stream."""

    def leave(self, retry_ms: int) -> None:
        """The front drains: end here, and come back after so many milliseconds."""

    def finish(self) -> None:
        """The ending was fed: nothing follows."""


class Tail:
    """The live end of one log. A `channel.Receiver`."""

    def __init__(self, stream_id: str, log: Log, position: Position) -> None:
        self.stream_id = stream_id
        self.splice = Splice(position)
        self.live: dict[Reader, None] = {}
        self.readers: dict[Reader, None] = {}
        self.watchers: set[asyncio.Event] = set()
        self.owner = ""
        self.base: Position = origin(stream_id)
        self.attempt = 0
        self.state = State.UNKNOWN
        self.ended = False
        self.gone = False
        self.quiet_since = 0.0
        self.place: int | None = None
        self._log = log
        self._fresh: list[bytes] = []
        self._stash: list[tuple[int, bytes]] = []
        self._repairing: asyncio.Task[None] | None = None
        self._again = False
        self._short_since: float | None = None
        self._changed: asyncio.Future[None] | None = None
        self.closed = False

    # --- the channel's side

    def message(self, payload: bytes) -> None:
        head, _, data = payload.partition(b":")
        start = int(head)
        added = self.splice.offer(start, data)
        if added:
            self._fresh.append(added)
        elif added is None:
            if len(self._stash) < STASH_LIMIT:
                self._stash.append((start, data))
            self.repair()

    def settle(self) -> None:
        """Hands what came to all live readers, in one piece."""
        if not self._fresh:
            return
        fresh, self._fresh = self._fresh, []
        self._push(fresh[0] if len(fresh) == 1 else b"".join(fresh))

    def gap(self) -> None:
        self.repair()

    # --- the readers' side

    def attach(self, reader: Reader) -> None:
        self.readers[reader] = None

    def detach(self, reader: Reader) -> None:
        self.readers.pop(reader, None)
        self.live.pop(reader, None)

    def go_live(self, reader: Reader) -> bool:
        """Whether `reader` stands at the end, and is fed from now on."""
        if reader.position != self.splice.end or self.gone:
            return False
        self.live[reader] = None
        return True

    def fall_behind(self, reader: Reader) -> bool:
        """A live reader that can take no more: it has all up to the end, and catches up later."""
        if reader not in self.live:
            return False
        del self.live[reader]
        reader.position = self.splice.end
        return True

    @property
    def regrowing(self) -> bool:
        """Whether the log is shorter than what was shown, and is given time to grow again."""
        return self._short_since is not None

    async def changed(self) -> None:
        """Returns when the tail has grown, was reset, repaired, or lost."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    async def read(self, position: Position | None) -> Read:
        """Whole frames after `position` from the log, proven; also those of a frame larger than one read."""
        limit = READ_BYTES
        while True:
            read = await self._log.read(self.stream_id, position, limit)
            if not read.data or read.whole():
                return read
            limit *= 4

    # --- repair

    def repair(self) -> None:
        """Reads the log from the end on; repeated calls while that is under way make one more round."""
        if self.closed:
            return
        if self._repairing is None:
            self._repairing = asyncio.create_task(self._repair(), name="tail-repair")
        else:
            self._again = True

    async def repaired(self) -> None:
        """Waits for the repair under way, if any."""
        if self._repairing is not None:
            await asyncio.wait({self._repairing})  # which does not pass on that the tail was closed meanwhile

    def check(self, length: int) -> None:
        """The slow beat: compares the log's length with what the tail knows."""
        if length == self.splice.end.offset:
            self._short_since = None
        else:
            self.repair()

    def close(self) -> None:
        self.closed = True
        if self._repairing is not None:
            self._repairing.cancel()

    async def _repair(self) -> None:
        try:
            while True:
                self._again = False
                asked = self.splice.end
                try:
                    read = await self.read(asked)
                except (RedisError, *AWAY):
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                more = self._take(read, asked)
                stash, self._stash = self._stash, []
                for start, data in stash:
                    added = self.splice.offer(start, data)
                    if added:
                        self._push(added)
                if not more and not self._again:
                    return
        finally:
            self._repairing = None
            self.wake()

    def _take(self, read: Read, asked: Position) -> bool:
        """Takes what the log said; returns whether it must be asked again."""
        if read.state in (State.UNKNOWN, State.GONE):
            self._lose()
            return False
        self.owner = read.owner
        if read.proven:
            self._short_since = None
            added = self.splice.offer(asked.offset, read.whole())
            if added:
                self._push(added)
            if read.state is State.ENDED and self.splice.end.offset == read.length:
                self._end()
            elif not self.ended:
                self.state = read.state
            return added is None or (bool(added) and not self.ended)
        if self.splice.end != asked:
            return True
        if read.length < asked.offset and not self._waited_long_enough():
            return False
        if read.start is not None:
            self._start_over(read, read.start)
        return False

    def _waited_long_enough(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._short_since is None:
            self._short_since = now
            asyncio.get_running_loop().call_later(REGROW_SECONDS, self.repair)
        return now - self._short_since >= REGROW_SECONDS

    def _start_over(self, read: Read, position: Position) -> None:
        """The log holds another history: whoever saw the old one begins again at the newest attempt."""
        logger.warning("stream %s: the log lost what readers saw; resetting %d", self.stream_id, len(self.live))
        self._short_since = None
        self.splice = Splice(position)
        self.base, self.attempt, self.state = position, read.attempt, read.state
        for reader in list(self.live):
            reader.reset("history_lost", read.attempt, position)
        added = self.splice.offer(position.offset, read.whole())
        if added:
            self._push(added)

    def _lose(self) -> None:
        self.gone = True
        for reader in list(self.live):
            reader.lost()
        self.live.clear()
        self.wake()

    def _push(self, data: bytes) -> None:
        if RESET_LINE in data:
            self._find_base(data)
        self.state = State.RUNNING
        self.quiet_since = asyncio.get_running_loop().time()
        piece = Piece(data)
        for reader in list(self.live):
            reader.feed(piece)
        last = data.rfind(b"\n\n", 0, -2)
        if data.startswith(END_LINE, 0 if last < 0 else last + 2):
            self._end()
        self.wake()

    def _end(self) -> None:
        self.ended, self.state = True, State.ENDED
        finished, self.live = self.live, {}
        for reader in finished:
            reader.position = self.splice.end
            reader.finish()

    def _find_base(self, data: bytes) -> None:
        for frame in split(data):
            if frame.name == "relay.reset":
                self.base = position_at_end(frame.raw) or self.base
                self.attempt = int(orjson.loads(frame.data)["attempt"])

    def wake(self) -> None:
        """Tells whoever waits for a change."""
        for watcher in self.watchers:
            watcher.set()
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
        self._changed = None
