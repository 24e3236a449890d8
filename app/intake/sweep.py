"""What no worker is there to do: streams that waited longer than a stream may live, or for a person longer than one
may, and those that a person has answered whose wake-up was lost.

The rule: every accepted stream gets its ending within `STREAM_SECONDS_MAX`, what it waited for people, and a beat, also
where no worker runs at all. Any front may sweep; the claim makes sure that only one ends a stream.
"""

from __future__ import annotations

from redis.exceptions import RedisError

from app.intake.streams import Streams
from app.stream.concurrency.tasks import Rounds
from app.stream.endings import Outcome
from app.stream.observing import tell
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import refusal_of, tell_refusal
from app.watch.events import of_processes
from app.watch.events.subjects import Subject

SWEEP_SECONDS = 5.0
# Ended in one go; the next sweep takes the rest.
SWEEP_BATCH = 100
UNANSWERED = {"type": "timeout_error", "message": "nobody said within APPROVAL_SECONDS whether a tool may be called"}
EXPIRED = {"type": "timeout_error", "message": "the stream waited longer than a stream may take"}


def sweeping(streams: Streams, stream_seconds_max: float) -> Rounds:
    """A front's sweep, to be started."""
    pause = min(SWEEP_SECONDS, stream_seconds_max, streams.settings.approval_seconds)
    waiting = Waiting(streams)

    async def both() -> None:
        await sweep(streams, stream_seconds_max)
        await waiting.sweep()

    return Rounds("sweep", pause, both)


async def sweep(streams: Streams, stream_seconds_max: float) -> None:
    """Ends waiting streams that are overdue."""
    try:
        overdue = await streams.queue.overdue(int(stream_seconds_max * 1000), SWEEP_BATCH)
        # The others would be claimed to no end, and their errors keep these from theirs.
        for stream_id in await streams.log.states(overdue):
            await _end(streams, stream_id, EXPIRED)
    except (RedisError, *AWAY) as error:
        tell_refusal("sweep", error)


class Waiting:
    """Looks at those that wait for a person, some at a time."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._cursor = 0

    async def sweep(self) -> None:
        """Ends those that nobody has answered in time, and wakes those that somebody has."""
        approvals = self._streams.queue.approvals
        try:
            look = await approvals.look(self._cursor)
            self._cursor = look.cursor
            for stream_id in look.answered:
                await approvals.wake(stream_id)
            for stream_id in await self._streams.log.states(look.late):
                if stream_id not in look.answered and not await approvals.is_answered(stream_id):
                    await _end(self._streams, stream_id, UNANSWERED, unanswered=True)
        except (RedisError, *AWAY) as error:
            tell_refusal("sweep", error)


async def _end(streams: Streams, stream_id: str, why: dict[str, str], *, unanswered: bool = False) -> None:
    try:
        await streams.end_waiting(stream_id, Outcome.EXPIRED, why, unanswered=unanswered)
    except Exception as error:  # one stream that cannot be ended must not keep the others from it
        if isinstance(error, RedisError | OSError | TimeoutError) and refusal_of(error).passes:
            raise
        tell(of_processes.Fault.met("sweep", error, Subject(stream_id)))
