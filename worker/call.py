"""One call of the upstream, read to its end into the log.

The rule: silence is measured from the last event that is no ping, and ends the call. Raises what ended it:
`UpstreamError`, `FullLogError`, or `Interruption` where the stream's interrupt is armed around it.
"""

from __future__ import annotations

import asyncio

from worker.admission import Admission
from worker.claude import Claude
from worker.interrupt import Interrupt, Why
from worker.reading import Reading
from worker.request import Request


class Call:
    """A call under way. `reading` has what it brought."""

    def __init__(self, reading: Reading, interrupt: Interrupt, stall_seconds: float) -> None:
        self.reading = reading
        self._interrupt = interrupt
        self._stall_seconds = stall_seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, claude: Claude, request: Request, admission: Admission) -> None:
        """Returns when the message is complete. `admission` is told when everybody is to wait."""
        reading, interrupt = self.reading, self._interrupt
        self._watch()
        try:
            async with claude.call(request) as answer:
                if answer.hold is not None:
                    await admission.hold(request.model, answer.hold)
                    interrupt.check()
                async for chunk in answer.chunks:
                    if reading.feed(chunk):
                        return
                    if interrupt.why is not None:  # a library below us may have swallowed the cancellation
                        interrupt.check()
                reading.end()
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _watch(self) -> None:
        """Looks when the silence could be long enough; cheaper than a timer that every event moves."""
        left = self.reading.heard + self._stall_seconds - self._loop.time()
        if left <= 0:
            self._interrupt.stop(Why.STALLED)
        else:
            self._timer = self._loop.call_later(left, self._watch)
