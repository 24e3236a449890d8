"""The worker's pool: an `arq.Worker` that takes jobs by a claim and holds them under leases.

arq gives the job's format and `run_job`; how jobs are found, kept and finished is ours. The rule: a stream is held by
one task here, nothing that escapes it ends the worker, and every path in which arq runs no code of ours still writes
the stream's ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from arq import ArqRedis
from arq.utils import timestamp_ms
from arq.worker import Worker, func

from app.stream import keys
from app.stream.log import Claim
from app.stream.queue import FUNCTION
from app.stream.redis.refusals import NO_ANSWER, Kind, Teller
from worker.life import decide
from worker.life.decide import End
from worker.life.interrupt import Why
from worker.life.kit import Kit
from worker.life.run import Run
from worker.support.where import where

logger = logging.getLogger(__name__)

# A wake-up may be lost, and nothing wakes for a lease that expires: the queue is looked at this often in any case.
POLL_SECONDS = 2.0
# Who leaves looks so often whether the claim that is under way has been answered.
CLAIMING_SECONDS = 0.01
AWAY_SECONDS = 0.1
AWAY_SECONDS_MAX = 1.0
# What Redis cannot answer so often in a row (about six seconds), although it is there and refuses nothing: the job
# itself is broken.
REFUSALS_MAX = 8
# We count attempts ourselves; arq must not end a stream.
UNLIMITED = 2**31


@dataclass(slots=True, eq=False)
class Hold:
    """A claim, its stream's life, and the task that holds it."""

    claim: Claim
    run: Run
    task: asyncio.Task[None] | None = field(default=None)


# What the present task runs. arq names a job by its stream alone, which may have come back to us under a newer claim.
_hold: ContextVar[Hold] = ContextVar("hold")


class Pool(Worker):
    """Up to `worker_streams` streams at a time, and `worker_bytes` of them.

    `stir` is called when there may be other workers' leases.
    """

    def __init__(self, name: str, kit: Kit, redis: ArqRedis, stir: Callable[[], None]) -> None:
        settings = kit.settings
        super().__init__(
            functions=[func(self._run_stream, name=FUNCTION, keep_result=0, max_tries=UNLIMITED)],
            queue_name=keys.JOBS,
            redis_pool=redis,
            handle_signals=False,
            max_jobs=settings.worker_streams,
            job_timeout=None,  # type: ignore[arg-type]  # STREAM_SECONDS_MAX is ours to watch: it has an ending
            keep_result=0,
            job_serializer=partial(orjson.dumps, default=str),
            job_deserializer=orjson.loads,
            log_results=False,
        )
        self.name = name
        self.holds: dict[str, Hold] = {}
        self._kit = kit
        self._stir = stir
        self._claims = 1
        self._claiming = False
        self._ending: Why | None = None
        self._look_at = 0.0
        self._more = True  # somebody may wait for whom there was no room
        self._waken = asyncio.Event()
        self._teller = Teller(logger)
        self._lease_ms = int(settings.lease_seconds * 1000)

    # --- taking

    async def main(self) -> None:
        """Takes streams until `stop_taking`; raises when Redis does not answer."""
        while self.allow_pick_jobs:
            woken = self._waken.is_set()
            self._waken.clear()
            # An idle worker asks with one cheap command; expired leases are found by it, too.
            if woken or await self.pool.exists(keys.JOBS, keys.LEASES):
                await self._poll_iteration()
                self._stir()
                if self.loop.time() >= self._look_at:
                    self._look_at = self.loop.time() + POLL_SECONDS
                    await self._kit.gate.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._waken.wait()

    @property
    def bytes_in_flight(self) -> int:
        """What the streams held here take in memory, about: frames kept, frames that Redis has not taken, Messages."""
        return sum([hold.run.held for hold in self.holds.values()])

    @property
    def full(self) -> bool:
        """Whether no more streams are to be taken, although there are free slots.

        What those in flight may still grow to is bounded by MAX_LOG_BYTES for each.
        """
        settings = self._kit.settings
        broken = self._kit.committer.broken_for > settings.lease_seconds
        return broken or self.bytes_in_flight >= settings.worker_bytes

    async def _poll_iteration(self) -> None:
        """Claims as many streams as there are free slots."""
        free = self.room
        self._more = True
        if free <= 0:
            return
        self._claiming = True
        try:
            await self._claim(free)
        finally:
            self._claiming = False

    async def _claim(self, free: int) -> None:
        # The number rises only with an answer: a claim whose answer was lost gets the same one again.
        claims = await self._kit.queue.claim(self.name, self._claims, free=free, lease_ms=self._lease_ms)
        if claims:
            self._claims += 1
        for claim in claims:
            self._hold(claim)
        self._more = len(claims) >= free
        if self._more and len(self.holds) < self.max_jobs:  # some have ended meanwhile
            self._waken.set()

    @property
    def room(self) -> int:
        """How many more streams could be taken now."""
        return max(self.max_jobs - len(self.holds), 0) if self.allow_pick_jobs and not self.full else 0

    def wake(self) -> None:
        """There may be something to take."""
        self._waken.set()

    def stop_taking(self) -> None:
        self.allow_pick_jobs = False
        self._waken.set()

    # --- holding

    def _hold(self, claim: Claim) -> None:
        older = self.holds.get(claim.stream_id)
        hold = Hold(claim, Run(claim, self._kit))
        self.holds[claim.stream_id] = hold
        if self._ending is not None:  # it was on its way when all others were told
            hold.run.interrupt.stop(self._ending)
        hold.task = self.loop.create_task(self._keep(hold, older), name=claim.stream_id)

    async def _keep(self, hold: Hold, older: Hold | None) -> None:
        """The task of a claim: runs its job, whatever happens."""
        stream_id = hold.claim.stream_id
        _hold.set(hold)
        try:
            if older is not None and older.task is not None:  # its lease was lost, and it does not know yet
                older.run.leave()
                await asyncio.wait([older.task])
            hold.run.prepare()
            await self._run_job(hold)
        finally:
            if self.holds.get(stream_id) is hold:
                del self.holds[stream_id]
            if self._more:
                self._waken.set()

    async def _run_job(self, hold: Hold) -> None:
        stream_id, pause, refusals = hold.claim.stream_id, AWAY_SECONDS, 0
        while not hold.run.left:
            try:
                return await self.run_job(keys.arq_id(stream_id), timestamp_ms())
            except NO_ANSWER as error:
                refusal = self._teller.tell("jobs", error)
                # arq counts the job's starts before it runs it, and nobody reads the number: a Redis that takes no
                # writes keeps no stream from its life, in which it may still be cancelled, given back and ended.
                if refusal.passes and refusal.kind is not Kind.AWAY:
                    return await _lived(hold.run)
                refusals = 0 if refusal.passes else refusals + 1
                if refusals > REFUSALS_MAX:
                    return await self.finish_failed_job()
                await asyncio.sleep(pause)
                pause = min(pause * 2, AWAY_SECONDS_MAX)
            except Exception as error:  # noqa: BLE001  # arq's fault or ours: the stream ends, the worker goes on
                logger.error("%s: %s in %s", stream_id, type(error).__name__, where(error))  # noqa: TRY400  # see `where`
                return await _lived(hold.run, decide.on_internal("an internal error"))
        return None

    async def _run_stream(self, ctx: dict[Any, Any]) -> None:  # noqa: ARG002  # arq's signature
        """The function that jobs name."""
        await _lived(_hold.get().run)

    # --- what arq does at a job's end

    async def finish_job(self, *_: Any, **__: Any) -> None:
        """Nothing: the run has released its stream, or has left it to its lease."""

    async def finish_failed_job(self, *_: Any) -> None:
        """No code of ours was run: the job is expired, malformed, or names an unknown function."""
        await _lived(_hold.get().run, decide.on_internal("its job cannot be run"))

    # --- ending

    def hand_over(self) -> None:
        """Gives all streams back at once, those of a claim that is still on its way as well."""
        self._ending = Why.DRAINED
        for hold in self.holds.values():
            hold.run.interrupt.stop(Why.DRAINED)

    def leave(self) -> None:
        """Leaves what could not be given back to its leases."""
        self._ending = Why.LEFT
        for hold in self.holds.values():
            hold.run.leave()

    async def empty(self) -> None:
        """Returns when no stream is held, and none is about to be."""
        while self.holds or self._claiming:
            if tasks := [hold.task for hold in self.holds.values() if hold.task is not None]:
                await asyncio.wait(tasks)
            else:
                await asyncio.sleep(CLAIMING_SECONDS)


async def _lived(run: Run, end: End | None = None) -> None:
    """A stream's life, whatever goes wrong in it: then the ending is tried, and what even that fails of is left.

    Nothing is raised: arq would log it with its words, which may quote an answer, and take the job for done.
    """
    try:
        await run.live(end)
    except Exception as error:  # noqa: BLE001  # see above
        logger.error("%s: %s in %s", run.claim.stream_id, type(error).__name__, where(error))  # noqa: TRY400  # see `where`
        if end is None:
            await _lived(run, decide.on_internal("an internal error"))
