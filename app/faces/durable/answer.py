"""What goes out of a Durable Stream: a page of it at once, the next of it once there is any, or all of it as it comes.

The rule: every answer says where its client goes on, and its client comes back by itself; so a front that drains, a log
that is another, and an answer that has lasted long enough end it at such a place, and what is wrong is told to whoever
comes back. A client that waits holds nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, replace

from redis.exceptions import RedisError
from starlette.responses import Response
from starlette.types import Message, Scope, Send

from app.faces.base.answer import SSE_HEADERS, FollowingAnswer, Steps
from app.faces.base.front import Front
from app.faces.durable.view import (
    HEADERS,
    MEDIA_TYPE,
    Answered,
    array,
    cache_of,
    control_event,
    cursor_of,
    data_event,
    data_part,
    headers_of,
    matches,
    messages,
)
from app.fanout.beat import PING_SECONDS
from app.fanout.catchup import Data, Lost, Part, Reset
from app.fanout.reader import Aside, Leave, TimedReader
from app.http.errors import ApiError
from app.http.whole import Large
from app.stream.concurrency.threads import beside
from app.stream.frames import Position, position_at_end
from app.stream.readback.restarts import ends
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal

FACE = "durable"
# A wait is over before proxies take its silence for a dead connection.
WAIT_SECONDS = 15.0
# And then for so long the log is asked whether this is its end still.
LOOK_SECONDS = 1.0
# What the protocol asks for (§5.8), so that those who come later can be put together with those who are here.
SSE_SECONDS = 60.0
# What each client may hold for itself; of what is larger, all who ask for the same hold one.
WHOLE_BYTES = 32 * 1024
PING = b": ping\n\n"


@dataclass(frozen=True, slots=True)
class Client:
    """How a client asked: the cursor and the etags that it sent, if any; `by_ticket`, with an address that opens by
    itself; `now`, for no place of its own; `live`, and may be told a cursor.
    """

    sent_cursor: str | None
    etags: str
    by_ticket: bool
    now: bool
    live: bool

    def cursor(self) -> str:
        return cursor_of(self.sent_cursor, time.time(), random.random())  # noqa: S311 - jitter, not a secret

    def headers(self, answered: Answered) -> dict[str, str]:
        cache = cache_of(answered, by_ticket=self.by_ticket, now=self.now)
        return headers_of(answered, cache, self.cursor() if self.live else None)


def page(front: Front, client: Client, answered: Answered, data: bytes | None) -> Response:
    """What follows a place, as far as one answer goes: `data`, where that was read and may be held for each."""
    headers = client.headers(answered)
    if client.etags and matches(client.etags, headers["etag"]):
        return Response(status_code=304, headers=headers)
    length = answered.end.offset - answered.start.offset
    if data is not None and length <= WHOLE_BYTES:
        return Response(b"".join(array(messages(data))), headers=headers, media_type=MEDIA_TYPE)
    stream_id, start, end = answered.stream_id, answered.start, answered.end

    async def make() -> list[bytes]:
        read = await front.hub.log.read(stream_id, start, length)
        if not read.proven or position_at_end(read.data) != end:
            raise gone()
        return await beside(length, lambda: array(messages(read.data)))

    return Large(front.bulk, (FACE, stream_id, start, end), length, make, headers=headers, media_type=MEDIA_TYPE)


def nothing_yet(client: Client, answered: Answered, *, leave: bool = False) -> Response:
    """Of who waited in vain, and of who need not wait. `leave`: it comes back elsewhere."""
    headers = client.headers(answered)
    return Response(status_code=204, headers=headers | ({"connection": "close"} if leave else {}))


def events_at_once(client: Client, answered: Answered, data: bytes) -> Response:
    """The SSE of a stream that is closed, of which this is all that is left."""
    given = data_event(messages(data)) if data else b""
    control = control_event(answered.end, client.cursor(), closed=True)
    return Response(given + control, headers={**SSE_HEADERS, **HEADERS})


def gone() -> ApiError:
    """A place that this log does not have (any more)."""
    return ApiError(410, "offset: the log has no such place any more; read it again from -1")


class _Live(FollowingAnswer):
    face = FACE
    in_parts = True

    def __init__(self, front: Front, client: Client, answered: Answered, headers: dict[str, str]) -> None:
        super().__init__(front, answered.stream_id, answered.end, headers)
        self._client = client
        self._answered = answered

    def _reader(self, due: float) -> TimedReader:
        return TimedReader(self._position, due, self.face, in_parts=self.in_parts)

    def _at_end(self, position: Position) -> bool:
        tail = self._front.hub.known(self._stream_id)
        return tail is not None and tail.splice.end == position


class WaitingAnswer(_Live):
    """A long-poll at the log's end, `answered.end`: what comes next, or that nothing came."""

    first_seconds = WAIT_SECONDS

    def __init__(self, front: Front, client: Client, answered: Answered) -> None:
        super().__init__(front, client, answered, {})

    async def _serve(self, steps: Steps, reader: TimedReader, scope: Scope, send: Send) -> bool:
        answer = await self._answer(steps, reader)
        if reader.gone:
            return False
        await answer(scope, _nothing, send)
        return True

    async def _answer(self, steps: Steps, reader: TimedReader) -> Response:
        now, found = asyncio.get_running_loop().time, b""
        async for step in steps:
            self._position = reader.began or self._position
            match step:
                case Data(data):
                    found += data
                    if not ends(data):
                        return self._found(reader.position, found, closed=False)
                    # The ending: the log is being asked whether it is, and then no step follows.
                case Part(last=True):
                    return self._found(reader.position, None, closed=False)
                case Aside() if found or now() >= reader.due:
                    break
                case Leave():
                    return nothing_yet(self._client, replace(self._answered, up_to_date=False), leave=True)
                case Reset() | Lost():
                    raise gone()
                case _:
                    pass
        else:
            return self._found(reader.position, found, closed=True)
        if found:
            return self._found(reader.position, found, closed=False)
        return nothing_yet(self._client, replace(self._answered, up_to_date=await self._still_at_end()))

    async def _still_at_end(self) -> bool:
        """Whether the log ends where this waited, by the log: who heard nothing may be who could hear nothing."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                read = await self._front.hub.log.read(self._stream_id, self._position)
        except (RedisError, *AWAY) as error:
            tell_refusal("long-poll", error)
            return False
        return read.proven and read.length == self._position.offset

    def _found(self, end: Position, data: bytes | None, *, closed: bool) -> Response:
        start = self._position
        answered = Answered(self._stream_id, start, end, up_to_date=closed or self._at_end(end), closed=closed)
        if start == end:
            return nothing_yet(self._client, answered)
        self._front.hub.sent.bytes += end.offset - start.offset
        return page(self._front, self._client, answered, data)


class EventsAnswer(_Live):
    """SSE from `answered.end` on: an event of data for what comes, each with its event of control."""

    def __init__(self, front: Front, client: Client, answered: Answered) -> None:
        super().__init__(front, client, answered, {**SSE_HEADERS, **HEADERS})
        self._until = asyncio.get_running_loop().time() + SSE_SECONDS

    async def _serve(self, steps: Steps, reader: TimedReader, scope: Scope, send: Send) -> bool:  # noqa: ARG002 - as others
        now, owed, inside = asyncio.get_running_loop().time, False, False
        told = self._answered.up_to_date
        # Who stands at the end is told so at once; whoever does not is told with what follows.
        await self._say(reader, send, self._control(reader) if self._answered.up_to_date else b"")
        async for step in steps:
            if owed and not isinstance(step, Aside):
                await self._say(reader, send, self._control(reader))
                owed = False
            match step:
                case Data(data):
                    owed = ends(data)  # then nothing follows, which is said together
                    await self._say(reader, send, data_event(messages(data)) + (b"" if owed else self._control(reader)))
                case Part(data, first, last):
                    inside = not last
                    end = b"" if inside else self._control(reader)
                    await self._say(reader, send, data_part(data, first=first, last=last) + end)
                case Aside() if not owed and now() >= reader.due:
                    await self._say(reader, send, PING)
                case Leave() | Reset() | Lost():
                    break
                case _:
                    pass
            told = told or isinstance(step, Data | Part)
            if told and now() >= self._until and not inside:
                break
        else:
            await self._say(reader, send, self._control(reader, closed=True))
            owed = False
        await self._write(reader, send, self._control(reader) if owed else b"", more=False)
        return not reader.gone

    async def _say(self, reader: TimedReader, send: Send, data: bytes) -> None:
        await self._write(reader, send, data)
        reader.due = min(asyncio.get_running_loop().time() + PING_SECONDS, self._until)

    def _control(self, reader: TimedReader, *, closed: bool = False) -> bytes:
        position = reader.position
        up_to_date = self._at_end(position) or (self._answered.up_to_date and position == self._answered.end)
        return control_event(position, self._client.cursor(), up_to_date=up_to_date, closed=closed)


async def _nothing() -> Message:
    raise AssertionError("a page asks its client nothing")
