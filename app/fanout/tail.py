"""One shared tail per stream and front: follows the channel, repairs itself from the log, feeds readers.

The law: a reader that does not stand at the end (`LiveEnd`) catches up from the tail's window or from the log, proving
its position each time. Nobody queues anything for anybody, so a slow reader costs what its own buffer holds. Nothing
that a message or a log holds makes a tail fail, and nothing makes it read Redis without an event or a pause before.
Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio

from app.fanout.repair import RETRY_SECONDS, Repair
from app.fanout.shared_log import SharedLog
from app.fanout.splice import Splice
from app.fanout.tailing.live_end import HISTORY_LOST, LiveEnd
from app.fanout.tailing.regrowth import Regrowth
from app.fanout.tailing.seal import Seal
from app.fanout.tailing.stash import Stash
from app.stream import asides
from app.stream.frames import OFFSET_DIGITS, Position, origin
from app.stream.log import Read, Sealed, State
from app.stream.observing import tell
from app.stream.readback.restarts import Restart, begins_anew
from app.watch.events import of_fronts
from app.watch.events.subjects import subject

# A log that became shorter gets this long to grow again (its worker appends what Redis lost); then readers are reset.
REGROW_SECONDS = 5.0
# As much of a log's head as a reset can take.
HEAD_BYTES = 4096


class Tail(LiveEnd):
    """The live end of one log, a `channel.Receiver`."""

    def __init__(self, stream_id: str, log: SharedLog, position: Position) -> None:
        super().__init__(stream_id, position)
        self.log = log
        self.owner = self.traceparent = ""
        self._stash = Stash()
        self._regrowth = Regrowth()
        self._repair = Repair(stream_id, self._round)

    # --- the channel's side

    def message(self, payload: bytes) -> None:
        head, _, data = payload.partition(b":")
        if head.isdigit() and len(head) <= OFFSET_DIGITS:
            if self.seal is not None:
                self._hear_of(self.seal, int(head), data)
                return
            added = self.splice.offer(int(head), data)
            if added:
                self._fresh.append(added)
            elif added is None:
                self._put_by(int(head), data)
        elif (told := asides.decode(payload)) is not None:
            self.hear(told)
        else:
            self.repair("stranger")  # nobody of this version says such things; the log knows

    def gap(self) -> None:
        self.repair("gap")

    def _put_by(self, start: int, data: bytes) -> None:
        """What proves nothing as it came: the log is read, and then it may."""
        self._stash.put(start, data)
        if self.regrowing:
            self._repair.ask_in(RETRY_SECONDS)  # a flood of them says no more than one
        else:
            self.repair("unplaced")

    def _hear_of(self, seal: Seal, start: int, data: bytes) -> None:
        """Frames that are not shown."""
        if not seal.known:  # they may be: the log is being asked
            self._stash.put(start, data)
            return
        self.state = State.RUNNING
        self._last_said.forget()
        if seal.hear(start, data):
            self.repair("sealed")

    @property
    def regrowing(self) -> bool:
        """Whether the log is shorter than what was shown, and is given time to grow again."""
        return self._regrowth.under_way

    # --- repair

    def repair(self, cause: str = "asked") -> None:
        """Reads the log from the end on; repeated calls while that is under way make one more round."""
        self._repair.ask(cause)

    async def repaired(self) -> None:
        """Waits for the repair under way, if any."""
        await self._repair.done()

    def check(self, last: bytes) -> None:
        """The slow beat: compares the log's last bytes with what the tail knows. Its length may be that of another."""
        end = self.splice.end
        if self.seal is not None:
            if self.state is State.WAITING or not self.seal.heard_all(last):
                self.repair("beat")
        elif last != (end.proof if end.offset else b""):
            self.repair("beat")
        elif self.regrowing:
            self._grown()

    def close(self) -> None:
        """Ends what is under way, and wakes whoever waits for it."""
        self.closed = True
        self._repair.close()
        self.wake()

    async def _round(self) -> bool:
        """Reads the log on from the end. Returns whether it must be read again."""
        asked = self.splice.end
        read = await self.log.fresh(self.stream_id, asked)
        more = await self._take(read, asked)
        for start, data in self._stash.take():
            if self.seal is not None:
                more = self.seal.hear(start, data) or more
            elif added := self.splice.offer(start, data):
                self._fresh.append(added)
        self.settle()
        if more and not self.ended:
            return True
        if self._stash.waits:  # what could not be placed is in the log by now: who waits may look for it there
            self._stash.waits = False
            self.wake()
        return False

    async def _take(self, read: Read, asked: Position) -> bool:
        """Takes what the log said; returns whether it must be asked again."""
        if read.state in (State.UNKNOWN, State.GONE):
            self._lose()
            return False
        self.owner, self.traceparent = read.owner, read.traceparent
        if read.sealed is not None:
            self._close_up(read, read.sealed)
            wanted = self.seal is not None and (read.state is State.WAITING or self.seal.asks)
            self.ask(await self.log.asks(self.stream_id) if wanted else ())
            return False
        if self.seal is not None:
            asked = self._open_up(read, asked)
        if read.proven:
            return self._take_proven(read, asked)
        if self.splice.end != asked:
            return True
        restart = await self._began_anew(read)
        if self.splice.end != asked:
            return True
        if restart is not None:
            self._start_over(read, restart.position, restart.reason)
        elif (read.start is None or read.length < asked.offset) and not self._waited_long_enough():
            return False
        else:
            # Where the newest attempt's start was lost with the rest, all that is left is shown.
            self._start_over(read, read.start or origin(self.stream_id), HISTORY_LOST)
        return True

    def _take_proven(self, read: Read, asked: Position) -> bool:
        self._grown()
        self.attempt = max(self.attempt, read.attempt)
        added = self.splice.offer(asked.offset, read.whole())
        if added:
            self._fresh.append(added)
            self.settle()
        if read.state is State.ENDED and self.splice.end.offset == read.length:
            self._end()
        elif not self.ended:
            self.state = read.state
        if added is None:  # messages were quicker; else the log holds what is none of ours, and asking again is no use
            return self.splice.end != asked
        return bool(added) and not self.ended

    def _close_up(self, read: Read, sealed: Sealed) -> None:
        """Nothing of it is shown, also where something was: Redis has lost its ending."""
        if self.seal is None or not self.seal.known:
            for reader in self.live if self.seal is None else ():
                reader.position = self.splice.end
            self.seal = Seal()
            self.base = self._handed = origin(self.stream_id)
            self.splice, self._fresh = Splice(self.base), []
            self.ended = self.told_all = False
            self._regrowth.over()
            if self.audience.along is not None:
                self.audience.along.start_over()
        if read.state is not State.WAITING:
            self._last_said.goes_on()
        self.attempt, self.state = read.attempt, read.state
        self.seal.stands(sealed, read.attempt, asyncio.get_running_loop().time())

    def _open_up(self, read: Read, asked: Position) -> Position:
        """It may be shown, from where `read` begins: whoever waited for it goes on from its own place."""
        self.seal, self.asks = None, ()
        if read.proven and read.start is not None and read.start != asked:
            self.base = self._handed = asked = read.start
            self.splice = Splice(asked)
        waited, self.audience.live = self.live, {}
        self.audience.each(waited, lambda reader: reader.go_on())
        return asked

    async def _began_anew(self, read: Read) -> Restart | None:
        """The reset with which the log begins, if that is one that the tail does not know: no use in waiting then."""
        if read.start is None or not read.start.offset:
            return None
        head = await self.log.head(self.stream_id, origin(self.stream_id), HEAD_BYTES)
        restart = begins_anew(head.data)
        known = restart is None or restart.position != read.start or restart.attempt <= self.attempt
        return None if known else restart

    def _waited_long_enough(self) -> bool:
        left = self._regrowth.left(asyncio.get_running_loop().time(), REGROW_SECONDS)
        if left > 0:
            self._repair.ask_in(left)
        return left <= 0

    def _grown(self) -> None:
        if self._regrowth.over():
            self.wake()

    def _start_over(self, read: Read, position: Position, reason: str) -> None:
        """The log holds another history: whoever saw the old one begins again at the newest attempt."""
        of = subject(self.stream_id, self.owner)
        tell(of_fronts.ReaderReset(of, read.attempt, reason, len(self.live)))
        self.settle()
        self._regrowth.over()
        self._last_said.forget()
        self.splice, self._handed = Splice(position), position
        self.base, self.reason, self.attempt, self.state = position, reason, read.attempt, read.state
        self.ended = self.told_all = False
        self.audience.reset(reason, read.attempt, position)
        self.wake()
