"""One stream's life in this worker: claim, begin, attempts, ending, release.

The rule: every path leads to exactly one ending, but where the stream is somebody else's (fenced), gone or ended
already: then nothing more is written. What follows is `decide`'s, and where the stream stands is `record`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from functools import partial

from redis.exceptions import RedisError

from app.stream.accounts import Bill
from app.stream.concurrency.tasks import jittered
from app.stream.frames import Position
from app.stream.ledger.lines import bill_of
from app.stream.ledger.usage import Brought
from app.stream.log import Begun, Claim, Read, Status
from app.stream.observing import tell
from app.stream.readback.brought import brought_by
from app.stream.stages import Cause
from app.stream.timeline.entries import told
from app.stream.timeline.noting import note
from app.stream.upgrades.language import VERSION, version_of
from app.watch.events import of_processes
from app.watch.events.subjects import Subject
from worker.life import decide
from worker.life.attempts import Attempts
from worker.life.calling.between import put_down
from worker.life.decide import Decision, Reason
from worker.life.ending.accounting import account_of
from worker.life.ending.writing import READ_BACK_BYTES, Ending
from worker.life.interrupt import Interrupt, Interruption, Why
from worker.life.record import Record
from worker.life.release import Release
from worker.life.services import Services
from worker.life.steps import AwaitPerson, BeginAgain, End, HandOver, LastStep, Park, RunTools
from worker.life.tooling.plan import misplaced
from worker.life.tooling.running import Tools
from worker.life.tooling.turning import is_last
from worker.life.until_answered import until_answered

# A stream whose tools are not offered here is kept so long before it is given back: others are to be quicker.
MISPLACED_SECONDS = 0.5


class Life:
    """A claimed stream. `live` is its task; everybody else may only interrupt it.

    `abandon_after`: after how many seconds without a reader it is to be cancelled.
    """

    def __init__(self, claim: Claim, services: Services) -> None:
        self.claim = claim
        self.interrupt = Interrupt()
        self.abandon_after: float | None = None
        self._services = services
        self._release = Release(claim, services, self.interrupt)
        self._beginning: asyncio.Task[Begun] | None = None
        self._begun = False
        self._claimed = note("stream.claimed", worker=claim.holder.rpartition("/")[0], times=claim.times)
        self._record: Record | None = None
        self._refusal: Status | None = None
        self._bill: Bill | None = None

    # --- what its task does

    async def live(self, forced: End | None = None) -> None:
        """From the claim to its release; `forced` ends the stream without a call."""
        try:
            begun = await self._taken()
            if begun is None:
                await self._release.handed_over()
                return self.leave()
            self._begun = True
            match begun.status:
                case Status.OK:
                    with self._recording(begun) as record:
                        last = await self._run(record, forced)
                    await self._part(last, record)
                case Status.NEWER:
                    await self._release.newer(version_of(begun.meta))
                    self.leave()
                case Status.ENDED:  # its last holder died between the ending and `done`
                    await self._release.ended(bill_of(begun.meta))
                case refusal:
                    await self._release.no_longer_ours(refusal, self._bill)
        except Interruption:
            await self._release.no_longer_ours(self._refusal, self._bill)
        except RedisError as error:  # of its words `until_answered` has told what may be told
            tell(of_processes.Fault.met("stream", error, Subject(self.claim.stream_id)))

    async def _taken(self) -> Begun | None:
        """None where the worker drains before anybody answers: the queue may, and is to count nothing for it."""
        try:
            return await until_answered(self.interrupt, self._begin, Why.DRAINED)
        except Interruption as why:
            if why.why is Why.DRAINED:
                return None
        return await until_answered(self.interrupt, self._begin)

    async def _begin(self) -> Begun:
        if self._beginning is None:
            self.prepare()
        beginning, self._beginning = self._beginning, None
        assert beginning is not None  # noqa: S101  # for the type checker
        return await beginning

    @contextlib.contextmanager
    def _recording(self, begun: Begun) -> Iterator[Record]:
        """What happens to the stream, for as long as it is ours to write."""
        record = self._record = Record(self.claim, self._services, self.interrupt, begun)
        self.abandon_after = record.checkpoint.abandon_after
        expiry = asyncio.get_running_loop().call_later(record.seconds_left, self.interrupt.stop, Why.EXPIRED)
        try:
            yield record
        finally:
            expiry.cancel()
            record.close()
            self._refusal, self._bill = record.refusal, record.bill

    async def _run(self, record: Record, forced: End | None) -> LastStep:
        """Attempts, one after the other, until the ending stands in the log or the stream is ready to be given back."""
        await self._settle(record)
        tools = Tools(record, self._services, self.interrupt)
        try:
            return await self._run_with(record, tools, forced)
        finally:
            await tools.close()

    async def _run_with(self, record: Record, tools: Tools, forced: End | None) -> LastStep:
        attempts = Attempts(record, self._services, self.interrupt)
        ttl_ms = int(self._services.settings.stream_ttl * 1000)
        may_be = partial(is_last, record)
        ending = Ending(
            self.claim.stream_id, self._services.log, self.interrupt, ttl_ms, record.chronicle, is_last=may_be
        )
        if forced is not None:
            decision = decide.on_end(record.stage, Cause.FAULT, forced)
        else:
            decision = await self._first(record)
        while True:
            match decision.step:
                case End() as end:
                    if attempts.left:  # it had its ending before its call was over
                        record.go(decision.way)
                        return end
                    if await ending.write(
                        end, account_of(record), record.writer, record.uncounted, readable=record.readable
                    ):
                        record.go(decision.way)
                        return end
                    decision = await self._end_again(record, ending, decision)
                case HandOver() | Park() | AwaitPerson() as last:
                    if await put_down(record, self.interrupt, last):
                        record.go(decision.way)
                        return last
                    decision = decide.on_log_lost(record.stage)
                case BeginAgain():
                    record.go(decision.way)
                    refusal = record.refusal
                    await self._begin_again(record)
                    decision = _after_loss(record, refusal)
                case RunTools():
                    record.go(decision.way)
                    decision = await tools.run()
                case next_call:
                    record.go(decision.way)
                    decision = await attempts.after(next_call)

    async def _first(self, record: Record) -> Decision:
        """What is to be done with the stream as it was found: first of all, to whom."""
        record.chronicle.claimed(self.claim, record.checkpoint)
        found = record.checkpoint
        missing, tries = misplaced(found.asked, self._services.toolbox.offered), found.misplaced
        if missing is None or found.cancelled or not record.seconds_left:
            if tries:
                record.writer.mark({"misplaced": 0})
            return record.first(found.reason)
        with contextlib.suppress(Interruption), self.interrupt.armed():
            await asyncio.sleep(jittered(MISPLACED_SECONDS))
        record.writer.mark({"misplaced": tries + 1})
        return decide.on_misplaced(record.stage, record.progress, tries, missing)

    async def _settle(self, record: Record) -> None:
        """Closes the line of a call whose worker was lost in it, by what stands in the log."""
        if record.ledger.calls.open is None:
            return

        async def ask(after: Position | None, size: int) -> Read:
            return await until_answered(
                self.interrupt, lambda: self._services.log.peek(self.claim.stream_id, after, size)
            )

        stands = record.progress.content and record.readable
        record.settle(await brought_by(ask, READ_BACK_BYTES) if stands else Brought())

    async def _begin_again(self, record: Record) -> None:
        """The log has lost more than this attempt wrote, or takes no more: goes on where it ends."""
        if self.interrupt.why is Why.LOST:
            self.interrupt.clear()
        life_ms = self._services.settings.stream_life_ms
        begun = await until_answered(self.interrupt, lambda: self._services.log.begin(self.claim, life_ms))
        if begun.status is not Status.OK:
            record.refused(begun.status)
            raise Interruption(Why.LEFT)
        record.resume(begun)

    async def _end_again(self, record: Record, ending: Ending, decision: Decision) -> Decision:
        """What comes after an ending that was refused: the same again, where all but the ending stands."""
        refusal, reading, complete = record.refusal, record.reading, record.complete
        await ending.refused(refusal)
        await self._begin_again(record)
        if refusal is Status.REFUSED and ending.is_due_at(record.writer.position):
            record.reading, record.complete = reading, complete
            return decision
        record.happens(Cause.LOG_LOST)
        return _after_loss(record, refusal)

    async def _part(self, last: LastStep, record: Record) -> None:
        match last:
            case End():
                await self._release.ended(record.bill)
            case HandOver():
                await self._release.handed_over()
                self.leave()
            case AwaitPerson():
                await self._release.awaiting(record.checkpoint.waited_seconds)
                self.leave()
            case Park(wait, model):
                await self._release.held(wait, model, record.seconds_left)
                self.leave()  # whatever else happens here, its ending is not ours to write
                self._services.gate.parked(model)

    # --- what others may do

    def prepare(self) -> None:
        """Begins before `live` is called, while other things are on their way to Redis."""
        # Where nobody has to wait, the first call follows at once, and is counted along.
        count = self.claim.calm and not self._begun
        lines = told(self._claimed, time.monotonic())
        begin = self._services.log.begin(
            self.claim, self._services.settings.stream_life_ms, count=count, told=lines, version=VERSION
        )
        self._beginning = asyncio.create_task(begin)
        self._beginning.add_done_callback(_heard)

    @property
    def memory_bytes(self) -> int:
        """How much memory the stream takes here, about."""
        return self._record.memory_bytes if self._record is not None else 0

    @property
    def said(self) -> int:
        """How many bytes its newest call has said by now."""
        return self._record.said if self._record is not None else 0

    @property
    def left(self) -> bool:
        return self.interrupt.why is Why.LEFT

    def leave(self) -> None:
        """The stream is no longer ours: nothing more is written."""
        self.interrupt.stop(Why.LEFT)

    def hand_over(self) -> None:
        """The worker drains: another one goes on with the stream."""
        self.interrupt.stop(Why.DRAINED)

    def cancel(self) -> None:
        if self._record is not None:
            self._record.cancel_seen()
        else:
            self.interrupt.stop(Why.CANCELLED)


def _after_loss(record: Record, refusal: Status | None) -> Decision:
    """What is to be done with a stream whose log was begun anew, after this refusal of its writing."""
    if refusal is Status.REFUSED:
        return decide.on_fault(record.stage, "Redis takes no more of its log")
    return record.first(Reason.LOG_LOST)


def _heard(beginning: asyncio.Task[Begun]) -> None:
    """Whoever does not wait for it any more does not want to hear how it failed."""
    if not beginning.cancelled():
        beginning.exception()
