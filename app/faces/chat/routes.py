"""`/api/chat`: the AI SDK's chat over streams, with resume and stop.

A chat's id is its client's word and may hold any character, so it is matched as the whole of what stands between the
path's fixed ends. Who knows the stream's id instead, as assistant-ui does, resumes by that. 204 on resume means that
nothing runs. The SDK takes it for a whole answer, and who was cut off shortly before the end would keep a part: who
asks with `?unseen=1` is shown an answer that has ended, for as long as it is kept and until a client is known to have
heard its ending: it asked again on the same connection, closed it with everything acknowledged, stopped the answer, or
said the next thing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial

import orjson
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import surrogates
from app.access.caller import Caller
from app.faces.base.accepting import accept
from app.faces.base.answer import counted
from app.faces.base.front import Front, front_of
from app.faces.base.lookup import meta_of_owner, newest_of, start_of, stream_id_of
from app.faces.chat.answer import ChatAnswer
from app.faces.chat.prompt import Allowed, ChatPrompt, chat_prompt
from app.faces.chat.prompt_files import FileTooLargeError
from app.faces.chat.view import UIMessagesView
from app.http.body import idempotency_key, read_fields
from app.http.errors import ApiError, draining
from app.http.remaining import rate_headers
from app.http.whole import json_response
from app.intake.prompt import Prompt, prompt_of
from app.intake.raw_json import Fields, size
from app.intake.submit import Along, again
from app.stream.concurrency.threads import beside
from app.stream.conversations.chats import Chat
from app.stream.endings import Outcome
from app.stream.log import State

# A message that is continued is kept with its chat up to this size; a resume of a larger one shows only what is new.
PARTS_BYTES_MAX = 1024 * 1024
SETTLE_SECONDS = 0.2
# In a stream's meta: the chat that it answers, and the message that it goes on with, if any.
CHAT, CONTINUES = "chat", "continues"
# And the tools that its worker runs.
TOOLS = "tools"


class Anything(Convertor[str]):
    """Any text that is not empty, slashes and line ends included."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", Anything())


async def send(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    if front.hub.draining:
        raise draining()
    key = idempotency_key(request)
    fields = await read_fields(request, front.settings.max_prompt_bytes)
    asked, prompt = await beside(size(fields.values()), lambda: _asked(fields, front, caller))

    async def answer() -> Response:
        settings = front.settings  # one with tools may come to wait for a person, and is found for as long
        life_ms = settings.waiting_life_ms if prompt.relay.tools else settings.stream_life_ms
        accepted = await accept(
            front,
            request,
            caller,
            prompt,
            idempotency_key=key,
            fields=_fields(asked),
            along=Along(
                then=lambda stream_id: front.chats.taking(
                    caller.owner, asked.chat_id, _chat(asked, stream_id), life_ms
                ),
                undo=lambda stream_id: front.chats.leave(caller.owner, asked.chat_id, stream_id, life_ms),
            ),
        )
        stream_id = accepted.stream_id
        if not accepted.repeated:
            [before] = accepted.replies
            _cancel(front, before.decode())
        elif accepted.state is not State.ENDED:
            chat = _chat(asked, stream_id)
            taken = await again(lambda: front.chats.take(caller.owner, asked.chat_id, chat, life_ms))
            _cancel(front, taken or "")
        view = UIMessagesView(stream_id, _message_id(asked, stream_id), tools=prompt.relay.tools)
        found = ChatAnswer(front, view, stream_id, await start_of(front, accepted), (caller.owner, asked.chat_id))
        found.headers.update(rate_headers(accepted.standing))
        return found

    return await counted(front, caller, "chat", answer)


async def resume(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    chat_id = request.path_params["chat_id"]
    await _settle(front)
    chat = await front.chats.find(caller.owner, chat_id)
    if chat is None:
        return Response(status_code=204)
    meta = await front.streams.log.meta(chat.stream_id, "outcome", TOOLS)
    if meta is None:
        return Response(status_code=204)
    if meta["state"] == State.ENDED.encode() and "unseen" not in request.query_params:
        return Response(status_code=204)
    # A stream that was stopped may take a moment to end: it has nothing to show any more.
    if chat.shown or meta.get("outcome") == Outcome.CANCELLED.encode():
        return Response(status_code=204)
    if front.hub.draining:
        raise draining()
    return await counted(front, caller, "chat", lambda: _resumed(front, caller, chat_id, chat, _tools(meta)))


async def _resumed(front: Front, caller: Caller, chat_id: str | None, chat: Chat, tools: Collection[str]) -> Response:
    start = await newest_of(front, chat.stream_id)
    view = UIMessagesView(chat.stream_id, chat.message_id, surrogates.loads(chat.parts or b"[]"), tools)
    known = (caller.owner, chat_id) if chat_id is not None else None
    answer = ChatAnswer(front, view, chat.stream_id, start, known)
    answer.resumed = True
    return answer


async def resume_stream(request: Request) -> Response:
    """By the stream's own id: also of one that has ended, for as long as it is kept, because the client says that it
    has not seen the end of this very one. With `?bare=1` without what the message had before this stream, for a client
    that goes on with a message that it has.
    """
    front = front_of(request)
    caller = await front.caller(request)
    stream_id = stream_id_of(request)
    meta = await meta_of_owner(front, caller.owner, stream_id, "outcome", TOOLS, CHAT, CONTINUES)
    if meta.get("outcome") == Outcome.CANCELLED.encode():
        return Response(status_code=204)
    if front.hub.draining:
        raise draining()
    chat_id = meta[CHAT].decode("utf-8", "surrogatepass") if CHAT in meta else None
    message_id = meta[CONTINUES].decode("utf-8", "surrogatepass") if CONTINUES in meta else f"msg_{stream_id}"
    chat = await front.chats.find(caller.owner, chat_id) if chat_id is not None else None
    if chat is None or chat.stream_id != stream_id:
        chat_id, chat = None, Chat(stream_id, message_id)
    if "bare" in request.query_params:
        chat = replace(chat, parts=b"")
    return await counted(front, caller, "chat", lambda: _resumed(front, caller, chat_id, chat, _tools(meta)))


async def _settle(front: Front) -> None:
    """What a client has just heard is about to be noted."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_SECONDS):
            await front.streams.owed.paid()


async def stop(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    chat_id = request.path_params["chat_id"]
    chat = await front.chats.find(caller.owner, chat_id)
    if chat is None or request.query_params.get("stream", chat.stream_id) != chat.stream_id:
        return Response(status_code=204)
    state = await front.streams.cancel(chat.stream_id)
    shown = partial(front.chats.shown, caller.owner, chat_id, chat.stream_id)
    front.streams.owed.add("chat: what was stopped", shown, front.settings.stream_ttl)
    if state is State.UNKNOWN:
        return Response(status_code=204)
    return json_response({"id": chat.stream_id, "state": state}, 202)


def _tools(meta: Mapping[str, bytes]) -> list[str]:
    return orjson.loads(meta[TOOLS]) if meta.get(TOOLS) else []


def _fields(asked: ChatPrompt) -> dict[str, bytes]:
    """What the stream keeps of its chat, for who comes back by the stream's id."""
    found = {CHAT: asked.chat_id}
    if asked.continues:
        found[CONTINUES] = asked.continues["id"]
    return {name: value.encode("utf-8", "surrogatepass") for name, value in found.items()}


def _message_id(asked: ChatPrompt, stream_id: str) -> str:
    return asked.continues["id"] if asked.continues else f"msg_{stream_id}"


def _chat(asked: ChatPrompt, stream_id: str) -> Chat:
    """What the chat shows with this stream."""
    try:
        parts = surrogates.dumps(asked.continues["parts"] if asked.continues else [])
    except TypeError:  # nested too deeply: a resume shows what is new
        parts = b""
    return Chat(stream_id, _message_id(asked, stream_id), parts if len(parts) <= PARTS_BYTES_MAX else b"")


def _cancel(front: Front, before: str) -> None:
    """Cancels what the chat showed before. The answer does not wait for it: its own stream stands already."""
    if before:
        front.streams.owed.add(
            f"{before}: cancellation", lambda: front.streams.cancel(before), front.settings.stream_life_ms / 1000
        )


def _asked(fields: Fields, front: Front, caller: Caller) -> tuple[ChatPrompt, Prompt]:
    settings = front.settings
    allowed = Allowed(
        model=settings.model,
        max_tokens=front.limits.of(caller).max_tokens(settings.max_tokens),
        system=settings.chat_system,
        models=settings.chat_models,
        fields=settings.chat_fields,
    )
    try:
        asked = chat_prompt(fields, allowed)
    except FileTooLargeError as error:
        raise ApiError(413, str(error)) from None
    return asked, prompt_of(asked.body, None, on_interrupt="fail")


ROUTES = [
    Route("/api/chat", send, methods=["POST"]),
    Route("/api/chat/{chat_id:anything}/stream", resume, methods=["GET"]),
    Route("/api/chat/{chat_id:anything}/stream", stop, methods=["DELETE"]),
    # Behind them: a chat may be called `resume`, and no stream `stream`.
    Route("/api/chat/resume/{id}", resume_stream, methods=["GET"]),
]
