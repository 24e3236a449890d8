"""`/v1/streams`: submit, look, read, cancel, and the finished Message."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.faces.base.front import Front, front_of
from app.faces.base.kept import message_of
from app.faces.native.answer import StreamResponse, WholeResponse
from app.faces.native.view import away, opening, reset_event
from app.fanout.hub import start_position
from app.http import failures
from app.http.body import headers_of, read_fields
from app.http.errors import ApiError
from app.http.large import Large
from app.intake.prompt import PASSED_HEADERS, Defaults, prompt_of
from app.intake.raw_json import size as size_of
from app.intake.streams import is_stream_id
from app.stream.concurrency.threads import beside
from app.stream.conversations import turns
from app.stream.frames import Position, origin, parse_id
from app.stream.log import Read, State
from app.stream.readback.partial import partial_of
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal

# Longer keys are refused: no client library makes them, and each is hashed on every retry.
IDEMPOTENCY_KEY_MAX = 255
# A finished answer of this size goes out at once; a larger one in parts, as far as its client reads.
WHOLE_BYTES = 32 * 1024


def json_response(data: Any, status_code: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(data), status_code, headers, "application/json")


def idempotency_key(request: Request) -> str | None:
    """The client's key, or None. Raises `ApiError` for one that is too long."""
    key = request.headers.get("idempotency-key") or None
    if key is not None and len(key) > IDEMPOTENCY_KEY_MAX:
        raise ApiError(400, f"Idempotency-Key: at most {IDEMPOTENCY_KEY_MAX} characters")
    return key


async def submit(request: Request) -> Response:
    front = front_of(request)
    owner = front.owner(request)
    key = idempotency_key(request)
    fields = await read_fields(request, front.settings.max_prompt_bytes)
    defaults = Defaults(front.settings.model, front.settings.max_tokens)
    prompt = await beside(size_of(fields.values()), lambda: prompt_of(fields, defaults))
    headers = headers_of(request, PASSED_HEADERS)
    accepted = await front.streams.submit(prompt, owner, headers, idempotency_key=key)
    path, root = f"/v1/streams/{accepted.stream_id}", front.settings.root_path
    return json_response(
        {
            "id": accepted.stream_id,
            "state": accepted.state,
            "events_url": f"{root}{path}/events",
            "cancel_url": f"{root}{path}/cancel",
        },
        202,
        {"location": path},
    )


async def show(request: Request) -> Response:
    front = front_of(request)
    stream_id = _stream_id(request)
    meta = await _meta(front, request, *_SHOWN, *_TIMES, *_JSON, "partial")
    state = State(meta["state"].decode())
    place = await front.streams.queue.position(stream_id) if state is State.QUEUED else None
    data: dict[str, Any] = {
        "id": stream_id,
        "state": state,
        "attempt": int(meta.get("attempt", b"0")),
        "offset": await front.streams.log.last_id(stream_id),
    }
    if place is not None:
        data["position"] = place
    data["model"] = meta.get("model", b"").decode()
    for name in _TIMES:
        data[name] = _time(meta[name]) if name in meta else None
    for name in ("outcome", "stop_reason"):
        if name in meta:
            data[name] = meta[name].decode() or None
    for name in _JSON:
        if name in meta:
            data[name] = orjson.Fragment(meta[name] or b"null")
    if "partial" in meta:
        data["partial"] = True
    return json_response(data) if state is not State.ENDED else await _ended(front, stream_id, meta, data)


async def _ended(front: Front, stream_id: str, meta: dict[str, bytes], data: dict[str, Any]) -> Response:
    if size := await front.streams.log.field_bytes(stream_id, "message"):
        return message_of(front, stream_id, size, before=orjson.dumps(data)[:-1] + b',"message":', after=b"}")
    if not turns.stands_in_log(meta):
        return json_response(data)

    async def make() -> list[bytes]:
        # Nobody who had read it wrote the ending: a front's, for a stream that came back to the line.
        standing = (await partial_of(front.streams.log, stream_id)).message
        return [orjson.dumps(data if standing is None else data | {"message": standing, "partial": True})]

    length = parse_id(data["offset"]).offset if data["offset"] else 0
    return Large(front.conversing.bulk, ("standing", stream_id), length, make)


async def events(request: Request) -> Response:
    front = front_of(request)
    owner = front.owner(request)
    return await events_of(front, request, owner, _stream_id(request))


async def events_of(front: Front, request: Request, owner: str, stream_id: str) -> Response:
    """The events of whatever has a log like a stream's, if `owner` owns it."""
    asked = request.headers.get("last-event-id") or _asked_after(request)
    after = parse_id(asked) if asked else None
    if front.hub.draining:
        return WholeResponse(away())
    tail = front.hub.known(stream_id)
    if tail is not None and tail.owner == owner and not tail.ended:
        position = start_position(tail, after)
        if position is not None:
            return StreamResponse(front.hub, stream_id, position, opening(stream_id))
    try:
        read = await front.hub.log.read(stream_id, after)
    except (RedisError, *AWAY) as error:
        tell_refusal("events", error)
        return WholeResponse(away())
    check_readable(read, owner)
    if len(read.data) > WHOLE_BYTES:
        await front.hub.log.turns.next()  # a herd that comes at once is begun with one by one
    return _stream(front, stream_id, after, read)


def _asked_after(request: Request) -> str:
    """The last id by the query: as we name it, or as those do that stand in for EventSource."""
    return next((given for name in _AFTER if (given := request.query_params.get(name))), "")


def _stream(front: Front, stream_id: str, after: Position | None, read: Read) -> Response:
    head = opening(stream_id)
    if read.start is None:
        # The log has lost what stood before its newest attempt; its worker is about to write it again.
        return WholeResponse(away())
    if not read.proven:
        head += reset_event("unknown_id", read.attempt)
    elif after is not None and read.complete and not read.data:
        return Response(status_code=204)
    data = read.whole()
    if read.complete and len(data) <= WHOLE_BYTES:
        return WholeResponse(head + data)
    return StreamResponse(front.hub, stream_id, read.start, head, data, ended=read.complete)


async def cancel(request: Request) -> Response:
    front = front_of(request)
    stream_id = _stream_id(request)
    await _meta(front, request)
    state = await front.streams.cancel(stream_id) or State.ENDED
    return json_response({"id": stream_id, "state": state}, 202)


async def message(request: Request) -> Response:
    front = front_of(request)
    stream_id = _stream_id(request)
    meta = await _meta(front, request, "partial", *failures.FIELDS)
    if meta["state"] != State.ENDED.encode():
        raise ApiError(409, "the stream has not ended; read its events, or ask again later")
    if "partial" not in meta and (size := await front.streams.log.field_bytes(stream_id, "message")):
        return message_of(front, stream_id, size)
    if "error" not in meta:
        raise ApiError(409, f"the stream was {meta.get('outcome', b'ended').decode()} and has no finished message")
    raise failures.failure_of(meta)


def _stream_id(request: Request) -> str:
    """The id in the path. Raises `ApiError` for what was never one, before it gets near a key."""
    stream_id: str = request.path_params["id"]
    if not is_stream_id(stream_id):
        raise ApiError(404, "there is no such stream")
    return stream_id


def check_readable(read: Read, owner: str) -> None:
    """Raises `ApiError`: 404 for what never was or is another's, 410 for what was kept and is gone."""
    if read.state is State.UNKNOWN or read.owner != owner:
        raise ApiError(404, "there is no such stream")
    if read.state is State.GONE:
        raise ApiError(410, "the stream has ended and is no longer kept")


async def _meta(front: Front, request: Request, *names: str) -> dict[str, bytes]:
    """Fields of the stream that the path names, if the caller owns it. Raises `ApiError`."""
    owner = front.owner(request)
    stream_id = _stream_id(request)
    meta = await front.streams.log.meta(stream_id, "owner", "withdrawn", *names)
    if meta is None:
        check_readable(await front.streams.log.read(stream_id, origin(stream_id), 1), owner)
        raise ApiError(404, "there is no such stream")
    if meta.get("owner", b"").decode() != owner or "withdrawn" in meta:
        raise ApiError(404, "there is no such stream")
    return meta


def _time(milliseconds: bytes) -> str:
    return (
        datetime.fromtimestamp(int(milliseconds) / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


_AFTER = ("after", "lastEventId", "last_event_id")
_SHOWN = ("attempt", "model", "outcome", "stop_reason")
_TIMES = ("created_at", "started_at", "ended_at")
_JSON = ("usage", "cost_usd", "error")

ROUTES = [
    Route("/v1/streams", submit, methods=["POST"]),
    Route("/v1/streams/{id}", show, methods=["GET"]),
    Route("/v1/streams/{id}/events", events, methods=["GET"]),
    Route("/v1/streams/{id}/message", message, methods=["GET"]),
    Route("/v1/streams/{id}/cancel", cancel, methods=["POST"]),
]
