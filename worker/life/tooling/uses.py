"""The calls of tools in a turn's Message, and which of them are ours to run.

Pure. The rule: a call is the client's where its request has a tool of that name, and ours in every other case: a name
that the model made up gets an answer like any other call. Only a Message that says that it ends for its tools has calls
to run: one that was cut may have cut an input.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec

from worker.life.tooling.turns import Turns
from worker.rawjson import json_text
from worker.rawjson.codec import as_text

# The stop reasons after which a turn follows: for the results, or because the upstream wants to go on by itself.
CALLS, PAUSED = "tool_use", "pause_turn"
_USE = b'"tool_use"'


class DoubledError(ValueError):
    """The upstream called two calls alike: their results could not be told apart."""


@dataclass(frozen=True, slots=True)
class Use:
    """A call: `input` is the JSON that the model wrote; `theirs`: the client is to run it."""

    id: str
    name: str
    input: bytes
    theirs: bool


def uses_in(message: bytes, theirs: Collection[str]) -> tuple[Use, ...]:
    """The calls of a Message, in their order. Raises `DoubledError`."""
    found = []
    for block in json_text.items(json_text.members(message).get("content", b"")):
        members = json_text.members(block)
        if members.get("type") == _USE:
            name = as_text(members.get("name"))
            found.append(Use(as_text(members.get("id")), name, members.get("input", b"{}"), name in theirs))
    ids = {use.id for use in found}
    if len(ids) < len(found) or "" in ids:
        raise DoubledError
    return tuple(found)


def goes_on(stop_reason: str | None, uses: Collection[Use]) -> bool:
    """Whether the turn is followed by something of ours: by tools that run, or by the rest of what was paused."""
    return (stop_reason == CALLS and any(not use.theirs for use in uses)) or stop_reason == PAUSED


def tools_of(body: bytes) -> frozenset[str]:
    """The names of the client's own tools."""
    found = json_text.items(members_of(body).get("tools", b""))
    return frozenset(as_text(json_text.members(tool).get("name")) for tool in found)


def members_of(body: bytes) -> Mapping[str, bytes]:
    """The members of a request, which may be long, each as it stands."""
    try:
        return {name: bytes(value) for name, value in _decoder.decode(body).items()}
    except (msgspec.MsgspecError, RecursionError):  # whatever the upstream makes of it
        return json_text.members(body)


def collide(turns: Turns, uses: Collection[Use]) -> bool:
    """Whether a call has the name of one before it, whose result would be taken for its own."""
    return any(use.id in turns.results for use in uses)


_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
