"""`/v1/streams/{id}/log`: a stream read as a Durable Stream (github.com/durable-streams/durable-streams, PROTOCOL.md).

The rule: what the protocol says of reading, to the letter; who may read is what it is at `…/events`. It begins with the
newest attempt, as every reader does: what stood before is void, and only whoever was there already is told of it, by a
message of the log's own. Writing is not for clients: the answer to every other method is 405.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.faces.base.answer import counted
from app.faces.base.by_ticket import reader_of
from app.faces.base.front import Front, front_of
from app.faces.base.lookup import check_readable, stream_id_of
from app.faces.durable.answer import (
    FACE,
    WHOLE_BYTES,
    Client,
    EventsAnswer,
    WaitingAnswer,
    events_at_once,
    gone,
    nothing_yet,
    page,
)
from app.faces.durable.view import CLOSED, HEADERS, MEDIA_TYPE, NEXT_OFFSET, Answered
from app.http.errors import ApiError, as_api_error, draining
from app.stream.errors import LimitedError
from app.stream.frames import Position, origin, parse_id, position_at_end
from app.stream.log import READ_BYTES, Read, State
from app.stream.observing import tell
from app.watch.events.of_fronts import ReaderServed, ReaderTurnedAway
from app.watch.events.subjects import Trace, subject

BEGINNING, NOW = "-1", "now"


class Live(StrEnum):
    LONG_POLL = "long-poll"
    SSE = "sse"


@dataclass(frozen=True, slots=True)
class Asked:
    """From where, and how. `after` is None for the beginning, and where `now` is asked for."""

    after: Position | None
    now: bool
    live: Live | None
    cursor: str | None

    @classmethod
    def of(cls, query: QueryParams) -> Self:
        """Raises `ApiError`, and `MalformedIdError` for what was never an offset."""
        offsets, live = query.getlist("offset"), query.get("live")
        if len(offsets) > 1:
            raise ApiError(400, "offset: send it once")
        if live is not None and live not in tuple(Live):
            raise ApiError(400, "live: must be long-poll or sse")
        if live is not None and not offsets:
            raise ApiError(400, "offset: must be sent where live is; -1 is the beginning, now the end")
        offset = offsets[0] if offsets else BEGINNING
        after = None if offset in (BEGINNING, NOW) else parse_id(offset)
        return cls(after, offset == NOW, None if live is None else Live(live), query.get("cursor"))


async def log(request: Request) -> Response:
    front = front_of(request)
    try:
        caller = await reader_of(front, request)
        stream_id = stream_id_of(request)
        asked = Asked.of(request.query_params)
        if request.method == "HEAD":
            return await _head(front, stream_id, caller.owner, asked)
        etags = request.headers.get("if-none-match", "")
        client = Client(
            asked.cursor, etags, by_ticket=caller.confined is not None, now=asked.now, live=asked.live is not None
        )
        if asked.live is None:
            return await _read(front, stream_id, caller.owner, asked, client)
        return await counted(front, caller, FACE, lambda: _live(front, stream_id, caller.owner, asked, client))
    except Exception as error:
        if request.method != "HEAD" and not isinstance(error, LimitedError):  # who is one too many was told of
            tell(ReaderTurnedAway(subject(), FACE, as_api_error(error).kind))
        raise


async def _head(front: Front, stream_id: str, owner: str, asked: Asked) -> Response:
    """The log's end, from wherever is asked: what GET refuses is refused, and how long its answer is remains unsaid."""
    end, closed = await _end_of(front, stream_id, owner)
    if asked.after is not None and not (await front.streams.log.read(stream_id, asked.after, 1)).proven:
        raise gone()
    told = {**HEADERS, NEXT_OFFSET: end.id} | ({CLOSED: "true"} if closed else {})
    answer = Response(headers=told, media_type=MEDIA_TYPE)
    del answer.headers["content-length"]
    return answer


async def _end_of(front: Front, stream_id: str, owner: str) -> tuple[Position, bool]:
    """Where the log ends, and whether it is closed there."""
    end, closed = origin(stream_id), False
    for _ in range(2):  # once more for who was ended just then
        last = await front.streams.log.last_id(stream_id)
        end = parse_id(last) if last else origin(stream_id)
        read = await front.streams.log.read(stream_id, end, 1)
        check_readable(read, owner)
        if read.sealed is not None:
            return origin(stream_id), False
        closed = read.state is State.ENDED and read.length == end.offset
        if closed or read.state is not State.ENDED:
            break
    return end, closed


async def _read(front: Front, stream_id: str, owner: str, asked: Asked, client: Client) -> Response:
    answered, data, read = await _standing(front, stream_id, owner, asked)
    _tell_served(answered, read)
    front.hub.sent.bytes += len(data)
    return page(front, client, answered, data)


async def _live(front: Front, stream_id: str, owner: str, asked: Asked, client: Client) -> Response:
    if front.hub.draining:
        raise draining()
    answered, data, read = await _standing(front, stream_id, owner, asked)
    if asked.live is Live.LONG_POLL:
        if data:
            _tell_served(answered, read)
            front.hub.sent.bytes += len(data)
            return page(front, client, answered, data)
        if answered.closed:
            return nothing_yet(client, answered)
        return WaitingAnswer(front, client, answered)
    if answered.closed and len(data) <= WHOLE_BYTES:
        _tell_served(answered, read)
        return events_at_once(client, answered, data)
    start = Answered(stream_id, answered.start, answered.start, up_to_date=not data, closed=False)
    answer = EventsAnswer(front, client, start)
    answer.resumed = asked.after is not None
    return answer


async def _standing(front: Front, stream_id: str, owner: str, asked: Asked) -> tuple[Answered, bytes, Read | None]:
    """What there is behind a place, as far as one answer goes, and what was read of the log. Raises `ApiError`."""
    if asked.live is not None and (known := _of_tail(front, stream_id, owner, asked)) is not None:
        return *known, None
    if asked.now:
        end, closed = await _end_of(front, stream_id, owner)
        return Answered(stream_id, end, end, up_to_date=True, closed=closed), b"", None
    read = await front.hub.log.read(stream_id, asked.after, READ_BYTES)
    check_readable(read, owner)
    if read.start is None:
        # The log has lost what stood before its newest attempt; its worker is about to write it again.
        raise ApiError(503, "the stream cannot be read right now; try again", headers={"retry-after": "1"})
    if not read.proven and asked.after is not None:
        raise gone()
    data = read.whole()
    end = position_at_end(data) or read.start
    at_end = end.offset >= read.length
    return Answered(stream_id, read.start, end, at_end, at_end and read.state is State.ENDED), data, read


def _of_tail(front: Front, stream_id: str, owner: str, asked: Asked) -> tuple[Answered, bytes] | None:
    """The same, where somebody reads along here: of what is at hand Redis is not asked again."""
    tail = front.hub.known(stream_id)
    if tail is None or tail.owner != owner or tail.ended or tail.told_all:
        return None
    start = tail.splice.end if asked.now else asked.after or tail.base
    data = tail.splice.after(start) if start.offset else None
    end = tail.splice.end
    return None if data is None else (Answered(stream_id, start, end, up_to_date=True, closed=False), data)


def _tell_served(answered: Answered, read: Read | None) -> None:
    """Who asks again and again is no reader that comes back: not `resumed`."""
    if answered.up_to_date:
        owner, traced = ("", "") if read is None else (read.owner, read.traceparent)
        of = subject(answered.stream_id, owner, Trace(traced))
        tell(ReaderServed(of, FACE, resumed=False))


ROUTES = [Route("/v1/streams/{id}/log", log, methods=["GET"])]
