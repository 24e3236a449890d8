"""One stream's life in this worker, from the claim to its release.

The rule: every path leads to exactly one ending, but where the stream is somebody else's (fenced), gone or ended
already: then nothing more is written. What comes next is decided by `attempt`; here it is only done.
"""

from __future__ import annotations

import asyncio
import logging
import random
import traceback
from dataclasses import dataclass, replace

from redis.exceptions import RedisError

from app.settings import Settings
from app.stream import frames
from app.stream.channel import Channel
from app.stream.log import Begun, Claim, Log, Status
from app.stream.queue import Queue
from worker import attempt, ending, failure
from worker.attempt import End, HandOver, Limits, Restart, Retry, Start, Step
from worker.call import Call
from worker.claude import Claude
from worker.commit import Committer
from worker.control import Control
from worker.failure import Failure, UpstreamError
from worker.found import Found, found
from worker.interrupt import Interrupt, Interruption, Why
from worker.patience import patiently
from worker.prices import cost_usd
from worker.reading import Reading
from worker.writer import FullLogError, Writer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What every stream of this worker works with."""

    settings: Settings
    log: Log
    queue: Queue
    committer: Committer
    channel: Channel
    claude: Claude


class Run:
    """A claimed stream. `live` is its task; everybody else may only `interrupt` it."""

    def __init__(self, claim: Claim, tools: Tools) -> None:
        settings = tools.settings
        self.claim = claim
        self.interrupt = Interrupt()
        self._tools = tools
        self._settings = settings
        self._limits = Limits(settings.max_attempts, settings.retry_wait_max, settings.stream_seconds_max)
        self._control = Control(claim.stream_id, tools.channel, tools.log, self.interrupt)
        self._loop = asyncio.get_running_loop()
        self._expiry: asyncio.TimerHandle | None = None
        self._refusal: Status | None = None

    async def live(self, forced: End | None = None) -> None:
        """From the claim to its release; `forced` ends the stream without a call."""
        try:
            begun = await self._begin()
            match begun.status:
                case Status.OK:
                    await self._live(begun, forced)
                case Status.ENDED:  # its last holder died between the ending and `done`
                    await self._release()
                case Status.GONE:
                    await self._drop()
                case _:
                    pass
        except Interruption:
            await self._leave()
        except RedisError as error:
            logger.error("%s: Redis refuses what it should take: %s", self.claim.stream_id, error)  # noqa: TRY400  # no tracebacks with prompts
        finally:
            self._control.stop()
            if self._expiry is not None:
                self._expiry.cancel()

    @property
    def abandon_after(self) -> float | None:
        return self._found.abandon_after if self._writer is not None else None

    async def _live(self, begun: Begun, forced: End | None) -> None:
        taken_over = self._take_over(begun)
        step: Step | HandOver = forced or taken_over
        self._control.start()
        while True:
            while not isinstance(step, End | HandOver):
                step = await self._attempt(step)
            if isinstance(step, HandOver):
                return await self._hand_over(step)
            if await self._write_end(step):
                return await self._release()
            step = await self._begin_again()

    # --- begin

    async def _begin(self) -> Begun:
        return await patiently(self.interrupt, lambda: self._tools.log.begin(self.claim))

    def _take_over(self, begun: Begun) -> Step:
        """Takes in what the meta tells, and decides upon it."""
        self._found = found(begun)
        self._progress = self._found.progress
        self._open(begun)
        left = self._limits.seconds_max - self._found.elapsed
        self._expiry = self._loop.call_later(max(left, 0), self.interrupt.stop, Why.EXPIRED)
        return self._decide("worker_drained" if self._found.handed_over else "worker_lost")

    async def _begin_again(self) -> Step:
        """The log lost more than this attempt's bytes."""
        if self.interrupt.why is Why.LOST:
            self.interrupt.clear()
        begun = await self._begin()
        if begun.status is not Status.OK:
            self.refused(begun.status)
            raise Interruption(Why.LEFT)
        # What Redis forgot was called all the same.
        again = found(begun)
        self._progress = replace(self._progress, content=again.progress.content)
        self._found = replace(self._found, cancelled=again.cancelled, elapsed=again.elapsed)
        self._open(begun)
        return self._decide("log_lost")

    def _open(self, begun: Begun) -> None:
        self._readable = begun.position is not None
        position = begun.position or frames.Position(begun.length, 0)
        self._writer = Writer(self.claim, position, self._settings.max_log_bytes, self._tools.committer, self)
        self._reading: Reading | None = None
        self._complete = False

    def _decide(self, reason: str) -> Step:
        if not self._readable:
            return attempt.on_internal("its log cannot be read")
        if self._found.request is None:
            return attempt.on_internal("its request cannot be read")
        return attempt.on_begin(
            self._progress,
            self._limits,
            times=self.claim.times,
            elapsed=self._found.elapsed,
            cancelled=self._found.cancelled,
            reason=reason,
        )

    # --- attempts

    async def _attempt(self, step: Start | Retry | Restart) -> Step | HandOver:
        """One call, and what comes after it."""
        self._calling = False
        try:
            with self.interrupt.armed():
                self._tell(step)
                await asyncio.sleep(0 if isinstance(step, Start) else step.wait)
                await self._count()
                reading = await self._call()
            self._complete = True
            return attempt.on_message(reading.message.stop_reason)
        except UpstreamError as error:
            return self._failed(error.failure)
        except FullLogError:
            return attempt.on_full_log(self._settings.max_log_bytes)
        except Interruption as interruption:
            return await self._interrupted(interruption.why)
        except Exception as error:  # noqa: BLE001  # our own fault must not leave a stream without its ending
            logger.error("%s: %s in %s", self.claim.stream_id, type(error).__name__, _where(error))  # noqa: TRY400  # as above
            return attempt.on_internal("an internal error")

    def _tell(self, step: Start | Retry | Restart) -> None:
        """Tells the readers that another call follows."""
        following, writer = self._progress.calls + 1, self._writer
        match step:
            case Retry(reason, wait):
                data = {"attempt": following, "reason": reason, "retry_in_ms": round(wait * 1000)}
                writer.own("relay.retry", data)
            case Restart(reason, _):
                writer.new_attempt()
                writer.own("relay.reset", {"attempt": following, "reason": reason})
                writer.mark({"base": writer.offset, "content": "0"})
                self._progress = replace(self._progress, content=False)
        self._reading = None

    async def _count(self) -> None:
        """The call is counted before it is made: a worker that dies in it has made it."""
        self._progress = replace(self._progress, calls=self._progress.calls + 1)
        self._writer.mark({"attempt": self._progress.calls, "handed_over": "0"})
        await self._writer.flush()
        self.interrupt.check()
        self._calling = True

    async def _call(self) -> Reading:
        reading = self._reading = Reading(self._writer, self._loop.time)
        request = self._found.request
        assert request is not None  # noqa: S101  # `_decide` ends a stream without one
        await Call(reading, self.interrupt, self._settings.stall_timeout).read(self._tools.claude, request)
        return reading

    def _failed(self, told: Failure) -> Step:
        self._progress = replace(self._progress, content=self._reading is not None and self._reading.content)
        return attempt.on_failure(self._progress, self._limits, told, random.random())  # noqa: S311  # no secret

    async def _interrupted(self, why: Why) -> Step | HandOver:
        match why:
            case Why.STALLED:
                self.interrupt.clear()
                return self._failed(failure.STALLED)
            case Why.LOST:
                return await self._begin_again()
            case Why.DRAINED:
                if self._reading is not None:
                    self._progress = replace(self._progress, content=self._reading.content)
                return attempt.on_drain(self._progress, calling=self._calling)
            case Why.EXPIRED:
                return attempt.expired()
            case Why.CANCELLED:
                return attempt.CANCELLED
            case Why.LEFT:
                raise Interruption(why)

    # --- the ending

    async def _write_end(self, end: End) -> bool:
        """Writes the ending; False where the log lost too much for it to be true."""
        message = self._reading.message if self._reading is not None else None
        calls, writer = self._progress.calls, self._writer
        usage = message.usage if message is not None and message.closed else None
        cost = cost_usd(self._found.model, usage) if usage is not None else None
        if self._readable:
            writer.own("relay.end", ending.frame_data(end, calls, message, cost), last=True)
        fields = ending.fields(end, calls, message, cost, complete=self._complete)
        writer.mark(fields, int(self._settings.stream_ttl * 1000))
        with self.interrupt.armed(Why.LEFT):
            await writer.flush()
        if writer.refusal is None:
            logger.info("%s: %s after %d attempts", self.claim.stream_id, end.outcome, calls)
        return writer.refusal is None

    async def _release(self) -> None:
        """The stream has its ending: out of the queue, onto the outbox."""
        stream_id = self.claim.stream_id
        meta = await patiently(
            self.interrupt, lambda: self._tools.log.meta(stream_id, "owner", "outcome", "attempts", "ended_at")
        )
        entry = {name: value for name, value in (meta or {}).items() if name != "state"}
        await patiently(self.interrupt, lambda: self._tools.queue.done(self.claim, {"id": stream_id, **entry}))

    async def _drop(self) -> None:
        """Redis has lost the stream: nothing to end, nothing to tell."""
        await patiently(self.interrupt, lambda: self._tools.queue.done(self.claim))

    async def _hand_over(self, step: HandOver) -> None:
        self._writer.mark({"free": step.free, "handed_over": "1"})
        with self.interrupt.armed(Why.LEFT):
            await self._writer.flush()
        await patiently(self.interrupt, lambda: self._tools.queue.give_back([self.claim]))

    async def _leave(self) -> None:
        """No longer ours, or not any more at all."""
        logger.info("%s: left (%s)", self.claim.stream_id, self._refusal or "refused")

    # --- what the writer tells

    def refused(self, status: Status) -> None:
        self._refusal = status
        self.interrupt.stop(Why.LOST if status in (Status.SHORT, Status.CONFLICT) else Why.LEFT)

    def cancel_seen(self) -> None:
        self.interrupt.stop(Why.CANCELLED)


def _where(error: Exception) -> str:
    """The place of an error, without its text, which may quote a prompt."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.name} ({last.filename}:{last.lineno})"


__all__ = ["Found", "Run", "Tools"]
