"""`/v1/messages`: the Claude API's own call, run as a stream."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.faces.base.front import Front, front_of
from app.faces.messages.answer import StreamedAnswer, WholeAnswer, names_of
from app.faces.native.routes import idempotency_key
from app.http import failures
from app.http.body import headers_of, read_fields
from app.http.errors import ApiError
from app.intake.prompt import PASSED_HEADERS, InvalidPromptError, Prompt, prompt_of
from app.intake.raw_json import Fields, kind_of, size
from app.intake.submit import Accepted
from app.stream.concurrency.threads import beside
from app.stream.frames import Position, origin, parse_id
from app.stream.log import Read

# A streamed answer that nobody reads for so long is cancelled, unless an Idempotency-Key says that somebody comes back.
ABANDON_SECONDS = 30.0


async def create(request: Request) -> Response:
    front = front_of(request)
    owner = front.owner(request)
    if front.hub.draining:
        raise failures.draining()
    key = idempotency_key(request)
    fields = await read_fields(request, front.settings.max_prompt_bytes)
    streaming = "stream" in fields and kind_of(fields["stream"]) == "true"
    prompt = await beside(size(fields.values()), lambda: _prompt(fields, streaming=streaming, key=key))
    last_id = request.headers.get("last-event-id") if streaming else None
    rest = await _rest(front, owner, key, last_id) if last_id else None
    headers = headers_of(request, PASSED_HEADERS)
    accepted = await front.streams.submit(
        prompt, owner, headers, query=request.url.query, idempotency_key=key, failure_frees_key=True
    )
    if rest is not None and rest.start is not None and accepted.repeated:
        if rest.complete and not rest.data:
            return Response(status_code=204, headers=names_of(accepted.stream_id))
        position, resumed = rest.start, True
    else:
        position, resumed = await _start(front, accepted), False
    if not streaming:
        return WholeAnswer(front, accepted.stream_id, position, abandon_after=prompt.abandon_after)
    return StreamedAnswer(front, accepted.stream_id, position, resumed=resumed, abandon_after=prompt.abandon_after)


def _prompt(fields: Fields, *, streaming: bool, key: str | None) -> Prompt:
    """The prompt of a client that cannot take back what it was shown. Raises `InvalidPromptError`."""
    prompt = prompt_of(fields, None, on_interrupt="fail" if streaming else "restart")
    if not streaming:
        return prompt
    if prompt.on_interrupt != "fail":
        raise InvalidPromptError("relay.on_interrupt: a streamed answer cannot be taken back; use fail, or /v1/streams")
    if key is None and prompt.abandon_after is None:
        return replace(prompt, abandon_after=ABANDON_SECONDS)
    return prompt


async def _rest(front: Front, owner: str, key: str | None, last_id: str) -> Read:
    """What follows the event that a retry names as its last. Raises `ApiError` where that is none of its stream's."""
    after = parse_id(last_id)
    stream_id = await front.streams.queue.find(owner, key) if key else None
    if stream_id is not None:
        rest = await front.streams.log.read(stream_id, after, 1)
        if rest.proven:
            return rest
    raise ApiError(400, "Last-Event-ID: not an event of the stream of this Idempotency-Key; ask without it")


async def _start(front: Front, accepted: Accepted) -> Position:
    """Where a client that has had nothing begins: at the newest attempt."""
    if not accepted.repeated:
        return origin(accepted.stream_id)
    start = (await front.streams.log.read(accepted.stream_id, None, 1)).start
    if start is None:
        # The log has lost what stood before its newest attempt; its worker is about to write it again.
        raise ApiError(503, "the stream cannot be read right now; try again", headers={"retry-after": "1"})
    return start


ROUTES = [Route("/v1/messages", create, methods=["POST"])]
