"""The attempts of a stream: each a wait, a turn at the gate, one call, and what is decided after it.

The rule: whatever happens in an attempt leads to the next decision, and never out of here, but for a stream that is to
be left.
"""

from __future__ import annotations

import asyncio
import random
from functools import partial

from redis.exceptions import RedisError

from app.stream.asides import Thinking
from app.stream.concurrency.threads import beside
from app.stream.saved.saved_calls import Kept, Running
from app.stream.stages import Cause
from app.stream.workers.reserves import Fenced, Unpaid
from worker.life import decide
from worker.life.asking.compose import compose
from worker.life.asking.continuing import definition
from worker.life.asking.validating import Validating
from worker.life.calling import liveness
from worker.life.calling.admission import Admission, report
from worker.life.calling.between import announce_call, mark_wait
from worker.life.calling.call import Call
from worker.life.decide import Decision
from worker.life.interrupt import Interrupt, Interruption, Why
from worker.life.record import Record
from worker.life.saving.borrowing import borrow, pieces
from worker.life.saving.following import ENDED
from worker.life.saving.sharing import Share
from worker.life.services import Services
from worker.life.steps import NextCall, Refused, Restart, Retry
from worker.life.tooling.turning import complete
from worker.life.until_answered import until_answered
from worker.log.writer import FullLogError
from worker.upstream.failure import Failure, UpstreamError
from worker.upstream.gate import Later, Turn
from worker.upstream.reading import Reading
from worker.upstream.request import Request


class Attempts:
    """The attempts of one stream, each a call of `after`."""

    def __init__(self, record: Record, services: Services, interrupt: Interrupt) -> None:
        self._record = record
        self._services = services
        self._interrupt = interrupt
        self.left = False  # the stream had its ending before its last call was over
        self._shared: Share | None = None
        self._validating = Validating(record, services.checker, interrupt)
        self._leader = self._ended = ""  # who was followed last, if it is known to have ended
        self._admission = Admission(
            record.claim,
            services.gate,
            services.announcer,
            record.chronicle,
            self._held,
            parked=record.checkpoint.held,
        )

    async def after(self, step: NextCall) -> Decision:
        """One call, and what comes after it. Raises `Interruption` where the stream is to be left."""
        try:
            decision = await self._after(step)
            if self._shared is None or not await self._shared.has_left():
                return decision
            await self._shared.finish()
        finally:
            if self._shared is not None:
                await self._shared.close()
            self._shared = None
        self.left = True
        return decide.on_end(self._record.stage, Cause.CANCEL, decide.CANCELLED)

    async def _after(self, step: NextCall) -> Decision:
        record, request = self._record, self._record.checkpoint.request
        assert request is not None  # noqa: S101  # for the type checker: a stream without one has ended
        turn: Turn | Later | None = None
        try:
            if (unusable := await self._validating.unusable()) is not None:
                return unusable
            lender = await self._lender()
            if lender is None and (unpaid := await self._unpaid()) is not None:
                return decide.on_budget(record.stage, unpaid.limit)
            with self._interrupt.armed():
                await self._wait(step)
                if lender is not None:
                    reading = await self._borrow(lender)
                else:
                    turn = await self._admission.turn(step, request.model)
                    if isinstance(turn, Later):
                        return decide.on_hold(record.stage, turn.seconds, request.model)
                    await record.count()
                    reading = await self._call(request, turn)
            record.see_content()
            misfit = await self._validating.judge(reading)
            record.complete = misfit is None  # else nobody is to take it for the answer
            return misfit or complete(record, reading)
        except UpstreamError as error:
            report(turn, error.failure, record.allowed)
            return self._failed(error.failure)
        except FullLogError:
            return decide.on_full(record.stage, self._services.settings.max_log_bytes)
        except Interruption as interruption:
            record.uncount()
            return self._interrupted(interruption.why)
        except Exception as error:  # noqa: BLE001  # our own fault must not leave a stream without its ending
            record.chronicle.fault(error)
            return decide.on_fault(record.stage, "an internal error")
        finally:
            if isinstance(turn, Turn):
                turn.taken()  # where nothing else was told of it

    async def _lender(self) -> Kept | Running | None:
        """Whose answer to the same request this one may be given, if it asked for that."""
        wanted, saved = self._record.checkpoint.wanted, self._services.saved
        if wanted is None:
            return None
        try:
            return await until_answered(
                self._interrupt, lambda: saved.ask(wanted, self._record.claim.stream_id, ended=self._ended)
            )
        except RedisError as error:  # it is asked for, then
            self._record.chronicle.fault(error)
            return None

    async def _borrow(self, lender: Kept | Running) -> Reading:
        record, wanted = self._record, self._record.checkpoint.wanted
        assert wanted is not None  # noqa: S101  # for the type checker
        await record.count_borrowed(lender)
        record.make_call()
        match lender:
            case Kept():
                frames = pieces(lender)
            case Running(leader):
                self._leader = leader
                frames = self._services.followings.frames(wanted, record.claim.stream_id, leader)
        return await borrow(record, self._interrupt, frames)

    async def _unpaid(self) -> Unpaid | None:
        """The budget that has no room for a call beside those that were made; of the first, the submit has seen to it.

        Asked before readers are told that another call follows: where it does not, they keep what they have.
        """
        record, claim = self._record, self._record.claim
        sums = record.ledger.calls.sums
        asked = sums.nano + record.checkpoint.unreserved
        if not asked and not sums.unpriced:  # what the submit has promised is there for this one
            return None
        reserve = partial(self._services.reserves.reserve, claim, asked, sums.unpriced)
        reply = await until_answered(self._interrupt, reserve)
        if isinstance(reply, Fenced):
            raise Interruption(Why.LEFT)
        return reply if isinstance(reply, Unpaid) else None

    async def _wait(self, step: NextCall) -> None:
        """Tells the readers what comes, and waits for this stream's own reasons."""
        announce_call(self._record, step)
        if isinstance(step, Retry | Restart) and step.wait:
            mark_wait(self._record, step.wait)
            await asyncio.sleep(step.wait)

    async def _call(self, request: Request, turn: Turn) -> Reading:
        record = self._record
        record.make_call()
        request = await self._composed(request)
        share = self._share() if record.checkpoint.wanted is not None else None
        timeouts = liveness.timeouts_of(self._services.settings)
        call = Call(
            record.writer,
            record.ledger,
            self._interrupt,
            timeouts,
            chronicle=record.chronicle,
            thinks=self._thinks,
            put=share.put if share is not None else None,
        )
        record.reading = call.reading
        record.chronicle.call_started(record.progress.attempts)
        if share is None:
            await call.read(self._services.claude, request, turn)
            return call.reading
        with share.under_way():
            await call.read(self._services.claude, request, turn)
        return call.reading

    def _definitions(self) -> list[bytes]:
        """Of the tools that it asked for."""
        offered = self._services.toolbox.offered
        tools = [offered[name] for name in self._record.checkpoint.asked.tools if name in offered]
        return [definition(tool.name, tool.description, tool.input_schema) for tool in tools]

    async def _composed(self, request: Request) -> Request:
        asked = self._record.checkpoint.asked
        make = partial(compose, request, asked, self._definitions(), self._record.loop.turns, self._record.repair)
        return await beside(len(request.body) if asked.adds else 0, make)

    def _share(self) -> Share:
        settings, rests = self._services.settings, self._services.followings.rests
        life_ms, most = int(settings.stream_ttl * 1000), settings.max_log_bytes
        self._shared = Share(self._record, rests, self._interrupt, life_ms=life_ms, most_bytes=most)
        return self._shared

    def _held(self) -> None:
        self._record.happens(Cause.HOLD)

    def _thinks(self, seconds: float) -> None:
        self._record.chronicle.silent(seconds)
        self._services.announcer.announce(self._record.claim.stream_id, Thinking(round(seconds * 1000)))

    def _failed(self, told: Failure) -> Decision:
        record = self._record
        record.see_content()
        record.forgive()
        self._ended = self._leader if told == ENDED else ""
        decision = decide.on_failure(record.stage, record.progress, record.allowed, told, random.random())  # noqa: S311  # no secret
        if isinstance(decision.step, Refused):
            record.refuse(decision.way)
        return decision

    def _interrupted(self, why: Why) -> Decision:
        record = self._record
        match why:
            case Why.STALLED | Why.SILENT:
                self._interrupt.clear()
                if why is Why.SILENT:
                    record.count_silence()
                return self._failed(liveness.FAILURES[why])
            case Why.LOST:
                return decide.on_log_lost(record.stage)
            case Why.DRAINED:
                record.see_content()
                return decide.on_drain(record.stage, record.progress)
            case Why.EXPIRED:
                return decide.on_end(record.stage, Cause.EXPIRY, decide.EXPIRED)
            case Why.CANCELLED:
                return decide.on_end(record.stage, Cause.CANCEL, decide.CANCELLED)
            case Why.LEFT:
                raise Interruption(why)
