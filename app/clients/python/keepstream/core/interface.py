"""Each call of the HTTP interface as a request: its path, what goes along, and the shape of what comes back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NotRequired, TypedDict

import httpx

from ..shapes import (
    Cancelled,
    Conversation,
    ConversationPage,
    Feedback,
    Message,
    Said,
    Stream,
    Submitted,
    Ticket,
    Timeline,
    Title,
    Tools,
    Usage,
    WholeConversation,
)
from .request import Request, segment, with_json
from .resuming import BOARD_SILENCE_SECONDS


class Given(TypedDict):
    """What a tool of one's own gave: a text, or content blocks."""

    tool_use_id: str
    content: str | Sequence[Mapping[str, Any]]
    is_error: NotRequired[bool]


Content = str | Sequence[Mapping[str, Any]]
TITLE_SECONDS = 120.0
# Beyond what a submit is to wait: for the way there and back, and for what the answer takes.
WAIT_MARGIN_SECONDS = 30.0
# What is not given at all, where None means something.
UNSET: Any = object()
_CONVERSATIONS = "/v1/conversations"


def submit(prompt: str | Mapping[str, Any], wait: float | None = None) -> Request[Submitted]:
    """The short form, or a body of the Messages API. With `wait` the answer may be the stream that has ended."""
    request = with_json("POST", "/v1/streams", {"prompt": prompt} if isinstance(prompt, str) else prompt)
    if wait is None:
        return request
    return replace(request, params={"wait": f"{wait:g}"}, seconds=wait + WAIT_MARGIN_SECONDS)


def events(stream_id: str, *, partial: bool = False) -> Request[Any]:
    return follow(f"{_stream(stream_id)}/events", partial=partial)


def stream(stream_id: str) -> Request[Stream]:
    return Request("GET", _stream(stream_id))


def message(stream_id: str) -> Request[Message]:
    return Request("GET", f"{_stream(stream_id)}/message")


def cancel(stream_id: str) -> Request[Cancelled]:
    return Request("POST", f"{_stream(stream_id)}/cancel")


def approve(stream_id: str, tool_use_id: str, reason: str | None, *, approve: bool) -> Request[Any]:
    body: dict[str, Any] = {"approve": approve} | ({} if reason is None else {"reason": reason})
    return with_json("POST", f"{_stream(stream_id)}/tools/{segment(tool_use_id)}", body)


def tool_results(stream_id: str, results: Sequence[Given]) -> Request[Submitted]:
    return with_json("POST", f"{_stream(stream_id)}/tool_results", {"results": list(results)})


def timeline(stream_id: str, *, as_operator: bool) -> Request[Timeline]:
    root = "/ops" if as_operator else "/v1"
    return Request("GET", f"{root}/streams/{segment(stream_id)}/timeline")


def ticket(stream_id: str, expires_in: float | None) -> Request[Ticket]:
    return with_json("POST", f"{_stream(stream_id)}/ticket", {"expires_in": expires_in})


def usage(
    first: str | None, last: str | None, by: Literal["day", "model", "user"] | None, owner: str | None
) -> Request[Usage]:
    asked = {"from": first, "to": last, "by": by, "owner": owner}
    return Request("GET", "/v1/usage", params={name: str(value) for name, value in asked.items() if value is not None})


def tools() -> Request[Tools]:
    return Request("GET", "/v1/tools")


def models() -> Request[dict[str, Any]]:
    return Request("GET", "/v1/models", params={"limit": "1000"}, headers={"anthropic-version": "2023-06-01"})


def feedback(stream_id: str, rating: int, note: str | None) -> Request[Feedback]:
    body = {"rating": rating} | ({} if note is None else {"note": note})
    return with_json("POST", f"{_stream(stream_id)}/feedback", body)


def board() -> Request[Any]:
    return Request("GET", "/ops/events", seconds=BOARD_SILENCE_SECONDS)


def follow(address: str, *, partial: bool = False) -> Request[Any]:
    return Request("GET", address, params={"partial": "1"} if partial else {})


def other(method: str, path: str, body: Any, params: Mapping[str, str] | None) -> Request[Any]:
    """A call that has no function here. Raises `ValueError` for an address that is no path of this server."""
    if not path.startswith("/"):
        raise ValueError("path: must begin with a slash")
    made: Request[Any] = Request(method, path) if body is None else with_json(method, path, body)
    return replace(made, params=params or {})


def create_conversation(title: str | None, system: str | None, model: str | None) -> Request[WholeConversation]:
    given = {"title": title, "system": system, "model": model}
    return with_json("POST", _CONVERSATIONS, {name: value for name, value in given.items() if value is not None})


def list_conversations(limit: int | None, before: str | None, query: str | None) -> Request[ConversationPage]:
    asked = {"limit": limit, "before": before, "query": query}
    return Request(
        "GET", _CONVERSATIONS, params={name: str(value) for name, value in asked.items() if value is not None}
    )


def get_conversation(conversation_id: str) -> Request[WholeConversation]:
    return Request("GET", _conversation(conversation_id))


def update_conversation(conversation_id: str, **fields: Any) -> Request[Conversation]:
    given = {name: value for name, value in fields.items() if value is not UNSET}
    return with_json("PATCH", _conversation(conversation_id), given)


def delete_conversation(conversation_id: str) -> Request[None]:
    return Request("DELETE", _conversation(conversation_id))


def say(conversation_id: str, body: Mapping[str, Any]) -> Request[Said]:
    given = {name: value for name, value in body.items() if value is not UNSET}
    return with_json("POST", f"{_conversation(conversation_id)}/messages", given)


def conversation_tool_results(conversation_id: str, results: Sequence[Given]) -> Request[Said]:
    return with_json("POST", f"{_conversation(conversation_id)}/tool_results", {"results": list(results)})


def name_conversation(conversation_id: str) -> Request[Title]:
    """The model is asked, through the line as by anybody: that may take a while."""
    return with_json("POST", f"{_conversation(conversation_id)}/title", {}, seconds=TITLE_SECONDS)


def choose_version(conversation_id: str, message_id: str) -> Request[Conversation]:
    return with_json("POST", f"{_conversation(conversation_id)}/version", {"message_id": message_id})


def fork_conversation(conversation_id: str, at: str, title: str | None) -> Request[WholeConversation]:
    body = {"at": at} | ({} if title is None else {"title": title})
    return with_json("POST", f"{_conversation(conversation_id)}/fork", body)


def conversation_events(conversation_id: str) -> Request[Any]:
    return Request("GET", f"{_conversation(conversation_id)}/events")


def conversation_ticket(conversation_id: str, expires_in: float | None) -> Request[Ticket]:
    return with_json("POST", f"{_conversation(conversation_id)}/ticket", {"expires_in": expires_in})


def export_conversation(conversation_id: str, kind: Literal["json", "markdown"]) -> Request[str]:
    return Request("GET", f"{_conversation(conversation_id)}/export", params={"format": kind}, read=_text)


def _text(response: httpx.Response) -> str:
    response.encoding = "utf-8"
    return response.text


def _stream(stream_id: str) -> str:
    return f"/v1/streams/{segment(stream_id)}"


def _conversation(conversation_id: str) -> str:
    return f"{_CONVERSATIONS}/{segment(conversation_id)}"
