"""One call of the upstream, read to its end into the log.

The rule: a call ends by its message, by a failure, or by a silence that `liveness` judges too long. Raises what ended
it: `UpstreamError`, `FullLogError`, or `Interruption` where the stream's interrupt is armed around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from worker.life.calling import liveness
from worker.life.calling.ledger import Ledger
from worker.life.chronicle import GIVEN_UP, Chronicle
from worker.life.interrupt import Interrupt
from worker.log.writer import FullLogError, Writer
from worker.upstream import failure
from worker.upstream.claude import Claude
from worker.upstream.failure import UpstreamError
from worker.upstream.gate import Turn
from worker.upstream.reading import Reading
from worker.upstream.request import Request

OK = 200


class Call:
    """A call under way. `reading` has what it brought; `thinks` is told for how many seconds only pings have come;
    `put` is given the frames in the writer's place.
    """

    def __init__(
        self,
        writer: Writer,
        ledger: Ledger,
        interrupt: Interrupt,
        timeouts: liveness.Timeouts,
        *,
        chronicle: Chronicle,
        thinks: Callable[[float], None],
        put: Callable[[bytes | None, bytes], None] | None = None,
    ) -> None:
        self._writer = writer
        self._ledger = ledger
        self._interrupt = interrupt
        self._timeouts = timeouts
        self._chronicle = chronicle
        self._thinks = thinks
        self._upstream_request_id = ""
        self._beat = 0.0
        self._loop = asyncio.get_running_loop()
        self.reading = Reading(put or writer.frame, self._begins, self._loop.time, chronicle.first_content)
        self._due = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, claude: Claude, request: Request, turn: Turn) -> None:
        """Returns when the message is complete. `turn` is told what the answer says of the limits."""
        status, reason = GIVEN_UP, "given_up"
        try:
            with self._ledger.call(request.model, self.reading):
                await self._read(claude, request, turn)
            status, reason = OK, ""
        except UpstreamError as error:
            status, reason = error.failure.status, error.failure.reason
            self._upstream_request_id = error.failure.request_id or self._upstream_request_id
            raise
        except asyncio.CancelledError:
            reason = reason if self._interrupt.why is None else self._interrupt.why.name.lower()
            raise
        finally:
            self._writer.mark(self._ledger.field)  # goes along with what is written next
            self._chronicle.call_ended(status, reason, self._upstream_request_id)

    async def _read(self, claude: Claude, request: Request, turn: Turn) -> None:
        reading, writer, interrupt = self.reading, self._writer, self._interrupt
        self._watch()
        try:
            async with claude.call(request) as answer:
                reading.stir()
                turn.taken(answer.limits)
                self._upstream_request_id = answer.headers.get("request-id", "")
                self._ledger.answered(self._upstream_request_id)
                async for chunk in answer.chunks:
                    if reading.feed(chunk):
                        return
                    if reading.pending > writer.room:  # an event that will not fit is not gathered first
                        raise FullLogError
                    if interrupt.why is not None:  # a library below us may have swallowed the cancellation
                        interrupt.check()
                if not answer.is_stream and not reading.begun:
                    raise UpstreamError(failure.not_the_api(OK, answer.headers))
                reading.end()
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _begins(self) -> None:
        """Its first frame is about to be written, and what is known of the call goes along."""
        self._writer.mark({"content": "1", **self._ledger.field})

    def _watch(self) -> None:
        """Looks when the silence could be long enough; cheaper than a timer that every event moves."""
        reading, now = self.reading, self._loop.time()
        if (unheard := liveness.unheard(now=now, due=self._due)) > 0:
            reading.pardon(unheard)
        found = liveness.judge(self._timeouts, now=now, heard=reading.heard, stirred=reading.stirred, beat=self._beat)
        if found.over is not None:
            self._interrupt.stop(found.over)
            return
        self._beat, self._due = found.beat, found.again
        self._timer = self._loop.call_at(found.again, self._watch)
        if found.told is not None:
            self._thinks(found.told)
