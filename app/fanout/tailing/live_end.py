"""The end of one log as a front's readers have it: who stands there, what they are handed, and what they are told.

The law: a reader is a position. Who stands at the end is *live* and is handed each new piece as it comes; every other
reader stands somewhere behind and catches up by itself. Before the log has said that it may be shown, nothing of it is
(`seal`): whoever comes waits at the place that it came with. Knows nothing of where the bytes come from.
"""

from __future__ import annotations

import asyncio

from app.fanout.audience import Audience, Reader
from app.fanout.splice import Splice
from app.fanout.tailing.last_said import LastSaid
from app.fanout.tailing.seal import Seal
from app.stream.asides import Asked, Awaiting, Said, Told
from app.stream.concurrency.versioned import Versioned
from app.stream.frames import Position, origin
from app.stream.log import State
from app.stream.readback.restarts import OURS, ends, restarts

HISTORY_LOST = "history_lost"


class LiveEnd(Versioned):
    """It has grown, begun anew (`reason`, `base`), ended, or is lost."""

    def __init__(self, stream_id: str, position: Position) -> None:
        super().__init__()
        self.stream_id = stream_id
        self.splice = Splice(position)
        self.audience = Audience(stream_id)
        self._handed = position  # up to where live readers have what there is
        self.base: Position = origin(stream_id)
        self.reason = HISTORY_LOST
        self.attempt = 0
        self.state = State.UNKNOWN
        self.ended = False
        self.gone = False
        # What was handed last says that it is the ending, which the log is being asked.
        self.told_all = False
        self.quiet_since = 0.0
        # Of an answer that nobody is shown yet, and of whatever the log was not asked for yet.
        self.seal: Seal | None = Seal()
        # What a person is asked of it, where nothing of it is shown.
        self.asks: tuple[Asked, ...] = ()
        self._last_said = LastSaid()
        self._fresh: list[bytes] = []

    @property
    def readers(self) -> dict[Reader, float]:
        return self.audience.readers

    @property
    def live(self) -> dict[Reader, None]:
        return self.audience.live

    def repair(self, cause: str = "asked") -> None:
        """Has the log read from the end on."""
        raise NotImplementedError

    # --- what readers do

    def go_live(self, reader: Reader) -> bool:
        """Whether `reader` stands at the end, and is fed from now on."""
        self.settle()  # what stands before the end was read by whoever stands at it
        if self.gone or self.closed or (self.seal is None and reader.position != self.splice.end):
            return False
        self.live[reader] = None
        return True

    def fall_behind(self, reader: Reader) -> bool:
        """A live reader that can take no more: it has all up to the end, and catches up later."""
        self.settle()
        if reader not in self.live:
            return False
        del self.live[reader]
        if self.seal is None:  # under seal each stands where it came from
            reader.position = self.splice.end
        return True

    # --- what they are told beside the log

    def status(self) -> Said | None:
        """What was last said beside the log, as it is now; None where something followed, or it is over."""
        now = asyncio.get_running_loop().time()
        said = self._last_said.said(now, queued=self.state is State.QUEUED)
        if said is None and self.seal is not None and self.state is State.RUNNING:
            return self.seal.says(now)
        return said

    def tell_on(self) -> None:
        """Once a second: who is shown nothing yet is told that the answer comes."""
        now = asyncio.get_running_loop().time()
        if self.seal is None or self.state is not State.RUNNING or self._last_said.is_held(now):
            return
        if (running := self.seal.says(now)) is not None:
            self.quiet_since = now
            self.audience.aside(running)

    def stands_at(self, place: int | None) -> None:
        """Its place in the line, of which readers hear where it is another."""
        if place is None:
            if self.seal is not None:
                self.repair("claimed")  # which no message tells before there is content
        elif (said := self._last_said.moves_to(place)) is not None:
            self.audience.aside(said)

    def hear(self, told: Told | None) -> None:
        """Shows readers what is said beside the log."""
        if told is None or self.ended or self.gone:
            return
        self.settle()
        self.quiet_since = asyncio.get_running_loop().time()
        self._last_said.hear(told, self.quiet_since)
        self.audience.aside(told)
        if self.seal is not None and isinstance(told, Awaiting):
            self.repair("awaiting")  # which says what for

    def ask(self, asks: tuple[Asked, ...]) -> None:
        """What a person is asked now; who reads is told once."""
        before, self.asks = self.asks, asks
        for asked in asks:
            if asked not in before:
                self.audience.aside(asked)

    # --- what they are handed

    def settle(self) -> None:
        """Hands what came to all live readers, in one piece, before anything that came later."""
        if self._fresh:
            fresh, self._fresh = self._fresh, []
            self._hand(fresh[0] if len(fresh) == 1 else b"".join(fresh))

    def _hand(self, data: bytes) -> None:
        ours = OURS in data  # which hardly any piece has, and is looked for once
        for restart in restarts(data) if ours else ():
            self.base, self.attempt = restart.position, restart.attempt
        self.state = State.RUNNING
        self.quiet_since = asyncio.get_running_loop().time()
        self._last_said.forget()
        start, self._handed = self._handed, self.splice.end
        self.told_all = ours and ends(data)
        self.audience.feed(data, start, self._handed)
        if self.told_all:
            self.repair("ending")  # which an upstream may have called something: the stream's state says
        self.wake()

    def _end(self) -> None:
        self.ended, self.state = True, State.ENDED
        self._last_said.forget()
        finished, self.audience.live = self.live, {}
        for reader in finished:
            reader.position = self.splice.end
        self.audience.each(finished, lambda reader: reader.finish())
        self.wake()

    def _lose(self) -> None:
        self.gone = True
        lost, self.audience.live = self.live, {}
        self.audience.each(lost, lambda reader: reader.lost())
        self.wake()
