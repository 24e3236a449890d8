"""`/v1/conversations`: conversations kept by Keepstream.

A conversation belongs to its owner (another's is 404, a deleted one 410 for a day, then 404). Times are ISO texts as in
`/v1/streams`. A *message* is

    {"id": "msg_…", "role": "user"|"assistant", "content": [blocks], "created_at": …}

and, of an answer, also `stream_id`, `model`, `outcome` (as in `relay.end`), `stop_reason`, `usage`, `cost_usd`,
`timing` ({"first_token_ms","total_ms"}: from the submit to the first content, and to the ending; null for what did not
come), and `error` ({"type","message"}) where it failed. An answer is added when its stream has ended. `truncated`,
`cancelled`, `failed` and `expired` keep what came; the last three are marked by `"partial": true` where anything did.
Upstream, a failed or expired one is not heard, and what follows a cancelled one says that it was stopped. Of several
turns `content` is the last one's, `steps` are those before it, as the API takes them, and `tool_results` what tools of
ours brought for `content`. `saved_usd` is there where caches saved anything, `feedback` where somebody rated it. A
message that `continue` wrote has `"continues": <id of the answer>`; one that has others beside it, which an edit or a
regeneration took the place of, `"versions": [ids, oldest first]`.

A *conversation* is

    {"id": "cv_…", "title": text|null, "system": text|null, "model": text|null, "created_at", "updated_at",
     "forked_from"?: {"id","at"}}

    POST /v1/conversations
        {title?, system?, model?} → 201, `Location`, the conversation with the fields that GET gives; 409 when the owner
        has as many as may be kept
    GET /v1/conversations
        ?limit=20 (1…100) &before=<last_id>
        → {"data": [conversation + "stream_id", last used first], "has_more", "last_id"}
        &query=<text>: only those that say it, in their title or a message, each with "match" ({"message_id"|null,
        "text"}: what stands around it). One call looks at a part of them: where it has `has_more`, go on behind
        `last_id`, the last that it looked at, whether there was any match or none
    GET /v1/conversations/{id}
        → the conversation and "offset" (id of its newest event, for `…/events?after=`), "stream_id" (the one that runs,
        or null), "answer_id" (the id that its answer is going to have, or null), "messages": [message]
    PATCH /v1/conversations/{id}
        {title?, system?, model?}; null takes it away → 200, the conversation
    DELETE /v1/conversations/{id}
        → 204; a stream that runs is cancelled
    POST /v1/conversations/{id}/messages
        {"content": text|blocks, "after"?: <message id>|null}
            `after`: everything behind that message is put away first (edit and resend); null: behind the very start
        {"regenerate": true, "after"?: <id of a user's message>}
            puts away what follows that message (by default the last one of the user), and answers it again
        {"continue": true}
            goes on where the last answer was truncated or cancelled
        and with each any other field of the Messages API (model, max_tokens, thinking, …), for this answer
        → 202, `Location`, as POST /v1/streams: {"id","state","events_url","cancel_url","conversation_id",
        "message_id" (the user's),"answer_id"}. Idempotency-Key is honoured. 409 `conflict_error` while a stream runs:
        its id is in the message, in `error.stream_id` and in `x-keepstream-id`. 400 where the conversation is longer
        than the model's context, or an image or document is of no type that the Claude API takes; 413 where the body or
        the conversation is as large as it may be
    POST /v1/conversations/{id}/tool_results
        {"results": [{"tool_use_id","content","is_error"?}]} of the client's tools that the last answer calls
        → 202 as of …/messages; 409 where it calls none. What it was asked holds, unless it is said anew
    POST /v1/conversations/{id}/version
        {"message_id"}: makes the branch active in which that message stands → 200, the conversation; 409 while a
        stream runs
    POST /v1/conversations/{id}/title
        has the model make a title of the first exchange, once, while the title is the first words still
        → 200, {"title"}, whatever it is by then; 404 where KEEPSTREAM_TITLES is 0
    GET /v1/conversations/{id}/events
        SSE of the conversation, with ids and resume as `/v1/streams/{id}/events`
    POST /v1/conversations/{id}/ticket
        {"expires_in"?: seconds} → 201, {"ticket","expires_at","events_url"}: opens its events and the streams in it,
        also later ones, to whoever has it
    POST /v1/conversations/{id}/fork
        {"at": <message id>, "title"?} → 201, `Location`, a new one that ends with `at`
    GET /v1/conversations/{id}/export
        ?format=json|markdown (default json), as a download

The events, each with an id:

    conversation.updated  {"title","system","model"}   also the very first event
    message.added         {"message": message}         `content` is null where it is large: GET the conversation
    messages.removed      {"after": <message id>|null} everything behind it is gone (edit, regenerate)
    stream.started        {"stream_id","message_id","answer_id","model","events_url","cancel_url"}
    stream.ended          {"stream_id","answer_id","outcome","stop_reason","usage","cost_usd","timing","error"?}
                          right after the `message.added` of its answer
    conversation.deleted  {}                            then `relay.end`: the conversation's only ending
    relay.reset           {"attempt","reason"}          forget the place: GET the conversation again
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.access.caller import Caller
from app.faces.base.accepting import Accepting
from app.faces.base.by_ticket import ticket_for, ticket_of_stream
from app.faces.base.front import front_of
from app.faces.base.names import accepted_response
from app.faces.conversations.answer import created, exported, kept
from app.faces.conversations.prompt import Turn, description_of, results_turn, turn_of, version_of
from app.faces.conversations.saying import Conversing
from app.faces.conversations.view import shown
from app.http.body import headers_of, idempotency_key, read_fields
from app.http.connection.cycle import has_left
from app.http.errors import ApiError, draining
from app.http.whole import json_response
from app.intake.prompt import PASSED_HEADERS, InvalidPromptError, asks_for_ticket
from app.intake.raw_json import Fields, built, size
from app.stream.concurrency.threads import beside
from app.stream.conversations import turns
from app.stream.conversations.conversation import Conversation

PAGE_DEFAULT = 20
PAGE_LIMIT = 100
QUERY_CHARACTERS = 200
NO_BEFORE = "before: there is no such conversation; begin with the first page"
_ID = re.compile(r"cv_[0-9a-f]{32}")


def conversing_of(request: Request) -> Conversing:
    """The conversations of this front, which only this face knows."""
    conversing: Conversing = request.app.state.conversing
    return conversing


async def create(request: Request) -> Response:
    front, conversing = front_of(request), conversing_of(request)
    caller = await front.caller(request)
    fields = description_of(await read_fields(request, front.settings.max_prompt_bytes))
    return created(conversing, await conversing.create(caller.owner, fields))


async def listing(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    asked = request.query_params.get("limit") or str(PAGE_DEFAULT)
    if not re.fullmatch(r"[0-9]{1,3}", asked, re.ASCII) or not 1 <= int(asked) <= PAGE_LIMIT:
        raise ApiError(400, f"limit: must be a whole number from 1 to {PAGE_LIMIT}")
    before, query = request.query_params.get("before") or None, request.query_params.get("query", "").strip()
    if len(query) > QUERY_CHARACTERS:
        raise ApiError(400, f"query: must have at most {QUERY_CHARACTERS} characters")
    if query:
        return await _search(request, caller.owner, query, before, int(asked))
    page = await conversing_of(request).store.page(caller.owner, before, int(asked))
    if page is None:
        raise ApiError(400, NO_BEFORE)
    found, more = page
    data = [_row(one) for one in found]
    return json_response({"data": data, "has_more": more, "last_id": found[-1].id if found else None})


async def _search(request: Request, owner: str, query: str, before: str | None, limit: int) -> Response:
    found = await conversing_of(request).search(owner, query, before, limit, lambda: has_left(request.scope))
    if found is None:
        raise ApiError(400, NO_BEFORE)
    data = [_row(one) | {"match": {"message_id": at.message_id, "text": at.text}} for one, at in found.rows]
    return json_response({"data": data, "has_more": found.more, "last_id": found.last_id})


def _row(found: Conversation) -> dict[str, Any]:
    return shown(found) | {"stream_id": found.stream_id}


async def show(request: Request) -> Response:
    return kept(conversing_of(request), await _find(request))


async def update(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    conversation_id = _id(request)
    fields = description_of(await read_fields(request, front.settings.max_prompt_bytes))
    return json_response(shown(await conversing_of(request).update(caller.owner, conversation_id, fields)))


async def delete(request: Request) -> Response:
    caller = await front_of(request).caller(request)
    await conversing_of(request).delete(caller.owner, _id(request))
    return Response(status_code=204)


async def send(request: Request) -> Response:
    return await _send(request, turn_of)


async def tool_results(request: Request) -> Response:
    return await _send(request, results_turn)


async def _send(request: Request, read: Callable[[Fields, str], Turn]) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    conversation_id = _id(request)
    if front.hub.draining:
        raise draining()
    key = idempotency_key(request)
    fields = await read_fields(request, front.settings.max_prompt_bytes)
    turn = await beside(size(fields.values()), lambda: read(fields, conversation_id))
    if asked := asks_for_ticket(turn.fields):
        await front.tickets.open()
    headers = headers_of(request, PASSED_HEADERS)
    submits = Accepting(front, request, caller)
    sent = await conversing_of(request).send(caller.owner, conversation_id, turn, headers, submits, key=key)
    return accepted_response(
        front,
        sent.stream_id,
        sent.state,
        sent.standing,
        conversation_id=conversation_id,
        message_id=sent.message_id,
        answer_id=turns.answer_id(sent.stream_id),
        **await ticket_of_stream(front, sent.stream_id, asked=asked),
    )


async def events(request: Request) -> Response:
    front, conversing = front_of(request), conversing_of(request)

    async def check(caller: Caller, conversation_id: str) -> None:
        # Not `find` alone: the last events of a deleted one can still be read.
        found = await conversing.store.settled(conversation_id, caller.owner)
        if found is None or found.owner != caller.owner:
            await conversing.find(caller.owner, conversation_id)

    return await front.events_of(front, request, _id, before=check)


async def ticket(request: Request) -> Response:
    found = await _find(request)
    return await ticket_for(front_of(request), request, found.id, f"/v1/conversations/{found.id}")


async def version(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    conversation_id = _id(request)
    message_id = version_of(await read_fields(request, front.settings.max_prompt_bytes))
    return json_response(shown(await conversing_of(request).choose(caller.owner, conversation_id, message_id)))


async def title(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    conversation_id = _id(request)
    if not front.settings.titles:
        raise ApiError(404, "titles are not made here (KEEPSTREAM_TITLES)")
    if front.hub.draining:
        raise draining()
    made = await conversing_of(request).name(caller.owner, conversation_id, Accepting(front, request, caller))
    return json_response({"title": made})


async def fork(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    conversation_id = _id(request)
    body = await read_fields(request, front.settings.max_prompt_bytes)
    at = built("at", body.pop("at")) if "at" in body else None
    if not isinstance(at, str):
        raise InvalidPromptError("at: must be the id of the message that the new conversation ends with")
    title = description_of(body, ("title",)).get("title")
    conversing = conversing_of(request)
    return created(conversing, await conversing.fork(caller.owner, conversation_id, at, title))


async def export(request: Request) -> Response:
    kind = request.query_params.get("format") or "json"
    if kind not in ("json", "markdown"):
        raise ApiError(400, "format: must be json or markdown")
    return exported(conversing_of(request), await _find(request), kind)


async def _find(request: Request) -> Conversation:
    caller = await front_of(request).caller(request)
    return await conversing_of(request).find(caller.owner, _id(request))


def _id(request: Request) -> str:
    """The id in the path. Raises `ApiError` for what was never one, before it gets near a key."""
    conversation_id: str = request.path_params["id"]
    if not _ID.fullmatch(conversation_id):
        raise ApiError(404, "there is no such conversation")
    return conversation_id


ROUTES = [
    Route("/v1/conversations", create, methods=["POST"]),
    Route("/v1/conversations", listing, methods=["GET"]),
    Route("/v1/conversations/{id}", show, methods=["GET"]),
    Route("/v1/conversations/{id}", update, methods=["PATCH"]),
    Route("/v1/conversations/{id}", delete, methods=["DELETE"]),
    Route("/v1/conversations/{id}/messages", send, methods=["POST"]),
    Route("/v1/conversations/{id}/tool_results", tool_results, methods=["POST"]),
    Route("/v1/conversations/{id}/events", events, methods=["GET"]),
    Route("/v1/conversations/{id}/ticket", ticket, methods=["POST"]),
    Route("/v1/conversations/{id}/version", version, methods=["POST"]),
    Route("/v1/conversations/{id}/title", title, methods=["POST"]),
    Route("/v1/conversations/{id}/fork", fork, methods=["POST"]),
    Route("/v1/conversations/{id}/export", export, methods=["GET"]),
]
