"""The tools of a turn: its calls are run, each result is logged as it comes, and what follows is decided.

The rule: what must not run twice is confirmed in the log before it runs; what came is never made again, wherever Redis
is meanwhile. A tool runs no longer than its stream is ours: whoever stops it, for whatever reason, has its task
cancelled before anything else is done.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from app.stream.stages import Cause, Stage
from worker.life import decide
from worker.life.decide import Decision
from worker.life.interrupt import Interrupt, Interruption, Why
from worker.life.record import Record
from worker.life.services import Services
from worker.life.tooling.loop import unasked
from worker.life.tooling.uses import Use
from worker.life.tooling.verdicts import approval_data
from worker.log.writer import FullLogError
from worker.tools.tool import Call, Result, Tool

# So many calls of one turn run at once; the rest wait for them.
AT_ONCE = 32
# A tool that is cancelled and does not end by then is left to itself: its stream goes on without it.
CANCEL_SECONDS = 1.0


class Tools:
    """Those of one stream, under one claim. To be closed."""

    def __init__(self, record: Record, services: Services, interrupt: Interrupt) -> None:
        self._record = record
        self._services = services
        self._interrupt = interrupt
        self._tasks: dict[str, asyncio.Task[Result]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        record.loop.running = self._tasks

    async def run(self) -> Decision:
        """Runs the calls of the turn, and says what comes after them. Raises `Interruption` where it is to be left."""
        record = self._record
        try:
            with self._interrupt.armed():
                asks = await self._answer()
                if asks:  # before it is given away: what ran must not run again, and a cancel is heard till then
                    await record.writer.flush()
                    self._interrupt.check()
            return decide.on_person(record.stage) if asks else self._after()
        except FullLogError:
            await self.close()
            return decide.on_full(record.stage, self._services.settings.max_log_bytes)
        except Interruption as interruption:
            return await self._interrupted(interruption.why)
        except Exception as error:  # noqa: BLE001  # our own fault must not leave a stream without its ending
            await self.close()
            record.chronicle.fault(error)
            return decide.on_fault(record.stage, "an internal error")

    async def close(self) -> None:
        """Ends what runs. What does not end in time is left to itself, and is not heard any more."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
            task.add_done_callback(_heard)
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_SECONDS)

    async def _answer(self) -> bool:
        """Returns when each call of ours has its result, and all of these are on their way into the log; whether some
        have none because a person is to say something first.
        """
        record, loop = self._record, self._record.loop
        for use in loop.uses:  # whose result the log has lost
            if use.id in loop.turns.results and use.id not in loop.logged:
                record.writer.mark(loop.again(use))
                self._log(use)
        offered = self._services.toolbox.offered  # what comes or goes meanwhile was not looked at
        found = loop.plan(offered)
        for use in found.waiting:
            self._ask(use)
        for use in found.refused:
            self._answered(use, loop.turns.verdicts[use.id].refusal())
        if once := found.once - self._tasks.keys():
            record.writer.mark(loop.begin(once))
            await record.writer.flush()
            self._interrupt.check()
        by_task = {}
        for use in found.run:
            if use.id not in self._tasks:
                self._tasks[use.id] = asyncio.create_task(self._one(use, offered), name="tool")
            by_task[self._tasks[use.id]] = use
        while by_task:
            done, _ = await asyncio.wait(by_task, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in by_task if task in done]:  # in the order of the calls
                self._take(by_task.pop(task))
        return bool(found.waiting)

    async def _one(self, use: Use, offered: Mapping[str, Tool]) -> Result:
        if use.name not in self._record.checkpoint.asked.tools or use.name not in offered:
            return unasked(use.name)
        record = self._record
        async with self._slots:
            record.loop.started(use)
            call = Call(record.claim.stream_id, record.checkpoint.owner, use.id, use.name, use.input)
            return await self._services.toolbox.run(call)

    def _take(self, use: Use) -> None:
        """The call has its result. Raises `FullLogError`."""
        result = self._tasks.pop(use.id).result()
        self._answered(use, result)
        self._record.chronicle.tool_ran(use.name, result.elapsed_ms / 1000, failed=result.is_error)

    def _answered(self, use: Use, result: Result) -> None:
        """Raises `FullLogError`."""
        self._record.writer.mark(self._record.loop.result(use, result))
        self._log(use)

    def _ask(self, use: Use) -> None:
        """A person is asked, once. Raises `FullLogError`."""
        writer, loop = self._record.writer, self._record.loop
        if use.id not in loop.turns.asks:
            data = approval_data(use.id, use.name, use.input)
            writer.frame(b"relay.approval", data)
            writer.mark(loop.ask(use, data))

    def _log(self, use: Use) -> None:
        """Raises `FullLogError`."""
        record, loop = self._record, self._record.loop
        record.writer.frame(b"relay.tool", loop.turns.results[use.id])
        loop.logged.add(use.id)

    def _after(self) -> Decision:
        record, loop = self._record, self._record.loop
        theirs = any(use.theirs for use in loop.uses)
        most = record.checkpoint.asked.max_turns
        decision = decide.on_results(record.stage, loop.turns.number, most, theirs=theirs, stop_reason=loop.stop_reason)
        if decision.way.to is Stage.BETWEEN:
            record.writer.mark(loop.next())
        return decision

    async def _interrupted(self, why: Why) -> Decision:
        record = self._record
        if why is Why.LOST:  # whatever runs goes on: its results are told to the log that is begun anew
            return decide.on_log_lost(record.stage)
        if why is not Why.LEFT:
            self._take_what_came()
        await self.close()
        match why:
            case Why.DRAINED:
                record.writer.mark(record.loop.withdraw())
                return decide.on_drain(record.stage, record.progress)
            case Why.EXPIRED:
                return decide.on_end(record.stage, Cause.EXPIRY, decide.EXPIRED)
            case Why.CANCELLED:
                return decide.on_end(record.stage, Cause.CANCEL, decide.CANCELLED)
            case _:
                raise Interruption(why)

    def _take_what_came(self) -> None:
        """Results that came in the moment in which nobody waited for them any more."""
        for use in self._record.loop.uses:
            task = self._tasks.get(use.id)
            if task is not None and task.done() and not task.cancelled() and task.exception() is None:
                with contextlib.suppress(FullLogError):
                    self._take(use)


def _heard(task: asyncio.Task[Result]) -> None:
    """Whoever does not wait for it any more does not want to hear how it ended."""
    if not task.cancelled():
        task.exception()
