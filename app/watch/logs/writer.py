"""Lines to a file descriptor, by a thread of its own.

The rule: who hands in a line waits for nobody. A pipe that nobody reads, a disk that is full or slow hold up this
thread alone; what comes meanwhile is kept up to a bound, and what is beyond it, or cannot be written, is lost and
counted. Once writing goes again, that is said. Lines of a moment go out together: a thread that is woken for each costs
more than they do. A line may come from a finalizer, which runs wherever memory is collected, here as well: nothing is
locked that could be asked for again there.
"""

from __future__ import annotations

import errno
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from app.stream.concurrency.threads import SupervisedThread

LINES_MAX = 5_000
BATCH_BYTES = 64 * 1024
# Lines of so long go out together.
TOGETHER_SECONDS = 0.005
# What is left may take so long when the process ends.
CLOSE_SECONDS = 1.0
STALLED = "stalled"


class Writer:
    """`fd` is None where there is nothing to write to. `told` makes the line that says how many were lost, and why."""

    def __init__(self, fd: int | None, told: Callable[[int, str], bytes]) -> None:
        self.lost = 0
        self._fd = fd
        self._told = told
        self._lines: deque[bytes] = deque()
        self._untold = 0
        self._why = ""
        self._torn = False
        self._closing = False
        self._counting = threading.RLock()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._rung = False
        self._thread = SupervisedThread("log", self._run)
        self._thread.start()

    def put(self, line: bytes) -> None:
        if len(self._lines) >= LINES_MAX or self._fd is None:
            self._lose(1, STALLED)
            return
        self._lines.append(line)
        if not self._rung:
            self._ring()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Writes what is left, if that can be done in time."""
        self._closing = True
        self._ring()
        self._thread.join(seconds)

    def _ring(self) -> None:
        self._rung = True
        self._bell.put(None)

    def _run(self, ended: threading.Event) -> None:
        while not self._closing:
            self._bell.get()
            self._rung = False  # before it is looked what there is: what comes from now on rings anew
            self._write_all()
            if not self._closing:
                time.sleep(TOGETHER_SECONDS)
        self._write_all()
        ended.set()

    def _write_all(self) -> None:
        while self._lines:
            batch, size = [], 0
            while self._lines and size < BATCH_BYTES:
                line = self._lines.popleft()
                batch.append(line)
                size += len(line)
            if self._write(batch):
                self._tell_lost()

    def _write(self, batch: list[bytes]) -> bool:
        data = b"".join(batch)
        written = 0
        try:
            if self._torn:  # what stands there is half a line
                self._out(b"\n")
                self._torn = False
            while written < len(data):
                written += self._out(memoryview(data)[written:])
        except OSError as error:
            whole = data[:written].count(b"\n")
            self._torn = self._torn or (written > 0 and data[written - 1] != ord("\n"))
            self._lose(len(batch) - whole, errno.errorcode.get(error.errno or 0, type(error).__name__))
            return False
        return True

    def _out(self, data: bytes | memoryview) -> int:
        assert self._fd is not None  # noqa: S101  # nothing is kept without one
        try:
            return os.write(self._fd, data)
        except BlockingIOError:  # somebody has made it so; we may wait
            poll = select.poll()
            poll.register(self._fd, select.POLLOUT)
            poll.poll()
            return 0

    def _lose(self, lines: int, why: str) -> None:
        with self._counting:  # any thread's
            self.lost += lines
            self._untold += lines
            self._why = why

    def _tell_lost(self) -> None:
        with self._counting:
            untold, self._untold = self._untold, 0
        if untold and not self._write([self._told(untold, self._why)]):
            self._lose(untold - 1, self._why)  # of those that were lost none comes to it, nor does this line
            self.lost -= untold
