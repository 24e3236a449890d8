"""`/v1/streams`: submit, look, read, cancel, and the finished Message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.access.caller import Caller
from app.faces.base.accepting import accept
from app.faces.base.by_ticket import reader_of, ticket_for
from app.faces.base.front import Front, front_of
from app.faces.base.lookup import check_readable, meta_of, stream_id_of
from app.faces.base.measured import FIELDS as MEASURED
from app.faces.base.measured import measured
from app.faces.base.names import path_of
from app.faces.base.result import FIELDS, failure_of, message_of
from app.faces.base.timeline import TIMELINE_FIELDS, timeline_of
from app.faces.native import offered_tools, rating
from app.faces.native.answer import Enter, StreamResponse, WholeResponse
from app.faces.native.calls import approving, going_on
from app.faces.native.described import FIELDS as SAID
from app.faces.native.described import described
from app.faces.native.view import SHOWN_FIELDS, away, opening, reset_event, shown
from app.faces.native.waiting import Wait, wait_of, waited
from app.fanout.hub import start_position
from app.http.body import idempotency_key, read_fields
from app.http.errors import ApiError, as_api_error
from app.http.remaining import rate_headers
from app.http.whole import json_response
from app.intake.calls.results import resumes
from app.intake.prompt import Defaults, prompt_of
from app.intake.raw_json import size as size_of
from app.intake.submit import Accepted
from app.stream.concurrency.threads import beside
from app.stream.endings import is_withheld
from app.stream.frames import Position, parse_id
from app.stream.log import Read, State
from app.stream.observing import tell
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal
from app.watch.events.of_fronts import ReaderReset, ReaderServed, ReaderTurnedAway
from app.watch.events.subjects import Trace, subject

# A finished answer of this size goes out at once; a larger one in parts, as far as its client reads.
WHOLE_BYTES = 32 * 1024
FACE = "native"
# The last id by the query: as we name it, or as those do that stand in for EventSource.
AFTER = ("after", "lastEventId", "last_event_id")


async def submit(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    key, seconds = idempotency_key(request), wait_of(request)
    fields = await read_fields(request, front.settings.max_prompt_bytes)
    defaults = Defaults(front.settings.model, front.limits.of(caller).max_tokens(front.settings.max_tokens))
    prompt = await beside(size_of(fields.values()), lambda: prompt_of(fields, defaults))
    if prompt.relay.ticket:
        await front.tickets.open()
    kept = resumes(fields)
    waits = seconds is not None
    accepted = await accept(front, request, caller, prompt, idempotency_key=key, fields=kept, saves=True, waits=waits)
    answer, more = await going_on.response(front, accepted, prompt)
    if seconds is None:
        return answer
    return waited(front, caller, accepted.stream_id, Wait(seconds, partial(_ending_of, front, accepted, more), answer))


async def _ending_of(front: Front, accepted: Accepted, more: dict[str, str]) -> Response | None:
    """What has become of a stream, for who has submitted it; None where it has not ended."""
    stream_id = accepted.stream_id
    meta = await front.streams.log.meta(stream_id, *SHOWN_FIELDS, *SAID, *MEASURED)
    if meta is None or meta["state"] != State.ENDED.encode():
        return None
    answer = await _described(front, stream_id, meta, more)
    answer.headers.update({"location": path_of(stream_id)} | rate_headers(accepted.standing) | measured(meta))
    return answer


async def show(request: Request) -> Response:
    front = front_of(request)
    meta = await meta_of(front, request, *SHOWN_FIELDS, *SAID, by_ticket=True)
    return await _described(front, stream_id_of(request), meta)


async def _described(
    front: Front, stream_id: str, meta: dict[str, bytes], more: dict[str, str] | None = None
) -> Response:
    """A stream as it is, with what may be told of its answer, and `more`."""
    state = State(meta["state"].decode())
    place = await front.streams.queue.position(stream_id) if state is State.QUEUED else None
    last_id = None if is_withheld(meta) and state is not State.ENDED else await front.streams.log.last_id(stream_id)
    return await described(front, stream_id, meta, shown(stream_id, state, meta, last_id, place) | (more or {}))


async def events(request: Request) -> Response:
    front = front_of(request)
    return await events_of(front, request, stream_id_of)


async def events_of(
    front: Front,
    request: Request,
    id_of: Callable[[Request], str],
    before: Callable[[Caller, str], Awaitable[object]] | None = None,
) -> Response:
    """The events of whatever has a log like a stream's, if its reader may have them. `before` is done first, unless we
    drain.
    """
    try:
        return await _events_of(front, request, id_of, before)
    except Exception as error:
        _turned_away(as_api_error(error).kind)
        raise


async def _events_of(
    front: Front,
    request: Request,
    id_of: Callable[[Request], str],
    before: Callable[[Caller, str], Awaitable[object]] | None,
) -> Response:
    try:
        caller = await reader_of(front, request)
        log_id = id_of(request)
        if before is not None and not front.hub.draining:
            await before(caller, log_id)
    except (RedisError, *AWAY) as error:
        return _away(error)
    asked = request.headers.get("last-event-id") or _asked_after(request)
    after = parse_id(asked) if asked else None
    partials = _asks_for_partials(request)
    if front.hub.draining:
        _turned_away("draining", log_id)
        try:
            return await _in_passing(front, log_id, None if partials else after, caller.owner)
        except (RedisError, *AWAY) as error:
            return _away(error)
    enter = partial(front.limits.readers.enter, front.limits.of(caller))
    tail = front.hub.known(log_id)
    if tail is not None and tail.owner == caller.owner and not tail.ended:
        position = start_position(tail, after)
        if position is not None:
            return StreamResponse(
                front.hub,
                log_id,
                position,
                opening(log_id),
                enter=enter,
                resumed=after is not None,
                partials=partials,
            )
    try:
        read = await front.hub.log.read(log_id, after)
    except (RedisError, *AWAY) as error:
        return _away(error)
    check_readable(read, caller.owner)
    if len(read.data) > WHOLE_BYTES:
        await front.hub.log.turns.next()  # a herd that comes at once is begun with one by one
    return _stream(front, log_id, after, read, enter, partials=partials)


async def _in_passing(front: Front, log_id: str, after: Position | None, owner: str) -> Response:
    """The answer of a front that drains: it keeps nobody. Who comes back to it all the same is given what stands by
    now: the proxy that has sent him may do it again and again, and he would see nothing until this front is gone.
    """
    read = None if after is None else await front.hub.log.read(log_id, after, WHOLE_BYTES)
    if read is None:
        return WholeResponse(away())
    check_readable(read, owner)
    data = read.whole()
    if len(data) > WHOLE_BYTES or not read.proven:
        return WholeResponse(away())
    if read.complete:
        return _whole(front, log_id, read, opening(log_id), data, resumed=True)
    front.hub.sent.bytes += len(data)
    return WholeResponse(opening(log_id) + data + away() if data else away())


def _whole(front: Front, stream_id: str, read: Read, head: bytes, data: bytes, *, resumed: bool) -> Response:
    """What is left of an ended log, with the request; 204 where its client has all of it."""
    _served(stream_id, read, resumed=resumed)
    if resumed and read.proven and not read.data:
        return Response(status_code=204)
    front.hub.sent.bytes += len(head) + len(data)
    return WholeResponse(head + data)


def _away(error: Exception) -> Response:
    tell_refusal("events", error)
    _turned_away("away")
    return WholeResponse(away())


def _turned_away(reason: str, log_id: str = "") -> None:
    tell(ReaderTurnedAway(subject(log_id), FACE, reason))


def _asked_after(request: Request) -> str:
    return next((given for name in AFTER if (given := request.query_params.get(name))), "")


def _asks_for_partials(request: Request) -> bool:
    asked = request.query_params.getlist("partial")
    if any(one != "1" for one in asked):
        raise ApiError(400, "partial: must be 1, or left out")
    return bool(asked)


def _stream(
    front: Front, stream_id: str, after: Position | None, read: Read, enter: Enter, *, partials: bool
) -> Response:
    head = opening(stream_id)
    if read.start is None:
        # The log has lost what stood before its newest attempt; its worker is about to write it again.
        _turned_away("away", stream_id)
        return WholeResponse(away())
    data, resumed = read.whole(), after is not None
    served = partial(_served, stream_id, read, resumed=resumed)
    if not read.proven:
        head += reset_event("unknown_id", read.attempt)
        tell(ReaderReset(subject(stream_id, read.owner), read.attempt, "unknown_id", 1))
    elif resumed and read.complete and not read.data:
        return _whole(front, stream_id, read, head, data, resumed=True)
    if partials:  # which are put between the frames: none of these are given as they are
        return StreamResponse(front.hub, stream_id, read.start, head, enter=enter, resumed=resumed, partials=True)
    if read.complete and len(data) <= WHOLE_BYTES:
        return _whole(front, stream_id, read, head, data, resumed=resumed)
    ended = read.complete
    return StreamResponse(
        front.hub, stream_id, read.start, head, data, enter=enter, ended=ended, resumed=resumed, served=served
    )


def _served(stream_id: str, read: Read, *, resumed: bool) -> None:
    tell(ReaderServed(subject(stream_id, read.owner, Trace(read.traceparent)), FACE, resumed))


async def cancel(request: Request) -> Response:
    front = front_of(request)
    await meta_of(front, request)
    stream_id = stream_id_of(request)
    state = await front.streams.cancel(stream_id) or State.ENDED
    return json_response({"id": stream_id, "state": state}, 202)


async def message(request: Request) -> Response:
    front = front_of(request)
    meta = await meta_of(front, request, "partial", *FIELDS, by_ticket=True)
    stream_id = stream_id_of(request)
    if meta["state"] != State.ENDED.encode():
        raise ApiError(409, "the stream has not ended; read its events, or ask again later")
    told = "partial" not in meta and not is_withheld(meta)
    if told and (size := await front.streams.log.field_bytes(stream_id, "message")):
        return message_of(front, stream_id, size)
    if "error" not in meta:
        raise ApiError(409, f"the stream was {meta.get('outcome', b'ended').decode()} and has no finished message")
    raise failure_of(meta)


async def timeline(request: Request) -> Response:
    front = front_of(request)
    meta = await meta_of(front, request, *TIMELINE_FIELDS)
    return json_response(await timeline_of(front, stream_id_of(request), meta))


async def ticket(request: Request) -> Response:
    front = front_of(request)
    await meta_of(front, request)
    stream_id = stream_id_of(request)
    return await ticket_for(front, request, stream_id, path_of(stream_id))


ROUTES = [
    Route("/v1/streams", submit, methods=["POST"]),
    Route("/v1/streams/{id}", show, methods=["GET"]),
    Route("/v1/streams/{id}/events", events, methods=["GET"]),
    Route("/v1/streams/{id}/message", message, methods=["GET"]),
    Route("/v1/streams/{id}/timeline", timeline, methods=["GET"]),
    Route("/v1/streams/{id}/cancel", cancel, methods=["POST"]),
    Route("/v1/streams/{id}/ticket", ticket, methods=["POST"]),
    *rating.ROUTES,
    *going_on.ROUTES,
    *offered_tools.ROUTES,
    *approving.ROUTES,
]
