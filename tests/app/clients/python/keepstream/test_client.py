"""Both clients are one: the same calls, taking the same and promising the same."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from app.clients.python.keepstream import (
    AsyncClient,
    AsyncConversations,
    AsyncEvents,
    Client,
    Conversations,
    Events,
)

PAIRS = [(Client, AsyncClient), (Conversations, AsyncConversations), (Events, AsyncEvents)]
# How one colour is called in the other.
COLOURS = {
    "AsyncClient": "Client",
    "AsyncConversations": "Conversations",
    "AsyncEvents": "Events",
    "AsyncGenerator": "Generator",
    "AsyncGiven": "Given",
    "AsyncWire": "Wire",
    "httpx.AsyncClient": "httpx.Client",
    "aclose": "close",
}


def calls(client: type) -> dict[str, Any]:
    found = {name: one for name, one in vars(client).items() if not name.startswith("_") or name == "__init__"}
    return {COLOURS.get(name, name): one for name, one in found.items()}


def told(function: Any) -> str:
    """A signature, as it would be in the other colour."""
    found = str(inspect.signature(function))
    for one, other in COLOURS.items():
        found = re.sub(rf"\b{re.escape(one)}\b", other, found)
    return found


@pytest.mark.parametrize(("blocking", "awaiting"), PAIRS)
def test_they_have_the_same_calls(blocking: type, awaiting: type) -> None:
    ours, theirs = calls(blocking), calls(awaiting)
    assert list(ours) == list(theirs)
    for name, one in ours.items():
        if inspect.isfunction(one):
            assert told(one) == told(theirs[name]), name
            assert (one.__doc__ or "") == (theirs[name].__doc__ or ""), name


@pytest.mark.parametrize("client", [one for pair in PAIRS for one in pair])
def test_each_call_says_what_it_is_for(client: type) -> None:
    bare = {name for name, one in calls(client).items() if inspect.isfunction(one) and not one.__doc__}
    assert bare <= {"__init__", "close", "aclose"}
