"""What a worker tells the readers of a stream beside its log: that the upstream thinks, that it is held, that it waits
for a person.

The rule: an aside is worth a glance and nothing else. It has no place in the log, moves nobody's position, may be lost
or come twice, and is over once it is old. It goes over the stream's own channel, as a payload that begins with a byte
with which no offset can begin; this module alone knows how it looks there.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from app.stream import keys

# A log's own messages begin with a digit.
_MARK = b"!"
# Of a number: a year of milliseconds, and room.
_DIGITS = 12
# From so much silence of the upstream on it is told, and then as often (design-claude.md §1).
TELL_SECONDS = 5.0
# One more than that: who comes in between is told the last one, for as long as the next may still be under way.
_FRESH_MS = int((TELL_SECONDS + 1) * 1000)


@dataclass(frozen=True, slots=True)
class Thinking:
    """The upstream sends pings alone, for `silent_ms` by now."""

    silent_ms: int

    def later(self, ms: int) -> Thinking | None:
        """What holds `ms` later, where nothing else was heard; None once it is too old to be said."""
        return Thinking(self.silent_ms + ms) if ms < _FRESH_MS else None


@dataclass(frozen=True, slots=True)
class Held:
    """The stream waits before a call; it is made in `retry_in_ms`."""

    retry_in_ms: int

    def later(self, ms: int) -> Held | None:
        return Held(self.retry_in_ms - ms) if ms < self.retry_in_ms else None


@dataclass(frozen=True, slots=True)
class Running:
    """The answer is shown once it is whole, and comes: for `elapsed_ms` by now, with about so many tokens. A front says
    so by itself.
    """

    elapsed_ms: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Queued:
    """The stream waits in the line, at `position`. A front says so by itself."""

    position: int


@dataclass(frozen=True, slots=True)
class Awaiting:
    """The stream waits until a person has said whether a tool may be called."""

    def later(self, ms: int) -> Awaiting:  # noqa: ARG002  # for however long
        return self


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person is asked, the data of a `relay.approval`, where no log is shown yet. A front says so by itself."""

    data: bytes


# What a worker tells, what of a stream's state readers are told, and all that they are.
Told = Thinking | Held | Awaiting
Status = Told | Running | Queued
Said = Status | Asked


async def tell(redis: Redis, stream_id: str, told: Told) -> None:
    """Says it to whoever reads `stream_id`, on whichever front. Raises what Redis raises: nobody must care.

    A wait is said once, and may be long: who comes to read meanwhile finds it (`standing`).
    """
    async with redis.pipeline(transaction=False) as pipe:
        if isinstance(told, Held) and told.retry_in_ms > 0:
            pipe.set(keys.wait(stream_id), b"1", px=told.retry_in_ms)
        pipe.publish(keys.channel(stream_id), encode(told))
        await pipe.execute(raise_on_error=False)  # where the one is refused, the other is not


async def standing(redis: Redis, stream_id: str) -> Held | None:
    """The wait that was told last and goes on. Raises what Redis raises."""
    left = int(await redis.pttl(keys.wait(stream_id)))
    return Held(left) if left > 0 else None


async def over(redis: Redis, stream_id: str) -> None:
    """The wait is over, maybe sooner than it was told. Raises what Redis raises."""
    await redis.delete(keys.wait(stream_id))


def encode(told: Told) -> bytes:
    """The channel's payload."""
    match told:
        case Thinking(silent_ms):
            return b"%bthinking:%d" % (_MARK, silent_ms)
        case Held(retry_in_ms):
            return b"%bheld:%d" % (_MARK, retry_in_ms)
        case Awaiting():
            return b"%bawaiting:0" % _MARK


def decode(payload: bytes) -> Told | None:
    """What an aside's payload says; None where it is none, or this version does not know what it says."""
    kind, _, number = payload.removeprefix(_MARK).partition(b":")
    if not (payload.startswith(_MARK) and number.isdigit() and len(number) <= _DIGITS):
        return None
    match kind:
        case b"thinking":
            return Thinking(int(number))
        case b"held":
            return Held(int(number))
        case b"awaiting":
            return Awaiting()
        case _:
            return None


def status_of(said: Status) -> dict[str, str | int]:
    """It as JSON says it, whatever the dialect."""
    match said:
        case Queued(position):
            return {"state": "queued", "position": position}
        case Running(elapsed_ms, output_tokens):
            return {"state": "running", "elapsed_ms": elapsed_ms, "output_tokens": output_tokens}
        case Thinking(silent_ms):
            return {"state": "thinking", "silent_ms": silent_ms}
        case Held(retry_in_ms):
            return {"state": "held", "retry_in_ms": retry_in_ms}
        case Awaiting():
            return {"state": "waiting"}
