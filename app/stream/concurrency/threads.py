"""Work beside the loop: on many bytes, so that others have their turns meanwhile, or for as long as the process lives.

The rule of the first: they have turns only while Python runs there; within one call of C (one text parsed, one value
written) they wait all the same, so what is large is to be done in many calls. The rule of the second is that of
`tasks`: no thread ends unnoticed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from app.stream.concurrency import tasks
from app.stream.observing import tell

T = TypeVar("T")

# Below, a thread costs more than it spares.
LARGE_BYTES = 256 * 1024


async def beside(size: int, work: Callable[[], T], large: int = LARGE_BYTES) -> T:
    """What `work` makes of `size` bytes: in a thread where these are more than `large`."""
    return work() if size <= large else await asyncio.to_thread(work)


class SupervisedThread:
    """Work in a thread of its own, begun again whenever it ends or raises, until `stop`. It ends with its process.

    `work` is given what is set when it is to end.
    """

    def __init__(self, name: str, work: Callable[[threading.Event], object]) -> None:
        self.name = name
        self.falls = 0
        self._work = work
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Not waited for: it may be somebody else's code that is held up there."""
        self._ended.set()

    def join(self, seconds: float) -> None:
        """Waits for its end, which it was told of or knows itself, for so long."""
        self._thread.join(seconds)

    def _supervise(self) -> None:
        pause = tasks.PAUSE_SECONDS
        while not self._ended.is_set():
            fell: BaseException | None = None
            since = time.monotonic()
            try:
                self._work(self._ended)
            except BaseException as error:  # noqa: BLE001  # an exit that is asked for here is a fall like any other
                fell = error
            if not self._ended.is_set():
                self.falls += 1
                tell(tasks.fall_of(self.name, fell))
                if time.monotonic() - since >= tasks.STEADY_SECONDS:
                    pause = tasks.PAUSE_SECONDS
                self._ended.wait(pause)
                pause = min(pause * 2, tasks.PAUSE_SECONDS_MAX)
