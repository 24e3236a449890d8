"""What goes up: a prompt as it was stored, and what goes with it.

The rule: a prompt is bytes. What a client wrote goes up as it was written (numbers of any size, the order of keys, the
spaces); only `stream` is ours. Nobody here builds a value of it: its cost would be the client's to choose. Pure.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import msgspec
import orjson

# Written at once; between two of them others have their turn.
PIECE_BYTES = 128 * 1024
# The token as it stands in every JSON text that may have such a key; in a longer text it would be escaped.
_STREAM = b'"stream"'
_OPENING = re.compile(rb"\s*\{")
_EMPTY = re.compile(rb"\s*\{\s*\}")
# Its values are not looked into.
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask: the Messages API's body, headers that go up as the client sent them, and the query."""

    model: str
    body: bytes
    headers: Mapping[str, str]
    query: str


class Upload:
    """A body on its way, in pieces; it can be read again, where an answer sends us to another place. Sizes in bytes."""

    def __init__(self, body: bytes) -> None:
        self._parts = streaming(body)
        self.size = sum(map(len, self._parts))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            for at in range(0, len(part), PIECE_BYTES):
                yield bytes(part[at : at + PIECE_BYTES])


def is_object(body: bytes) -> bool:
    """Whether it looks like a JSON object, as it did when it was taken; more can only the upstream judge."""
    return _OPENING.match(body) is not None and body.rstrip().endswith(b"}")


def streaming(body: bytes) -> tuple[memoryview, bytes]:
    """The body of one JSON object that asks for a stream, in parts.

    What it says of `stream` itself, wherever that stands and however often, is replaced.
    """
    if _STREAM in body:
        with suppress(msgspec.MsgspecError, RecursionError):  # the upstream will say what is wrong with it
            members = _members(body)
            if members.pop("stream", None) is not None:
                body = b"{%b}" % b",".join(b"%b:%b" % (orjson.dumps(name), value) for name, value in members.items())
    begun = memoryview(body)[: body.rindex(b"}")]
    return begun, b'"stream":true}' if _EMPTY.match(body) else b',"stream":true}'
