"""`POST /v1/streams?wait=SECONDS`: who submits a prompt is told its answer, if that is whole in time.

The rule: the stream is accepted before anybody waits for it, and runs on whatever becomes of who waits; so wherever its
ending cannot be told (the time is up, the front drains, Redis is away, one reader too many), the answer is 202 as ever.
Nothing of a stream is held for who waits but that it has ended, which its tail tells.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope, Send

from app.access.caller import Caller
from app.faces.base.answer import FollowingAnswer, Steps
from app.faces.base.front import Front
from app.fanout.catchup import Lost, Part, Step
from app.fanout.reader import Aside, Leave, TimedReader
from app.fanout.tail import Tail
from app.http.errors import ApiError
from app.intake.relay import WAIT_SECONDS_MAX
from app.stream.accounts import Over
from app.stream.errors import BusyError
from app.stream.frames import origin
from app.stream.observing import tell
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal
from app.watch.events.of_fronts import ReaderTurnedAway
from app.watch.events.subjects import subject

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)

# What tells a stream as it is now; None where it has not ended.
Describe = Callable[[], Awaitable[Response | None]]


def wait_of(request: Request) -> float | None:
    """For how many seconds the query asks to wait, if it does. Raises `ApiError`."""
    asked = request.query_params.getlist("wait")
    if not asked:
        return None
    seconds = float(asked[0]) if len(asked) == 1 and _SECONDS.fullmatch(asked[0]) else 0
    if not 0 < seconds <= WAIT_SECONDS_MAX:
        raise ApiError(400, f"wait: must be a number of seconds above 0 and up to {WAIT_SECONDS_MAX}, once")
    return seconds


@dataclass(frozen=True, slots=True)
class Wait:
    """For so many `seconds`; `describe` tells the stream as it is then, `otherwise` is said where it has not ended."""

    seconds: float
    describe: Describe
    otherwise: Response


def waited(front: Front, caller: Caller, stream_id: str, wait: Wait) -> Response:
    """What a client hears of a stream that it waits for."""
    if front.hub.draining:
        return wait.otherwise
    place = front.limits.readers.enter(front.limits.of(caller))
    if isinstance(place, Over):
        tell(ReaderTurnedAway(subject(stream_id, caller.owner), WaitedAnswer.face, "limited"))
        return wait.otherwise
    answer = WaitedAnswer(front, stream_id, wait)
    answer.left = place.leave
    return answer


class EndingReader(TimedReader):
    """One who hears of the ending alone, whatever comes before it."""

    async def _caught_up(self, tail: Tail) -> AsyncGenerator[Step | Part]:
        if tail.gone:
            yield Lost()
        if tail.ended:
            self.position = tail.splice.end


class WaitedAnswer(FollowingAnswer):
    face = "wait"

    def __init__(self, front: Front, stream_id: str, wait: Wait) -> None:
        super().__init__(front, stream_id, origin(stream_id), {})
        self.first_seconds = wait.seconds
        self._wait = wait

    def _reader(self, due: float) -> TimedReader:
        return EndingReader(self._position, due, self.face)

    async def _serve(self, steps: Steps, reader: TimedReader, scope: Scope, send: Send) -> bool:
        now = asyncio.get_running_loop().time
        async for step in steps:
            if isinstance(step, Leave | Lost) or (isinstance(step, Aside) and now() >= reader.due):
                break
        else:
            if await self._tell(scope, send):
                return True
        if not reader.gone:
            await self._wait.otherwise(scope, _nothing, send)
        return not reader.gone

    async def _tell(self, scope: Scope, send: Send) -> bool:
        """Tells what has become of it; whether that could be told."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            answer = await self._wait.describe()
            if answer is not None:
                await answer(scope, _nothing, sending)
        except (ApiError, BusyError, RedisError, *AWAY) as error:
            if begun:
                raise
            if isinstance(error, RedisError | OSError):
                tell_refusal("wait", error)
            return False
        return answer is not None


async def _nothing() -> Message:
    raise AssertionError("who waits is asked nothing")
