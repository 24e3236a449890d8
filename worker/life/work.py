"""What a worker does for one stream between its begin and its ending: attempts, one after the other.

The rule: what comes next is decided by `attempt`, and here it is only done; whatever happens in an attempt leads to the
next step, and never out of here, but for a stream that is to be left.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

from app.stream import frames
from app.stream.asides import Thinking
from app.stream.log import Begun, Claim, Status
from worker.life import decide
from worker.life.calling import liveness
from worker.life.calling.admission import Admission, report
from worker.life.calling.call import Call
from worker.life.checkpoint import checkpoint_of
from worker.life.chronicle import Chronicle
from worker.life.decide import End, HandOver, Limits, Park, Refused, Restart, Retry, Start, Step
from worker.life.ending.writing import TAKES_NO_MORE, Ending, account_of
from worker.life.interrupt import Interrupt, Interruption, Why
from worker.life.services import Services
from worker.life.until_answered import until_answered
from worker.log.writer import FullLogError, Writer
from worker.upstream.failure import Failure, UpstreamError
from worker.upstream.gate import Later, Turn
from worker.upstream.reading import Reading
from worker.upstream.request import Request

# What the writer tells of a log that is still ours.
LOST = (Status.SHORT, Status.CONFLICT, Status.REFUSED)


class Work:
    """A stream under our claim, as `begun` found it. Raises `Interruption` when it is to be left."""

    def __init__(self, claim: Claim, services: Services, interrupt: Interrupt, begun: Begun) -> None:
        settings = services.settings
        self._claim = claim
        self._services = services
        self._interrupt = interrupt
        self._limits = Limits(settings.max_attempts, settings.retry_wait_max, settings.stream_seconds_max)
        self._clock = asyncio.get_running_loop().time
        self._checkpoint = checkpoint_of(begun)
        self._progress = (
            decide.spared(self._checkpoint.progress, self._limits) if claim.stalled else self._checkpoint.progress
        )
        self._counted = begun.counted  # the next call, and not made yet
        self._born = self._clock() - self._checkpoint.elapsed
        self._redis_clock = begun.now - self._clock() * 1000  # what to add to ours, in ms
        self.refusal: Status | None = None
        ttl_ms = int(settings.stream_ttl * 1000)
        self._chronicle = Chronicle(claim, self._checkpoint, self._clock)
        self._ending = Ending(claim.stream_id, services.log, interrupt, ttl_ms, self._chronicle)
        parked = self._checkpoint.held
        self._admission = Admission(claim, services.gate, services.announcer, self._chronicle, parked=parked)
        self._open(begun)
        if self._progress.stalls > self._checkpoint.progress.stalls:
            self._writer.mark({"free": self._progress.free, "stalls": self._progress.stalls})

    @property
    def abandon_after(self) -> float | None:
        return self._checkpoint.abandon_after

    @property
    def seconds_left(self) -> float:
        """Until the stream expires."""
        return max(self._born + self._limits.seconds_max - self._clock(), 0.0)

    def first_step(self) -> Step:
        self._chronicle.claimed(self._claim, self._checkpoint)
        return self._decide(self._checkpoint.reason)

    async def finish(self, step: Step) -> End | HandOver | Park:
        """Goes on from `step` until the ending stands in the log, or until the stream is ready to be given back."""
        following: Step | HandOver | Park = step
        while True:
            match following:
                case Park():
                    self._writer.mark({"held": "1", **self._uncounted()})
                    with self._interrupt.armed(Why.LEFT):
                        await self._writer.flush()
                    return following
                case HandOver(free):
                    self._writer.closing = True
                    self._writer.mark({"free": free, "handed_over": "1", **self._uncounted()})
                    with self._interrupt.armed(Why.LEFT):
                        await self._writer.flush()
                    return following
                case End():
                    if await self._write(following):
                        return following
                    following = await self._end_again(following)
                case _:
                    following = await self._attempt(following)

    def close(self) -> None:
        """Nothing more is written."""
        self._writer.close(Status.FENCED)

    # --- where it stands

    def _open(self, begun: Begun) -> None:
        """Goes on where the log ends."""
        self._readable = begun.position is not None
        position = begun.position or frames.Position(begun.length, 0)
        self._writer = Writer(
            self._claim, position, self._services.settings.max_log_bytes, self._services.committer, watcher=self
        )
        # Of the newest call:
        self._reading: Reading | None = None
        self._calling = False
        self._counting = False
        self._complete = False

    @property
    def memory_bytes(self) -> int:
        """How many bytes of memory the stream takes here, about: its prompt, its frames, its Message."""
        prompt = self._checkpoint.request.body if self._checkpoint.request is not None else b""
        return (
            len(prompt)
            + self._writer.kept_bytes
            + (self._reading.message.memory_bytes if self._reading is not None else 0)
        )

    async def _begin_again(self) -> Step:
        """The log has lost more than this attempt wrote. Our counts stand: the calls were made all the same."""
        if self._interrupt.why is Why.LOST:
            self._interrupt.clear()
        life_ms = self._services.settings.stream_life_ms
        begun = await until_answered(self._interrupt, lambda: self._services.log.begin(self._claim, life_ms))
        if begun.status is not Status.OK:
            self.refused(begun.status)
            raise Interruption(Why.LEFT)
        again = checkpoint_of(begun)
        self._checkpoint = replace(self._checkpoint, cancelled=again.cancelled, wait=again.wait)
        self._progress = replace(self._progress, content=again.progress.content)
        self._open(begun)
        return self._decide("log_lost")

    def _decide(self, reason: str) -> Step:
        if not self._readable:
            return decide.on_internal("its log cannot be read")
        if self._checkpoint.request is None:
            return decide.on_internal("its request cannot be read")
        return decide.on_begin(
            self._progress,
            self._limits,
            times=self._claim.times,
            elapsed=self._clock() - self._born,
            cancelled=self._checkpoint.cancelled,
            wait=self._checkpoint.wait,
            reason=reason,
        )

    # --- attempts

    async def _attempt(self, step: Start | Retry | Refused | Restart) -> Step | HandOver | Park:
        """One call, and what comes after it."""
        request = self._checkpoint.request
        assert request is not None  # noqa: S101  # for the type checker: `_decide` ends a stream without one
        self._calling = self._counting = False
        turn: Turn | Later | None = None
        try:
            with self._interrupt.armed():
                await self._wait(step)
                turn = await self._admission.turn(step, request.model)
                if isinstance(turn, Later):
                    return Park(turn.seconds, request.model)
                await self._count()
                reading = await self._call(request, turn)
            self._complete = True
            return decide.on_message(reading.message.stop_reason)
        except UpstreamError as error:
            report(turn, error.failure, self._limits)
            return self._failed(error.failure)
        except FullLogError:
            return decide.on_full_log(self._services.settings.max_log_bytes)
        except Interruption as interruption:
            if self._counting and not self._calling:  # counted, and never made
                self._take_back()
            return await self._interrupted(interruption.why)
        except Exception as error:  # noqa: BLE001  # our own fault must not leave a stream without its ending
            self._chronicle.fault(error)
            return decide.on_internal("an internal error")
        finally:
            if isinstance(turn, Turn):
                turn.taken()  # where nothing else was told of it

    async def _wait(self, step: Start | Retry | Refused | Restart) -> None:
        """Tells the readers what comes, and waits for this stream's own reasons."""
        if not isinstance(step, Start):
            self._tell(step)
        if isinstance(step, Retry | Restart) and step.wait:
            # Whoever takes over meanwhile waits for the rest of it.
            self._writer.mark({"retry_at": round(self._redis_clock + (self._clock() + step.wait) * 1000)})
            await asyncio.sleep(step.wait)

    def _tell(self, step: Retry | Refused | Restart) -> None:
        following, writer = self._progress.calls + 1, self._writer
        if not isinstance(step, Refused):  # which was no call
            self._chronicle.goes_on(following, step)
        match step:
            case Retry(reason, wait) | Refused(reason, wait):
                data = {"attempt": following, "reason": reason, "retry_in_ms": round(wait * 1000)}
                writer.own("relay.retry", data)
            case Restart(reason, _):
                writer.new_attempt()
                writer.own("relay.reset", {"attempt": following, "reason": reason})
                writer.mark({"base": writer.offset, "content": "0"})
                self._progress = replace(self._progress, content=False)
        self._reading = None

    async def _count(self) -> None:
        """Counts the call before it is made: a worker that dies in it has made it."""
        self._progress = replace(self._progress, calls=self._progress.calls + 1)
        self._counting = True
        if self._counted:
            self._counted = False
            return
        self._writer.mark({"attempt": self._progress.calls, "handed_over": "0", "held": "0"})
        await self._writer.flush()
        self._interrupt.check()

    def _take_back(self) -> None:
        """The call that was counted last is none. Written with what comes next."""
        self._progress = replace(self._progress, calls=self._progress.calls - 1)
        self._counted = True

    def _uncounted(self) -> dict[str, int]:
        """Takes back what was counted and not made."""
        return {"attempt": self._progress.calls} if self._counted else {}

    async def _call(self, request: Request, turn: Turn) -> Reading:
        self._calling = True
        timeouts = liveness.timeouts_of(self._services.settings)
        call = Call(self._writer, self._interrupt, timeouts, self._chronicle, self._thinks)
        self._reading = call.reading
        self._chronicle.call_started(self._progress.calls)
        await call.read(self._services.claude, request, turn)
        return call.reading

    def _thinks(self, seconds: float) -> None:
        self._chronicle.silent(seconds)
        self._services.announcer.announce(self._claim.stream_id, Thinking(round(seconds * 1000)))

    def _failed(self, told: Failure) -> Step:
        self._see_content()
        step = decide.on_failure(self._progress, self._limits, told, random.random())  # noqa: S311  # no secret
        if isinstance(step, Refused):
            self._take_back()
            self._writer.mark(self._uncounted())
            self._counted = False
        return step

    async def _interrupted(self, why: Why) -> Step | HandOver:
        match why:
            case Why.STALLED | Why.SILENT:
                self._interrupt.clear()
                if why is Why.SILENT:
                    self._progress = replace(self._progress, silences=self._progress.silences + 1)
                    self._writer.mark({"silences": self._progress.silences})
                return self._failed(liveness.FAILURES[why])
            case Why.LOST:
                refused, step = self.refusal, await self._begin_again()
                return TAKES_NO_MORE if refused is Status.REFUSED else step
            case Why.DRAINED:
                self._see_content()
                return decide.on_drain(self._progress, calling=self._calling)
            case Why.EXPIRED:
                return decide.expired()
            case Why.CANCELLED:
                return decide.CANCELLED
            case Why.LEFT:
                raise Interruption(why)

    def _see_content(self) -> None:
        if self._reading is not None and self._reading.content:
            self._progress = replace(self._progress, content=True)

    # --- writing

    async def _write(self, end: End) -> bool:
        """Writes the ending; False where the log has lost what would make it true, or takes nothing any more."""
        model, clock = self._checkpoint.model, self._redis_clock
        account = account_of(self._progress, model, self._reading, clock, complete=self._complete)
        return await self._ending.write(end, account, self._writer, self._uncounted(), readable=self._readable)

    async def _end_again(self, end: End) -> Step:
        """What comes after an ending that was refused."""
        refused, reading, complete = self.refusal, self._reading, self._complete
        await self._ending.refused(refused)
        step = await self._begin_again()
        if refused is not Status.REFUSED:
            return step
        if not self._ending.is_due_at(self._writer.position):
            return TAKES_NO_MORE
        self._reading, self._complete = reading, complete
        return end

    # --- what the writer tells

    def refused(self, status: Status) -> None:
        self.refusal = status
        self._chronicle.append_refused(status)
        self._interrupt.stop(Why.LOST if status in LOST else Why.LEFT)

    def cancel_seen(self) -> None:
        self._interrupt.stop(Why.CANCELLED)
