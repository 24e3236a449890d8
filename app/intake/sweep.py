"""What no worker is there to end: streams that waited longer than a stream may live.

The rule: every accepted stream gets its ending within `STREAM_SECONDS_MAX` and a beat, also where no worker runs at
all. Any front may sweep; the claim makes sure that only one ends a stream.
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
EXPIRED = {"type": "timeout_error", "message": "the stream waited longer than a stream may take"}


def sweeping(streams: Streams, stream_seconds_max: float) -> Rounds:
    """A front's sweep, to be started."""
    pause = min(SWEEP_SECONDS, stream_seconds_max)
    return Rounds("sweep", pause, lambda: sweep(streams, stream_seconds_max))


async def sweep(streams: Streams, stream_seconds_max: float) -> None:
    """Ends waiting streams that are overdue."""
    try:
        for stream_id in await streams.queue.overdue(int(stream_seconds_max * 1000), SWEEP_BATCH):
            await _end(streams, stream_id)
    except (RedisError, *AWAY) as error:
        tell_refusal("sweep", error)


async def _end(streams: Streams, stream_id: str) -> None:
    try:
        await streams.end_waiting(stream_id, Outcome.EXPIRED, EXPIRED)
    except Exception as error:  # one stream that cannot be ended must not keep the others from it
        if isinstance(error, RedisError | OSError | TimeoutError) and refusal_of(error).passes:
            raise
        tell(of_processes.Fault.met("sweep", error, Subject(stream_id)))
