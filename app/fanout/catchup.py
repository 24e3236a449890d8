"""How a cursor that is behind gets forward: proven step by step, from the tail's window where it reaches, else the log.

The rule: `fetch` is the one way, for whoever is handed what comes (`push.py`) and whoever asks for it (`reader.py`).
What it gives follows what was given before, or it says what became of that. Nobody asks Redis without an event or a
pause before. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from redis.exceptions import RedisError

from app.fanout.parts import AnotherHistoryError, Place, first_frames, next_part, place_at
from app.fanout.repair import RETRY_SECONDS
from app.fanout.tail import Tail
from app.fanout.tailing.live_end import HISTORY_LOST
from app.stream.concurrency.tasks import jittered
from app.stream.frames import PROOF_LENGTH, Position, origin, position_at_end
from app.stream.log import READ_BYTES, Read, State
from app.stream.observing import tell
from app.stream.readback.restarts import OURS
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal
from app.watch.events.of_fronts import ReaderReset
from app.watch.events.subjects import subject

# While a log is given time to grow again its tail decides; a look now and then finds what it may have missed.
AGAIN_SECONDS = 1.0
# More than a live step brings: what is done with it takes so long that others are to have their turns in between.
MUCH_BYTES = 8 * 1024
# What a reader that is asked holds while its client does not read.
STEP_BYTES = 16 * 1024


@dataclass(slots=True)
class Data:
    """Whole frames that follow what was given before; `position` is where they end. Whoever takes long empties it."""

    data: bytes
    position: Position


@dataclass(frozen=True, slots=True)
class Part:
    """What follows of a frame that is too large to be held: its `first` part, its `last`, or one between."""

    data: bytes
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class Reset:
    """Everything given before is void; what follows starts at `position`, the newest attempt."""

    reason: str
    attempt: int
    position: Position


@dataclass(frozen=True, slots=True)
class Begin:
    """Nothing was given before, and what there is to be given begins at `position`: of an answer that is shown whole,
    whatever stands before that is nobody's to see.
    """

    position: Position


@dataclass(frozen=True, slots=True)
class Lost:
    """Redis has lost the stream; nothing follows."""


Step = Data | Reset | Lost


async def catch_up(tail: Tail, position: Position) -> AsyncIterator[Step]:
    """What stands between `position` and the tail's end, in whole frames, a part's worth or one frame at a time.

    Ends when the end is reached, or after `Lost`.
    """
    while True:
        found = await fetch(tail, place_at(position), STEP_BYTES, whole=True)
        match found:
            case b"":
                return
            case bytes():
                found, step = b"", Data(first_frames(found, STEP_BYTES), position)
                position = step.position = position_at_end(step.data) or position
                yield step
            case Begin():
                position = found.position
            case Reset():
                position = found.position
                yield found
            case Lost():
                yield found
                return


async def catch_up_in_parts(tail: Tail, place: Place) -> AsyncIterator[tuple[Step | Part | Begin, Place]]:
    """As `catch_up`, with the place behind each step; a large frame comes in parts, unless it is one of ours.

    Raises `AnotherHistoryError` where the rest of such a frame was lost.
    """
    while True:
        found = await fetch(tail, place, STEP_BYTES + 2 * PROOF_LENGTH)
        match found:
            case b"":
                return
            case bytes():
                step, place = await _step(tail, place, found)
                found = b""
                yield step, place
            case Reset() | Begin():
                place = place_at(found.position)
                yield found, place
            case Lost() if place.inside:
                raise AnotherHistoryError
            case Lost():
                yield found, place
                return


async def _step(tail: Tail, place: Place, found: bytes) -> tuple[Data | Part, Place]:
    cut = next_part(found, 0, place, STEP_BYTES)
    assert cut is not None  # noqa: S101 - what `fetch` gives can be cut
    end, behind = cut
    if not (place.inside or behind.inside):
        return Data(found[:end], behind.position), behind
    if behind.inside and not place.inside and found.startswith(OURS):
        while True:  # what decides how an answer goes on is known whole
            whole = await fetch(tail, place, READ_BYTES, whole=True)
            if isinstance(whole, bytes) and whole:
                data = first_frames(whole, STEP_BYTES)
                position = position_at_end(data) or place.position
                return Data(data, position), place_at(position)
            if whole is not None:
                raise AnotherHistoryError
    return Part(found[:end], first=not place.inside, last=not behind.inside), behind


async def fetch(tail: Tail, place: Place, limit: int, *, whole: bool = False) -> bytes | Begin | Reset | Lost | None:
    """What follows `place`, about `limit` bytes of it; empty at the tail's end, where the tail was left, and where
    nothing is shown yet.

    None where there is none yet: the tail has changed meanwhile, or it is time to look again. With `whole`, at least
    one whole frame. Raises `AnotherHistoryError` for who stands inside a frame that is not in the log any more.
    """
    step = await _next(tail, place, limit, whole=whole)
    if isinstance(step, bytes) and len(step) > MUCH_BYTES:
        await tail.log.turns.next()
    return step


async def _next(tail: Tail, place: Place, limit: int, *, whole: bool) -> bytes | Begin | Reset | Lost | None:
    if tail.gone:
        return Lost()
    if tail.closed:
        await asyncio.sleep(0)  # whoever asks again and again lets others work
        return b""  # this reader has left, and took the tail along
    if tail.seal is not None:
        if place.inside:
            raise AnotherHistoryError  # nobody can wait in the middle of a frame
        await asyncio.sleep(0)  # as above
        return b""
    data = tail.splice.after(place.position)
    if data is not None and len(data) > place.sent:
        tail.log.reads["window"] += 1
        return data[place.sent :]
    if data == b"" and not place.inside:
        return b""
    seen = tail.version
    step = await _look(tail, place, limit, whole=whole)
    if step is None:  # the one place where readers wait, so that none of them can ask Redis without a pause
        pause = AGAIN_SECONDS if tail.regrowing else RETRY_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(jittered(pause)):
                await tail.changed(seen)
    return step


async def _look(tail: Tail, place: Place, limit: int, *, whole: bool) -> bytes | Begin | Reset | Lost | None:
    """The next step of a reader whom the tail's window does not reach, from the log."""
    try:
        if whole:
            read = await tail.log.read(tail.stream_id, place.position, limit)
        else:
            read = await tail.log.part(tail.stream_id, place.position, place.sent, limit)
    except (RedisError, *AWAY) as error:
        tell_refusal("catch-up", error)
        return None
    if read.state in (State.UNKNOWN, State.GONE):
        return Lost()
    if read.sealed is not None:
        tail.repair("reader")
        await tail.repaired()
        return None
    if not read.proven:
        return await _disproved(tail, place, read)
    if read.start is not None and read.start != place.position:
        return Begin(read.start)
    data = read.whole() if whole else read.data
    if next_part(data, 0, place) is not None:
        return data
    if len(read.data) >= limit:
        return await _look(tail, place, 2 * limit, whole=whole)  # it ends just before a frame could be cut
    # This reader knows more than the tail: the tail reads on, and both stand at the same end.
    tail.repair("reader")
    await tail.repaired()
    if place.inside and not tail.regrowing and tail.splice.end.offset <= place.position.offset + place.sent:
        raise AnotherHistoryError
    return None


async def _disproved(tail: Tail, place: Place, read: Read) -> Reset | None:
    """What it means that the log, as it was read just now, does not hold what led to `place`."""
    if read.start is None or read.length < place.position.offset:
        # The log is shorter than what was shown. It may grow again: the tail waits for that and decides, or has decided
        # already while this reader was busy elsewhere.
        tail.repair("reader")
        await tail.repaired()
        if tail.regrowing or tail.gone or tail.closed:
            return None
        if read.start is not None and tail.splice.end.offset >= place.position.offset:
            return None
    if place.inside:
        raise AnotherHistoryError
    # Where the newest attempt's start was lost with the rest, all that is left is shown.
    start = read.start or origin(tail.stream_id)
    reset = Reset(tail.reason if start == tail.base else HISTORY_LOST, read.attempt, start)
    tell(ReaderReset(subject(tail.stream_id), reset.attempt, reset.reason, 1))
    return reset
