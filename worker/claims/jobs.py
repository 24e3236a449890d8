"""A job as arq runs it, made safe for the stream that it stands for.

arq gives the job's format and `run_job`. The rule: nothing that arq does, raises or leaves out loses a stream. Where it
runs no code of ours (no job, a malformed one, an unknown function, too many tries) the stream's ending is written here;
what happens in the stream's life is never raised into arq, which would tell its words and take the job for done; and
what arq itself raises ends one stream, and never the worker. How jobs are found, kept and finished is not arq's.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from functools import partial
from typing import Any

import orjson
from arq import ArqRedis
from arq.utils import timestamp_ms
from arq.worker import Worker, func

from app.stream import keys
from app.stream.concurrency.tasks import is_cancelled
from app.stream.observing import tell
from app.stream.redis.refusals import NO_ANSWER, Kind, tell_refusal
from app.stream.upgrades.jobs import FUNCTION
from app.watch.events import of_processes
from app.watch.events.subjects import Subject
from worker.claims.leases import Lease
from worker.life.life import Life
from worker.life.steps import End, failed

AWAY_SECONDS = 0.1
AWAY_SECONDS_MAX = 1.0
# What Redis cannot answer so often in a row (about six seconds), although it is there and refuses nothing: the job
# itself is broken.
REFUSALS_MAX = 8
# We count attempts ourselves; arq must not end a stream.
UNLIMITED = 2**31


# What the present task runs. arq names a job by its stream alone, which may have come back to us under a newer claim.
_lease: ContextVar[Lease] = ContextVar("lease")


class Jobs(Worker):
    """The arq worker whose jobs are streams."""

    def __init__(self, redis: ArqRedis, max_jobs: int) -> None:
        super().__init__(
            functions=[func(self._run_stream, name=FUNCTION, keep_result=0, max_tries=UNLIMITED)],
            queue_name=keys.JOBS,
            redis_pool=redis,
            handle_signals=False,
            max_jobs=max_jobs,
            job_timeout=None,  # type: ignore[arg-type]  # STREAM_SECONDS_MAX is ours to watch: it has an ending
            keep_result=0,
            job_serializer=partial(orjson.dumps, default=str),
            job_deserializer=orjson.loads,
            log_results=False,
        )

    async def run_under(self, lease: Lease) -> None:
        """Runs the job of a stream under this lease, in a task of its own, until the stream is out of our hands."""
        _lease.set(lease)
        stream_id, pause, refusals = lease.claim.stream_id, AWAY_SECONDS, 0
        while not lease.life.left:
            try:
                return await self.run_job(keys.arq_id(stream_id), timestamp_ms())
            except NO_ANSWER as error:
                refusal = tell_refusal("jobs", error)
                # arq counts the job's starts before it runs it, and nobody reads the number: a Redis that takes no
                # writes keeps no stream from its life, in which it may still be cancelled, given back and ended.
                if refusal.passes and refusal.kind is not Kind.AWAY:
                    return await _lived(lease.life)
                refusals = 0 if refusal.passes else refusals + 1
                if refusals > REFUSALS_MAX:
                    return await self.finish_failed_job()
                await asyncio.sleep(pause)
                pause = min(pause * 2, AWAY_SECONDS_MAX)
            except (Exception, asyncio.CancelledError) as error:  # arq's fault: the stream ends, the worker goes on
                if isinstance(error, asyncio.CancelledError) and is_cancelled():
                    raise
                tell(of_processes.Fault.met("stream", error, Subject(stream_id)))
                return await _lived(lease.life, failed("an internal error"))
        return None

    async def finish_job(self, *_: Any, **__: Any) -> None:
        """Nothing: the life has released its stream, or has left it to its lease."""

    async def finish_failed_job(self, *_: Any) -> None:
        """No code of ours was run: the job is expired, malformed, or names an unknown function."""
        await _lived(_lease.get().life, failed("its job cannot be run"))

    async def _run_stream(self, ctx: dict[Any, Any]) -> None:  # noqa: ARG002  # arq's signature
        """The function that jobs name."""
        await _lived(_lease.get().life)


async def _lived(life: Life, end: End | None = None) -> None:
    """A stream's life, whatever goes wrong in it: then the ending is tried, and what even that fails of is left."""
    try:
        await life.live(end)
    except (Exception, asyncio.CancelledError) as error:  # see the module
        if isinstance(error, asyncio.CancelledError) and is_cancelled():
            raise  # the process ends; otherwise it was something that was waited for
        tell(of_processes.Fault.met("stream", error, Subject(life.claim.stream_id)))
        if end is None:
            await _lived(life, failed("an internal error"))
