"""`/v1/messages`: the Claude API's own route, run as a stream."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.faces.base.accepting import accept
from app.faces.base.answer import counted
from app.faces.base.front import Front, front_of
from app.faces.base.lookup import start_of
from app.faces.base.measured import measured_where_ended
from app.faces.base.names import headers_of_stream
from app.faces.messages.answer import StreamedAnswer, WholeAnswer
from app.faces.messages.prompt import is_streamed, messages_prompt
from app.http.body import idempotency_key, query_of, read_fields
from app.http.errors import ApiError, draining
from app.http.remaining import rate_headers
from app.intake.raw_json import size
from app.stream.concurrency.threads import beside
from app.stream.frames import parse_id
from app.stream.log import Read


async def create(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    if front.hub.draining:
        raise draining()
    key = idempotency_key(request)
    fields = await read_fields(request, front.settings.max_prompt_bytes)
    streamed, comes_back = is_streamed(fields), key is not None
    prompt = await beside(
        size(fields.values()), lambda: messages_prompt(fields, streamed=streamed, comes_back=comes_back)
    )
    last_id = request.headers.get("last-event-id") if streamed else None
    rest = await _rest(front, caller.owner, key, last_id) if last_id else None

    async def answer() -> Response:
        accepted = await accept(
            front,
            request,
            caller,
            prompt,
            query=query_of(request),
            idempotency_key=key,
            failure_frees_key=True,
            saves=True,
        )
        if rest is not None and rest.start is not None and accepted.repeated:
            if rest.complete and not rest.data:
                return Response(status_code=204, headers=headers_of_stream(accepted.stream_id))
            position, resumed = rest.start, True
        else:
            position, resumed = await start_of(front, accepted), False
        made = partial(StreamedAnswer, resumed=resumed) if streamed else WholeAnswer
        found = made(front, accepted.stream_id, position, abandon_after=prompt.relay.abandon_after)
        found.headers.update(rate_headers(accepted.standing))
        if streamed:  # a whole answer looks when it has come
            found.headers.update(await measured_where_ended(front, accepted))
        return found

    return await counted(front, caller, "messages", answer)


async def _rest(front: Front, owner: str, key: str | None, last_id: str) -> Read:
    """What follows the event that a retry names as its last. Raises `ApiError` where that is none of its stream's."""
    after = parse_id(last_id)
    stream_id = await front.streams.queue.find(owner, key) if key else None
    if stream_id is not None:
        rest = await front.streams.log.read(stream_id, after, 1)
        if rest.proven:
            return rest
    raise ApiError(400, "Last-Event-ID: not an event of the stream of this Idempotency-Key; ask without it")


ROUTES = [Route("/v1/messages", create, methods=["POST"])]
