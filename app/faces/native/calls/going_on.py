"""`POST /v1/streams/{id}/tool_results`: a stream that ended with calls of the client's own tools goes on.

The rule: what goes on is a new stream, accepted as any other; it is asked what the first was asked, for as long as that
is kept. Results are given once: the same again are the same stream.
"""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.faces.base.accepting import accept
from app.faces.base.by_ticket import ticket_of_stream
from app.faces.base.front import Front, front_of
from app.faces.base.lookup import meta_of_owner, stream_id_of
from app.faces.base.measured import measured_where_ended
from app.faces.base.names import accepted_response
from app.http.body import idempotency_key, read_fields
from app.http.errors import ApiError
from app.intake.calls.inheriting import FIELDS as INHERITED
from app.intake.calls.inheriting import headers_of, inherited
from app.intake.calls.results import RESUMES, Result, answered, continued, result_block, results_of, turn_of
from app.intake.prompt import Prompt, digest_of, prompt_of
from app.intake.raw_json import Fields, InvalidPromptError, fields_of
from app.intake.raw_json import size as size_of
from app.intake.submit import Accepted, again
from app.stream.concurrency.threads import beside
from app.stream.endings import Outcome
from app.stream.errors import IdempotencyConflictError
from app.stream.log import State
from app.stream.readback.steps import FIELDS as STEPS
from app.stream.readback.steps import Steps, steps_of

TOOL_USE = b"tool_use"
# Under it stands, among a caller's Idempotency-Keys, which stream went on with another; no client can send one like it.
GOES_ON = "\0tool_results "
_NOT_ANEW = ("messages", "prompt")
_NEEDED = ("outcome", "stop_reason", "conversation", "message", *INHERITED, *STEPS)


async def tool_results(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    stream_id = stream_id_of(request)
    key = idempotency_key(request)
    fields = await read_fields(request, front.settings.max_prompt_bytes)
    for name in _NOT_ANEW:
        if name in fields:
            raise InvalidPromptError(f"{name}: the stream has what was said; send results")
    given = await beside(size_of(fields.values()), lambda: results_of(fields.get("results")))
    meta = await meta_of_owner(front, caller.owner, stream_id, *_NEEDED)
    _check_ending(stream_id, meta)
    steps = await again(lambda: steps_of(front.streams.log, stream_id, meta, meta["message"]))
    anew = {name: value for name, value in fields.items() if name != "results"}
    large = len(meta["request"]) + len(meta["message"]) + sum(map(len, steps.messages)) + size_of(fields.values())
    prompt = await beside(large, lambda: _prompt(meta, steps, given, anew))
    prompt = replace(prompt, digest=await beside(size_of(fields.values()), lambda: digest_of(fields, stream_id)))
    most = front.settings.max_prompt_bytes
    if len(prompt.body) > most:
        raise ApiError(413, f"with these results the conversation is larger than {most} bytes")
    if prompt.relay.ticket:
        await front.tickets.open()
    try:
        accepted = await accept(
            front,
            request,
            caller,
            prompt,
            idempotency_key=key or GOES_ON + stream_id,
            failure_frees_key=key is None,
            fields={RESUMES: "1"},
            inherited=headers_of(meta),
        )
    except IdempotencyConflictError as error:
        if key is not None:
            raise
        raise _given_already(error.stream_id) from None
    answer, _ = await response(front, accepted, prompt)
    return answer


async def response(front: Front, accepted: Accepted, prompt: Prompt) -> tuple[Response, dict[str, str]]:
    """What a client hears whose prompt was accepted, and of that what no other answer about the stream tells."""
    more = await ticket_of_stream(front, accepted.stream_id, asked=prompt.relay.ticket)
    headers = await measured_where_ended(front, accepted)
    return accepted_response(front, accepted.stream_id, accepted.state, accepted.standing, headers, **more), more


def _check_ending(stream_id: str, meta: dict[str, bytes]) -> None:
    """Raises `ApiError` for a stream that does not wait for results."""
    if meta["state"] != State.ENDED.encode():
        raise ApiError(409, "the stream has not ended; its results are asked for when it has")
    if "conversation" in meta:
        path = f"/v1/conversations/{meta['conversation'].decode()}/tool_results"
        raise ApiError(409, f"the stream is an answer in a conversation, which takes the results: POST {path}")
    if meta.get("outcome") != Outcome.COMPLETED.encode() or meta.get("stop_reason") != TOOL_USE:
        raise ApiError(409, "the stream did not end with a call of a tool")
    if "request" not in meta or "message" not in meta:
        raise ApiError(409, f"what {stream_id} was asked is not kept: send all of it, with the results, as a new one")


def _prompt(meta: dict[str, bytes], steps: Steps, given: list[Result], anew: Fields) -> Prompt:
    """What goes on: the first request, what was said and answered since, and what is asked anew."""
    ours = {call: result_block(told) for call, told in steps.results.items()}
    turns = [(turn, answered(turn.calls, ours, [])) for turn in map(turn_of, steps.messages)]
    last = turn_of(meta["message"])
    turns.append((last, answered(last.calls, {call: ours[call] for call in last.calls if call in ours}, given)))
    first = fields_of(meta["request"])
    messages = continued(first["messages"], turns)
    return prompt_of({**inherited(anew, meta, len(turns)), "messages": messages}, None)


def _given_already(stream_id: str) -> ApiError:
    message = f"other results were given already, and {stream_id} went on with them; an Idempotency-Key makes another"
    return ApiError(409, message, headers={"x-keepstream-id": stream_id}, details={"stream_id": stream_id})


ROUTES = [Route("/v1/streams/{id}/tool_results", tool_results, methods=["POST"])]
