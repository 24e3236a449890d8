"""An answer that follows a stream, in whatever dialect; to its end, where its client cannot come back by itself.

The rule: the client is watched, and whoever reads for it goes when it goes; it is written to at least every
`PING_SECONDS`, and what is not whole when the reading is over is broken off, so that nobody takes a part for the whole.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.access.caller import Caller
from app.faces.base.front import Front
from app.faces.base.names import headers_of_stream
from app.fanout.beat import PING_SECONDS
from app.fanout.catchup import Part, Step
from app.fanout.parts import AnotherHistoryError
from app.fanout.reader import Aside, Leave, PatientReader, TimedReader
from app.http.body import let_go
from app.http.connection.cycle import break_off
from app.stream.accounts import Over
from app.stream.errors import LimitedError
from app.stream.frames import Position
from app.stream.observing import tell
from app.watch.events.of_fronts import ReaderTurnedAway
from app.watch.events.subjects import subject

SSE_HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}

Steps = AsyncGenerator[Step | Part | Aside | Leave]


class FollowingAnswer(Response):
    """Follows `stream_id` from `position` on. `first_seconds`: when the client is owed its first word.

    `resumed`: its client was here before. `left` is called when it follows no more.
    """

    face: str
    first_seconds = PING_SECONDS
    in_parts = False

    def __init__(self, front: Front, stream_id: str, position: Position, headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, **headers_of_stream(stream_id)})
        del self.headers["content-length"]
        self._front = front
        self._stream_id = stream_id
        self._position = position
        self._begun = False
        self.resumed = False
        self.left: Callable[[], None] = _nothing_to_leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        let_go(scope)  # what was asked is stored: an answer may take minutes
        hub, now = self._front.hub, asyncio.get_running_loop().time()
        reader = self._reader(now + self.first_seconds)
        reader.resumed = self.resumed
        watching = asyncio.create_task(_watch(receive, reader), name="client")
        try:
            try:
                async with contextlib.aclosing(reader.steps(hub, self._stream_id)) as steps:
                    whole = await self._serve(steps, reader, scope, send)
            except AnotherHistoryError:  # in the middle of an event: nothing could be said any more
                whole = False
            if not whole and not reader.gone:
                await break_off(scope, watching)
        finally:
            watching.cancel()
            reader.close()
            self.left()

    def _reader(self, due: float) -> TimedReader:
        return PatientReader(self._position, self._front.hub, due, self.face, in_parts=self.in_parts)

    async def _serve(self, steps: Steps, reader: TimedReader, scope: Scope, send: Send) -> bool:
        """Says all of it; whether the client was told an end, so that it knows what it has."""
        raise NotImplementedError

    async def _write(self, reader: TimedReader, send: Send, data: bytes, *, more: bool = True) -> None:
        if not self._begun:
            await self._begin(send)
        self._front.hub.sent.bytes += len(data)
        await send({"type": "http.response.body", "body": data, "more_body": more})
        reader.due = asyncio.get_running_loop().time() + PING_SECONDS

    async def _begin(self, send: Send) -> None:
        self._begun = True
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})


async def counted(front: Front, caller: Caller, face: str, make: Callable[[], Awaitable[Response]]) -> Response:
    """What `make` makes, for a caller who may have one reader more, for as long as the answer follows a stream.

    Raises `LimitedError` for one who may not, and what `make` raises.
    """
    place = front.limits.readers.enter(front.limits.of(caller))
    if isinstance(place, Over):
        tell(ReaderTurnedAway(subject(owner=caller.owner), face, "limited"))
        raise LimitedError(place)
    try:
        answer = await make()
    except BaseException:
        place.leave()
        raise
    if isinstance(answer, FollowingAnswer):
        answer.left = place.leave
    else:
        place.leave()
    return answer


def _nothing_to_leave() -> None:
    """For who is not counted."""


async def _watch(receive: Receive, reader: TimedReader) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    reader.go()
