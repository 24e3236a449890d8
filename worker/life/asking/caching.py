"""The marks of prompt caching: up to where a prompt is kept upstream, so that the next call reads it for a tenth.

Pure. The rules: three marks at most (the API takes four): on the last tool, on the end of the system prompt and on the
end of the last user turn, which in a loop of tools is the newest results. None at all where the request has any of its
own: whoever sets one sets all. None on what the API refuses to mark (a tool that is loaded later, an empty text,
thinking), and none where what stands before it is surely less than the model keeps. All are of one time, so none of an
hour is behind one of five minutes.

What the client wrote keeps its bytes; a text that gets a mark becomes a block of text, and an object that gets one is
written anew around its members. A large body is for a thread: nothing here holds the interpreter for long at once (of
32 MiB: 15 ms to find a member, and the one copy is made without the lock).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain, repeat

import msgspec
import orjson

# What a text of English takes of UTF-8, in bytes; what is dearer per token, as code, is marked a little early, which
# the API takes without keeping anything.
BYTES_PER_TOKEN = 4
# Tokens before a mark below which a model keeps nothing: the API's page on prompt caching, September 2026. What is not
# known there is taken for the largest.
MINIMA: Mapping[str, int] = {
    "opus-5": 512, "fable-5": 512, "mythos-5": 512,
    "opus-4": 1024, "opus-4-1": 1024, "opus-4-8": 1024, "sonnet-4": 1024, "sonnet-4-5": 1024, "sonnet-5": 1024,
    "3-7-sonnet": 1024, "3-5-sonnet": 1024, "3-opus": 1024,
    "opus-4-7": 2048, "sonnet-4-6": 2048, "3-5-haiku": 2048, "3-haiku": 2048,
}  # fmt: skip
MINIMUM_OF_OTHERS = 4096

_NAME = re.compile(r"claude-(\d+(?:-\d)?-[a-z]+|[a-z]+-\d+(?:-\d{1,2}(?!\d))?)")
# Those from before there was prompt caching.
_WITHOUT = re.compile(r"claude-(?:instant|v?1|v?2|3-sonnet)")
_MARKS = {"5m": b'"cache_control":{"type":"ephemeral"}', "1h": b'"cache_control":{"type":"ephemeral","ttl":"1h"}'}
# As a whole text: inside of another one its quotes are escaped.
_OWN = b'"cache_control"'
# One of its letters, written as no encoder writes it.
_ESCAPED = re.compile(rb"\\u00(?:5f|6[13589cf]|6e|7[24])", re.IGNORECASE)
_PIECE = 1024 * 1024
_BLANK = re.compile(rb'"(?:[ \t]|\\[nrt])*+"')
_MARKABLE = {b'"text"', b'"image"', b'"document"', b'"search_result"', b'"tool_result"'}

Raw = msgspec.Raw
# JSON in pieces, to be joined once.
Parts = Sequence["bytes | memoryview | Raw"]
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_items = msgspec.json.Decoder(list[Raw]).decode


def marked(body: bytes, model: str, time_to_live: str) -> bytes:
    """The body of a Messages request with its marks; itself where there are none to set. `time_to_live`: 5m or 1h."""
    mark, least = _MARKS.get(time_to_live), minimum(model) * BYTES_PER_TOKEN
    if mark is None or "claude" not in model or _WITHOUT.search(model) or len(body) < least or has_marks(body):
        return body
    with suppress(msgspec.MsgspecError, RecursionError):  # the upstream will say what is wrong with it
        members = _members(body)
        placed = dict(_placed(members, mark, least))
        if placed:
            return b"".join(_object(members, placed))
    return body


def minimum(model: str) -> int:
    """How many tokens this model wants before a mark."""
    found = _NAME.search(model)
    return MINIMA.get(found[1], MINIMUM_OF_OTHERS) if found else MINIMUM_OF_OTHERS


def has_marks(body: bytes) -> bool:
    """Whether a request sets marks itself, wherever; also where that cannot be told at a glance."""
    for at in range(0, len(body), _PIECE):
        end = at + _PIECE + len(_OWN)
        if body.find(_OWN, at, end) >= 0 or (body.find(b"\\u00", at, end) >= 0 and _ESCAPED.search(body, at, end)):
            return True
    return False


def _placed(members: Mapping[str, Raw], mark: bytes, least: int) -> Iterable[tuple[str, Parts]]:
    """The members that get a mark, as they are with it; each counts what stands before its mark, in the API's order."""
    size = 0
    for name, place in (("tools", _tools), ("system", _content), ("messages", _messages)):
        value = members.get(name)
        if value is None:
            continue
        size += len(memoryview(value))
        if size >= least and (found := place(value, mark)) is not None:
            yield name, found


def _tools(value: Raw, mark: bytes) -> Parts | None:
    return _last(value, mark, lambda tool: bool(tool) and not _is(tool, "defer_loading", b"true"))


def _messages(value: Raw, mark: bytes) -> Parts | None:
    messages = _items(value)
    for place in range(len(messages) - 1, -1, -1):
        message = _members(messages[place])
        if _is(message, "role", b'"user"'):
            content = _content(message["content"], mark) if "content" in message else None
            return None if content is None else _list(messages, place, _object(message, {"content": content}))
    return None


def _content(value: Raw, mark: bytes) -> Parts | None:
    """A text, or a list of blocks."""
    match bytes(memoryview(value)[:1]):
        case b'"' if not _BLANK.fullmatch(value):
            return [b'[{"type":"text","text":', value, b",", mark, b"}]"]
        case b"[":
            return _last(value, mark, _is_markable)
    return None


def _is_markable(block: Mapping[str, Raw]) -> bool:
    kind = bytes(block["type"]) if "type" in block else b""
    return kind in _MARKABLE and (kind != b'"text"' or ("text" in block and not _BLANK.fullmatch(block["text"])))


def _last(value: Raw, mark: bytes, may: Callable[[Mapping[str, Raw]], bool]) -> Parts | None:
    """A list, with a mark on the last of its objects that may carry one."""
    items = _items(value)
    for place in range(len(items) - 1, -1, -1):
        if may(_members(items[place])):
            return _list(items, place, [memoryview(items[place])[:-1], b",", mark, b"}"])
    return None


def _is(members: Mapping[str, Raw], name: str, value: bytes) -> bool:
    return name in members and memoryview(members[name]) == value


def _list(items: Sequence[Raw], place: int, instead: Parts) -> Parts:
    before = chain.from_iterable(zip(items[:place], repeat(b",")))
    behind = chain.from_iterable(zip(repeat(b","), items[place + 1 :]))
    return [b"[", *before, *instead, *behind, b"]"]


def _object(members: Mapping[str, Raw], instead: Mapping[str, Parts]) -> Parts:
    parts: list[bytes | memoryview | Raw] = []
    for name, value in members.items():
        parts += [b"," if parts else b"{", orjson.dumps(name), b":", *instead.get(name, [value])]
    return [*parts, b"}"]
