"""When each byte of a stream is due: a player for each stream, and one wheel that turns them all.

The schedule is absolute, on the monotonic clock: a late turn is made up for by the next, and nothing drifts. All
players share the wheel's ticks instead of having a timer each, which is what lets one process play hundreds of streams.
Knows transports as something to write to; nothing of HTTP's heads, nor of what the bytes say.
"""

import asyncio
import heapq
import socket
import struct
from collections import deque
from collections.abc import Callable
from math import ceil
from time import monotonic, time_ns

from app.dev.simulator.answer.events import PING
from app.dev.simulator.faults import Ending, Rest, Step, render
from app.dev.simulator.reply import Stream

TICK_SECONDS = 0.005  # a token is at most this late, less than a network's jitter
FRAMES_PER_TURN = 32  # of a stream as fast as possible, before others have their turn
PING_SECONDS = 0.5  # far more often than the API, so that tests of "only pings" need not wait long

_TERMINATOR = b"0\r\n\r\n"
_NO_LINGER = struct.pack("ii", 1, 0)


class Wheel:
    """Calls back at the first tick after a due time. Asleep when nothing is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: dict[int, list[Callable[[], None]]] = {}
        self._order: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._armed = 0

    def at(self, due: float, callback: Callable[[], None]) -> None:
        """`due` is a time of `time.monotonic()`."""
        slot = ceil(due / TICK_SECONDS)
        if waiting := self._slots.get(slot):
            waiting.append(callback)
            return
        self._slots[slot] = [callback]
        heapq.heappush(self._order, slot)
        if self._timer is None or slot < self._armed:
            self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._slots.clear()
        self._order.clear()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = self._order[0]
        # uvloop rounds to whole milliseconds; rounding up here keeps it from waking early and turning idly.
        delay = ceil(max(self._armed * TICK_SECONDS - monotonic(), 0.0) * 1000) / 1000
        self._timer = self._loop.call_later(delay, self._turn)

    def _turn(self) -> None:
        now = monotonic() / TICK_SECONDS
        self._armed = 0  # nothing is earlier: what the callbacks ask for waits for the end of this turn
        while self._order and self._order[0] <= now:
            for callback in self._slots.pop(heapq.heappop(self._order)):
                callback()
        self._timer = None
        if self._order:
            self._arm()


class Player:
    """Writes the steps of one stream when they are due, until it ends or is stopped."""

    def __init__(
        self, transport: asyncio.Transport, stream: Stream, wheel: Wheel, done: Callable[[], None], *, chunked: bool
    ) -> None:
        self._transport, self._wheel, self._done, self._chunked = transport, wheel, done, chunked
        self._loop = asyncio.get_running_loop()
        self._steps, self._pace, self._asked = stream.steps, stream.pace, stream.asked
        self._metered = stream.metered
        self._plain = not (self._asked.stamp or self._asked.crlf or self._asked.split)
        self._ping_seconds = PING_SECONDS if self._asked.ping is None else max(self._asked.ping, TICK_SECONDS)
        self._parts: deque[bytes] = deque()  # of a dribbled frame, one for each turn of the loop
        self._held: Step | None = None  # taken from the steps and not due yet
        self._tokens = 0
        self._start = monotonic()
        self._scheduled = self._paused = self._stopped = False

    def begin(self) -> None:
        self._scheduled = True
        self._turn()

    def stop(self) -> None:
        """The connection is gone. What still is on the wheel does nothing any more."""
        self._stopped = True
        self._held, self._steps = None, iter(())

    def pause(self) -> None:
        """The client does not keep up: its stream waits and is behind its schedule, nothing is gathered here."""
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._soon()

    def _soon(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _at(self, due: float) -> None:
        self._scheduled = True
        self._wheel.at(due, self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if self._stopped or self._paused:
            return
        if self._parts:
            self._write([self._parts.popleft()])
            self._soon()
            return
        now = monotonic()
        batch: list[bytes] = []
        while len(batch) < FRAMES_PER_TURN and not self._parts:
            step = self._held or next(self._steps, Ending.CLEAN)
            self._held = None
            if isinstance(step, Ending | Rest):
                self._write(batch)
                self._end(step) if isinstance(step, Ending) else self._begin_rest(step)
                return
            if step[1]:
                due = self._start + self._pace.due(self._tokens)
                if due > now:
                    self._held = step
                    self._write(batch)
                    self._at(due)
                    return
                self._tokens += 1
            self._render(step[0], batch)
        self._write(batch)
        if not self._paused:
            self._soon()

    def _render(self, frame: bytes, batch: list[bytes]) -> None:
        if self._plain:
            batch.append(frame)
        elif self._asked.split:
            self._parts.extend(render(frame, self._asked, time_ns))
        else:
            batch.extend(render(frame, self._asked, time_ns))

    def _write(self, parts: list[bytes]) -> None:
        if not parts:
            return
        self._metered.says(self._tokens)
        if self._chunked:
            parts = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts]
        self._transport.write(parts[0] if len(parts) == 1 else b"".join(parts))

    def _end(self, ending: Ending) -> None:
        match ending:
            case Ending.CLEAN:
                if self._chunked:
                    self._transport.write(_TERMINATOR)
                self._done()
            case Ending.PINGS:
                self._ping()
            case Ending.RESET:
                # One tick later: the loop has yet to hand the last tokens to the kernel, which a reset would discard.
                self._wheel.at(monotonic() + TICK_SECONDS, self._reset)
            case Ending.STALL:
                pass

    def _begin_rest(self, rest: Rest) -> None:
        self._scheduled = True
        self._start += rest.seconds
        self._rest(monotonic() + rest.seconds, pings=rest.pings)

    def _rest(self, until: float, *, pings: bool) -> None:
        now = monotonic()
        if self._stopped:
            return
        if now >= until:
            self._scheduled = False
            self._soon()
            return
        if pings:
            self._write_ping()
        due = min(now + self._ping_seconds, until) if pings else until
        self._wheel.at(due, lambda: self._rest(until, pings=pings))

    def _ping(self) -> None:
        if not self._stopped:
            self._write_ping()
            self._wheel.at(monotonic() + self._ping_seconds, self._ping)

    def _write_ping(self) -> None:
        if not self._paused:
            self._write(render(PING[0], self._asked, time_ns))

    def _reset(self) -> None:
        if self._stopped:
            return
        if self._transport.get_write_buffer_size():
            self._wheel.at(monotonic() + TICK_SECONDS, self._reset)
            return
        self._done()
        reset(self._transport)


def reset(transport: asyncio.Transport) -> None:
    """Closes with a RST instead of a FIN: what a crashed peer or a dropped connection looks like."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
