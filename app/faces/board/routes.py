"""The board's routes: `/ops/events`, `/ops/streams…` and `/v1/queue`, for operators alone.

The rule: an operator sees how the whole stands and what becomes of a stream, and may stop one; nobody reads an answer
here.
"""

from __future__ import annotations

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.faces.base.answer import SSE_HEADERS
from app.faces.base.front import Front, front_of
from app.faces.base.lookup import stream_id_of
from app.faces.base.names import NO_STREAM
from app.faces.base.timeline import TIMELINE_FIELDS, timeline_of
from app.faces.board.answer import COME_BACK, watching
from app.faces.board.gathering import Gathering
from app.faces.board.operators_page import page
from app.http.errors import ApiError
from app.http.operators import check_operator
from app.http.whole import json_response
from app.stream.frames import origin
from app.stream.log import State
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal
from app.watch.events import of_streams


async def events(request: Request) -> Response:
    front, board = front_of(request), _board_of(request)
    try:
        await check_operator(request, front.who)
    except (RedisError, *AWAY) as error:  # of who comes with a session
        tell_refusal("board", error)
        return Response(COME_BACK, headers=SSE_HEADERS)
    if request.method == "HEAD":  # who wants no body waits for no end
        return Response(headers=SSE_HEADERS)
    return watching(board, lambda: front.hub.draining)


async def queue(request: Request) -> Response:
    await _operators(request)
    return json_response(await _board_of(request).standing())


async def streams(request: Request) -> Response:
    await _operators(request)
    return json_response({"data": await _board_of(request).streams()})


async def timeline(request: Request) -> Response:
    front = await _operators(request)
    stream_id = stream_id_of(request)
    meta = await _meta_of(front, stream_id, *TIMELINE_FIELDS)
    return json_response(await timeline_of(front, stream_id, meta))


async def cancel(request: Request) -> Response:
    front = await _operators(request)
    stream_id = stream_id_of(request)
    await _meta_of(front, stream_id)
    state = await front.streams.cancel(stream_id, of_streams.OPERATOR) or State.ENDED
    return json_response({"id": stream_id, "state": state}, 202)


async def _meta_of(front: Front, stream_id: str, *names: str) -> dict[str, bytes]:
    """Fields of anybody's stream. Raises `ApiError`: 404 for one that never was, 410 for one that is kept no longer."""
    meta = await front.streams.log.meta(stream_id, "withdrawn", *names)
    if meta is None or "withdrawn" in meta:
        read = await front.streams.log.read(stream_id, origin(stream_id), 1)
        if read.state is State.GONE:
            raise ApiError(410, "the stream has ended and is no longer kept")
        raise ApiError(404, NO_STREAM)
    return meta


async def _operators(request: Request) -> Front:
    """Raises `ApiError` for who is none."""
    front = front_of(request)
    await check_operator(request, front.who)
    return front


def _board_of(request: Request) -> Gathering:
    board: Gathering = request.app.state.board
    return board


ROUTES = [
    Route("/ops", page, methods=["GET"]),
    Route("/v1/queue", queue, methods=["GET"]),
    Route("/ops/events", events, methods=["GET"]),
    Route("/ops/streams", streams, methods=["GET"]),
    Route("/ops/streams/{id}/timeline", timeline, methods=["GET"]),
    Route("/ops/streams/{id}/cancel", cancel, methods=["POST"]),
]
