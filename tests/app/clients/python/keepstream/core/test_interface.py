"""Each call is one that the server describes, and what comes back has the shape that is described there."""

from __future__ import annotations

import re
import typing
from inspect import getmembers, isfunction
from typing import Any, NotRequired, get_type_hints

import pytest

from app.clients.python.keepstream import shapes
from app.clients.python.keepstream.core import interface
from app.clients.python.keepstream.core.interface import UNSET
from app.clients.python.keepstream.core.request import Request
from app.openapi import describe

DESCRIBED = describe()
STREAM, CONVERSATION = "st_1", "cv_1"
CALLS: dict[str, tuple[Any, ...]] = {
    "submit": ("Hello", 30),
    "events": (STREAM,),
    "stream": (STREAM,),
    "message": (STREAM,),
    "cancel": (STREAM,),
    "ticket": (STREAM, 60),
    "feedback": (STREAM, 1, "good"),
    "tool_results": (STREAM, []),
    "conversation_tool_results": (CONVERSATION, []),
    "usage": ("2026-01-01", None, "day", None),
    "models": (),
    "tools": (),
    "board": (),
    "create_conversation": ("Title", None, None),
    "list_conversations": (5, CONVERSATION, "rivers"),
    "get_conversation": (CONVERSATION,),
    "delete_conversation": (CONVERSATION,),
    "say": (CONVERSATION, {"content": "Hello", "after": UNSET}),
    "name_conversation": (CONVERSATION,),
    "choose_version": (CONVERSATION, "msg_1"),
    "fork_conversation": (CONVERSATION, "msg_1", None),
    "conversation_events": (CONVERSATION,),
    "conversation_ticket": (CONVERSATION, None),
    "export_conversation": (CONVERSATION, "markdown"),
}
# Those that are asked for by name.
NAMED: dict[str, Request[Any]] = {
    "approve": interface.approve(STREAM, "toolu_1", None, approve=True),
    "timeline": interface.timeline(STREAM, as_operator=False),
    "update_conversation": interface.update_conversation(CONVERSATION, title="Title"),
}
# The same log, for clients that poll.
OTHERS = {("GET", "/v1/streams/{id}/log")}
OPEN = {"follow", "other"}  # whatever the path
# What the description calls by another name, or does not have a name for.
SCHEMA = {
    "Submitted": "Accepted",
    "Said": "TurnAccepted",
    "ListedConversation": "ConversationPage/data",
    "UsageRow": "Usage/data",
    "Timing": "KeptMessage/timing",
    "Step": "KeptMessage/steps",
    "Approval": "RelayApproval",
    "Fork": "Conversation/forked_from",
    "Match": "ConversationPage/data/match",
}


def _path(request: Request[Any]) -> str:
    return re.sub(r"/(st|cv)_1\b", "/{id}", request.path).replace("/toolu_1", "/{tool_use_id}")


def requests() -> dict[str, Request[Any]]:
    return {name: getattr(interface, name)(*given) for name, given in CALLS.items()} | NAMED


@pytest.mark.parametrize("name", sorted(requests()))
def test_each_call_is_described(name: str) -> None:
    request = requests()[name]
    path = _path(request)
    assert request.method.lower() in DESCRIBED["paths"][path]
    described = DESCRIBED["paths"][path][request.method.lower()].get("parameters", [])
    named = {found["name"] for found in map(_resolved, described) if found["in"] == "query"}
    assert set(request.params) <= named | ({"limit"} if name == "models" else set())


def test_each_call_is_among_them() -> None:
    functions = {name for name, found in getmembers(interface, isfunction) if found.__module__ == interface.__name__}
    assert {name for name in functions if not name.startswith("_")} == requests().keys() | OPEN


def test_each_call_that_is_described_there_is_one_of_ours() -> None:
    ours = {(one.method, _path(one)) for one in requests().values()}
    theirs = {
        (method.upper(), path)
        for path, methods in DESCRIBED["paths"].items()
        for method in methods
        if re.match(r"/v1/(streams|conversations|usage)\b", path) and method in ("get", "post", "patch", "delete")
    }
    assert theirs - ours == OTHERS


def test_what_is_not_given_is_not_sent() -> None:
    assert interface.submit("Hello").content == b'{"prompt":"Hello"}'
    assert (interface.submit("Hello").params, interface.submit("Hello").seconds) == ({}, None)
    assert interface.say(CONVERSATION, {"content": "x", "after": None}).content == b'{"content":"x","after":null}'
    assert interface.say(CONVERSATION, {"content": "x", "after": UNSET}).content == b'{"content":"x"}'
    assert interface.update_conversation(CONVERSATION, title=None, model=UNSET).content == b'{"title":null}'
    assert interface.usage(None, None, None, None).params == {}


def test_who_waits_for_an_ending_takes_no_silence_for_a_dead_connection() -> None:
    request = interface.submit("Hello", 7.5)
    assert request.params == {"wait": "7.5"}
    assert request.seconds is not None
    assert request.seconds > 7.5


def test_another_call_is_one_of_this_server() -> None:
    assert interface.other("GET", "/v1/queue", None, {"x": "1"}).params == {"x": "1"}
    with pytest.raises(ValueError, match="begin with a slash"):
        interface.other("GET", "http://there/", None, None)


@pytest.mark.parametrize("shape", [name for name, found in vars(shapes).items() if typing.is_typeddict(found)])
def test_a_shape_is_as_it_is_described(shape: str) -> None:
    """All that is described, by its name, and required where it is there."""
    described = _schema(SCHEMA.get(shape, shape))
    hints = get_type_hints(getattr(shapes, shape), include_extras=True)
    assert hints.keys() == described["properties"].keys()
    required = {name for name, hint in hints.items() if typing.get_origin(hint) is not NotRequired}
    assert required <= set(described.get("required", ()))


def _schema(place: str) -> Any:
    name, *inside = place.split("/")
    found = _resolved(DESCRIBED["components"]["schemas"][name])
    for one in inside:
        found = _resolved(found["properties"][one])
        found = _resolved(found.get("items", found))
    return found


def _resolved(found: Any) -> Any:
    while "$ref" in found:
        whole: Any = DESCRIBED
        for part in found["$ref"].removeprefix("#/").split("/"):
            whole = whole[part]
        found = whole
    return found


def test_values_of_json_are_asked_for_beside_a_ticket_as_well() -> None:
    assert interface.events(STREAM).params == {}
    assert interface.events(STREAM, partial=True).params == {"partial": "1"}
    assert interface.follow("https://k/v1/streams/st_1/events?ticket=t", partial=True).params == {"partial": "1"}
