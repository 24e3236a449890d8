"""One shared tail per stream and front: follows the channel, repairs itself from the log, feeds readers.

The law: a reader is a position. Who stands at the tail's end is *live* and is handed each new piece as it comes;
every other reader stands somewhere behind and catches up by itself, from the tail's window or from the log, proving its
position each time. Nobody queues anything for anybody, so a slow reader costs what its own buffer holds. Nothing that a
message or a log holds makes a tail fail, and nothing makes it read Redis without an event or a pause before.
Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio

from app.fanout.audience import Audience, Reader
from app.fanout.repair import RETRY_SECONDS, Repair
from app.fanout.shared_log import SharedLog
from app.fanout.splice import Splice
from app.stream import asides
from app.stream.asides import Queued, Said, Told
from app.stream.concurrency.versioned import Versioned
from app.stream.frames import OFFSET_DIGITS, Position, origin
from app.stream.log import Read, State
from app.stream.observing import tell
from app.stream.readback.restarts import OURS, Restart, begins_anew, ends, restarts
from app.watch.events import of_fronts
from app.watch.events.subjects import subject

# A log that became shorter gets this long to grow again (its worker appends what Redis lost); then readers are reset.
REGROW_SECONDS = 5.0
# Messages that came while a repair was reading; more than this and the log is simply read once more.
STASH_LIMIT = 64
# As much of a log's head as a reset can take.
HEAD_BYTES = 4096
HISTORY_LOST = "history_lost"


class Tail(Versioned):
    """The live end of one log, a `channel.Receiver`. It has grown, begun anew (`reason`, `base`), ended, or is lost."""

    def __init__(self, stream_id: str, log: SharedLog, position: Position) -> None:
        super().__init__()
        self.stream_id = stream_id
        self.log = log
        self.splice = Splice(position)
        self.audience = Audience(stream_id)
        self._handed = position  # up to where live readers have what there is
        self.owner = self.traceparent = ""
        self.base: Position = origin(stream_id)
        self.reason = HISTORY_LOST
        self.attempt = 0
        self.state = State.UNKNOWN
        self.ended = False
        self.gone = False
        # What was handed last says that it is the ending, which the log is being asked.
        self.told_all = False
        self.quiet_since = 0.0
        self._place: int | None = None
        self._told: tuple[Told, float] | None = None
        self._fresh: list[bytes] = []
        self._stash: list[tuple[int, bytes]] = []
        self._unplaced = False
        self._repair = Repair(stream_id, self._round)
        self._short_since: float | None = None

    @property
    def readers(self) -> dict[Reader, float]:
        return self.audience.readers

    @property
    def live(self) -> dict[Reader, None]:
        return self.audience.live

    # --- the channel's side

    def message(self, payload: bytes) -> None:
        head, _, data = payload.partition(b":")
        if head.isdigit() and len(head) <= OFFSET_DIGITS:
            added = self.splice.offer(int(head), data)
            if added:
                self._fresh.append(added)
            elif added is None:
                self._put_by(int(head), data)
        elif asides.is_aside(payload):
            self._hear(asides.decode(payload))
        else:
            self.repair("stranger")  # nobody of ours says such things; the log knows

    def settle(self) -> None:
        """Hands what came to all live readers, in one piece, before anything that came later."""
        if self._fresh:
            fresh, self._fresh = self._fresh, []
            self._hand(fresh[0] if len(fresh) == 1 else b"".join(fresh))

    def gap(self) -> None:
        self.repair("gap")

    def _put_by(self, start: int, data: bytes) -> None:
        """What proves nothing as it came: the log is read, and then it may."""
        self._unplaced = True
        if len(self._stash) < STASH_LIMIT:
            self._stash.append((start, data))
        if self.regrowing:
            self._repair.ask_in(RETRY_SECONDS)  # a flood of them says no more than one
        else:
            self.repair("unplaced")

    def _hear(self, told: Told | None) -> None:
        """Shows readers what is said beside the log."""
        if told is None or self.ended or self.gone:
            return
        self.settle()
        self.quiet_since = asyncio.get_running_loop().time()
        self._told = told, self.quiet_since
        self.audience.aside(told)

    # --- the readers' side

    def go_live(self, reader: Reader) -> bool:
        """Whether `reader` stands at the end, and is fed from now on."""
        self.settle()  # what stands before the end was read by whoever stands at it
        if reader.position != self.splice.end or self.gone or self.closed:
            return False
        self.live[reader] = None
        return True

    def fall_behind(self, reader: Reader) -> bool:
        """A live reader that can take no more: it has all up to the end, and catches up later."""
        self.settle()
        if reader not in self.live:
            return False
        del self.live[reader]
        reader.position = self.splice.end
        return True

    @property
    def regrowing(self) -> bool:
        """Whether the log is shorter than what was shown, and is given time to grow again."""
        return self._short_since is not None

    def status(self) -> Said | None:
        """What was last said beside the log, as it is now; None where something followed, or it is over."""
        if self.state is State.QUEUED and self._place is not None:
            return Queued(self._place)
        if self._told is None:
            return None
        told, at = self._told
        return told.later(int((asyncio.get_running_loop().time() - at) * 1000))

    def stands_at(self, place: int | None) -> None:
        """Its place in the line, of which readers hear where it is another."""
        if place is not None and place != self._place:
            self._place = place
            self.audience.aside(Queued(place))

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
        if last != (end.proof if end.offset else b""):
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
        stash, self._stash = self._stash, []
        for start, data in stash:
            added = self.splice.offer(start, data)
            if added:
                self._fresh.append(added)
        self.settle()
        if more and not self.ended:
            return True
        if self._unplaced:  # what could not be placed is in the log by now: who waits may look for it there
            self._unplaced = False
            self.wake()
        return False

    async def _take(self, read: Read, asked: Position) -> bool:
        """Takes what the log said; returns whether it must be asked again."""
        if read.state in (State.UNKNOWN, State.GONE):
            self._lose()
            return False
        self.owner, self.traceparent = read.owner, read.traceparent
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

    async def _began_anew(self, read: Read) -> Restart | None:
        """The reset with which the log begins, if that is one that the tail does not know: no use in waiting then."""
        if read.start is None or not read.start.offset:
            return None
        head = await self.log.head(self.stream_id, origin(self.stream_id), HEAD_BYTES)
        restart = begins_anew(head.data)
        known = restart is None or restart.position != read.start or restart.attempt <= self.attempt
        return None if known else restart

    def _waited_long_enough(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._short_since is None:
            self._short_since = now
        left = self._short_since + REGROW_SECONDS - now
        if left > 0:
            self._repair.ask_in(left)
        return left <= 0

    def _grown(self) -> None:
        if self._short_since is not None:
            self._short_since = None
            self.wake()

    def _start_over(self, read: Read, position: Position, reason: str) -> None:
        """The log holds another history: whoever saw the old one begins again at the newest attempt."""
        of = subject(self.stream_id, self.owner)
        tell(of_fronts.ReaderReset(of, read.attempt, reason, len(self.live)))
        self.settle()
        self._short_since = None
        self._told = None
        self.splice, self._handed = Splice(position), position
        self.base, self.reason, self.attempt, self.state = position, reason, read.attempt, read.state
        self.ended = self.told_all = False
        self.audience.reset(reason, read.attempt, position)
        self.wake()

    def _lose(self) -> None:
        self.gone = True
        lost, self.audience.live = self.live, {}
        self.audience.each(lost, lambda reader: reader.lost())
        self.wake()

    def _hand(self, data: bytes) -> None:
        ours = OURS in data  # which hardly any piece has, and is looked for once
        for restart in restarts(data) if ours else ():
            self.base, self.attempt = restart.position, restart.attempt
        self.state = State.RUNNING
        self.quiet_since = asyncio.get_running_loop().time()
        self._told = None
        start, self._handed = self._handed, self.splice.end
        self.told_all = ours and ends(data)
        self.audience.feed(data, start, self._handed)
        if self.told_all:
            self.repair("ending")  # which an upstream may have called something: the stream's state says
        self.wake()

    def _end(self) -> None:
        self.ended, self.state = True, State.ENDED
        self._told = None
        finished, self.audience.live = self.live, {}
        for reader in finished:
            reader.position = self.splice.end
        self.audience.each(finished, lambda reader: reader.finish())
        self.wake()
