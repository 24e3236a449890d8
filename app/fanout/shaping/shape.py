"""What one stream's JSON says so far, on one front: read along with its tail, for as long as a reader asks for it.

The rule: it reads the log from its beginning once, and is handed what comes from then on, before any reader is. A value
is made when a block is whole, and meanwhile at most every `BETWEEN_SECONDS`; one that took long is followed by a pause
that is `PAUSE` times as long. A fault of it costs the values, never the stream.
"""

from __future__ import annotations

import asyncio
import time

from app.fanout.catchup import Begin, Data, Lost, Reset, catch_up
from app.fanout.shaping.json_blocks import Blocks
from app.fanout.tail import Tail
from app.stream.frames import Position, origin
from app.stream.observing import tell
from app.watch.events import of_processes
from app.watch.events.subjects import subject

# Eight in a second: ten are promised, and a block that becomes whole has one more.
BETWEEN_SECONDS = 0.125
# So all that is made of one stream takes a hundredth of a core at the most, however large its JSON is.
PAUSE = 100
NAME = "shape"


class Shape:
    """The values of the stream of `tail`. `ready`: all that the tail has was read, or it cannot be."""

    def __init__(self, tail: Tail) -> None:
        self.ready = False
        self.blocks = Blocks(origin(tail.stream_id))
        self._tail = tail
        self._readers = 0
        self._over = False
        self._due = 0.0
        self._later: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None

    def join(self) -> None:
        """One reader more. Whoever joins must `leave`."""
        self._readers += 1
        if self._reading is None:
            self._read_on()

    def leave(self) -> None:
        self._readers -= 1
        if not self._readers:
            self._close()

    # --- the tail's side

    def take(self, data: bytes, start: Position, end: Position) -> None:
        """What the tail's readers are handed next."""
        if not self.ready or self._over:
            return  # it is read from the log
        try:
            if start == self.blocks.position:
                self._take(data, end)
            else:
                self._read_on()
        except Exception as error:  # noqa: BLE001  # whatever it is, the stream goes on
            self._fail(error)

    def start_over(self) -> None:
        """The log holds another history."""
        self.blocks.start_over(origin(self._tail.stream_id))
        self._read_on()

    # --- reading

    def _read_on(self) -> None:
        self.ready = False
        if self._reading is not None:
            self._reading.cancel()
        self._reading = asyncio.create_task(self._read(), name=NAME)

    async def _read(self) -> None:
        """Reads up to the tail's end, from where on it is handed what comes."""
        tail, blocks = self._tail, self.blocks
        try:
            while not (tail.closed or tail.gone):
                seen = tail.version
                async for step in catch_up(tail, blocks.position):
                    match step:
                        case Data(data, position):
                            blocks.take(data, position)
                        case Reset(position=position) | Begin(position=position):
                            blocks.start_over(position)
                        case Lost():
                            self._over = True
                tail.settle()
                if self._over or tail.seal is not None or blocks.position == tail.splice.end:
                    self._say()
                    break
                await tail.changed(seen)  # there is nothing to be read yet
        except Exception as error:  # noqa: BLE001  # its readers are served without it
            self._fail(error)
        self.ready = True
        tail.wake()

    def _take(self, data: bytes, end: Position) -> None:
        number, began = self.blocks.number, time.perf_counter()
        self.blocks.take(data, end)
        now = asyncio.get_running_loop().time()
        if self.blocks.number > number:
            self._pause(time.perf_counter() - began)
        if not self.blocks.fresh:
            return
        if now >= self._due:
            self._say()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_at(self._due, self._say_later)

    def _say_later(self) -> None:
        self._later = None
        try:
            if self.ready and self._say():
                self._tail.wake()
        except Exception as error:  # noqa: BLE001  # as `take`
            self._fail(error)

    def _say(self) -> bool:
        began = time.perf_counter()
        said = self.blocks.say()
        self._pause(time.perf_counter() - began)
        return said

    def _pause(self, took: float) -> None:
        self._due = asyncio.get_running_loop().time() + max(BETWEEN_SECONDS, PAUSE * took)

    def _close(self) -> None:
        self._over = True
        self._tail.audience.along = None
        if self._later is not None:
            self._later.cancel()
        if self._reading is not None:
            self._reading.cancel()

    def _fail(self, error: Exception) -> None:
        tell(of_processes.Fault.met(NAME, error, subject(self._tail.stream_id)))
        self._over = True


def shape_of(tail: Tail) -> Shape:
    """The one that reads along with `tail`."""
    along = tail.audience.along
    if isinstance(along, Shape):
        return along
    shape = tail.audience.along = Shape(tail)
    return shape
