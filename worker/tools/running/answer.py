"""What a tool gave, as a model is told it: JSON, of a text or of content blocks, within its bytes.

Pure. The rule: a text and content blocks go as they are, every other value as its JSON; what is none is told as the
fault that it is, never half of it. What is too large is clipped, says so, and is a fault as well: a model that reasons
on half a table should know.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import re
from collections.abc import Mapping
from typing import Any

import orjson

# Of an exception's words: enough to act on, too little to fill a context.
WORDS_MAX = 2_000
# What is left for saying that the rest is missing.
NOTE_BYTES = 256
BLOCKS_MAX = 1_000
BLOCK_TYPES = frozenset({"text", "image", "document", "search_result", "tool_reference"})
_WITH_SOURCE = frozenset({"image", "document"})
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """`json` is what goes up as the result's `content`."""

    json: bytes
    is_error: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Blocks:
    """Content blocks of whoever has made them already, of an MCP server say."""

    blocks: list[dict[str, Any]]
    is_error: bool = False


class _NoContentError(ValueError):
    """Its words are for the model."""


def content_of(value: object, bytes_max: int) -> Content:
    """What is told of a value."""
    try:
        match value:
            case Content():
                return value
            case Blocks(blocks, is_error):
                return _of_blocks(blocks, bytes_max, is_error=is_error)
            case str():
                return _of_text(value, bytes_max)
            case list() | tuple() if value and all(map(_is_block, value)):
                return _of_blocks([dict(block) for block in value], bytes_max)
        return _of_text(_json(value), bytes_max)
    except _NoContentError as error:
        return fault(f"The tool's result cannot be told: {error}", bytes_max)


def fault(words: str, bytes_max: int) -> Content:
    """What went wrong, in words."""
    told = _SURROGATE.sub("\ufffd", words[: WORDS_MAX + 1])
    if len(words) > WORDS_MAX:
        told = told[:WORDS_MAX] + "…"
    return Content(_of_text(told, bytes_max).json, is_error=True)


def _of_text(text: str, bytes_max: int) -> Content:
    told = _text_json(text)
    if len(told) <= bytes_max:
        return Content(told)
    return Content(_text_json(_clipped(text, bytes_max)), is_error=True)


def _of_blocks(blocks: list[dict[str, Any]], bytes_max: int, *, is_error: bool = False) -> Content:
    # The API takes no text block without text.
    blocks = [block for block in blocks if block.get("type") != "text" or str(block.get("text")).strip()]
    sizes = [len(_json(block).encode()) + 1 for block in blocks]
    if sum(sizes) + 1 <= bytes_max and len(blocks) <= BLOCKS_MAX:
        return Content(_json(blocks).encode(), is_error)
    kept: list[dict[str, Any]] = []
    room = bytes_max - NOTE_BYTES
    for block, size in zip(blocks[:BLOCKS_MAX], sizes, strict=False):
        if size > room:
            if block.get("type") == "text" and room > 2 * NOTE_BYTES:
                kept.append({"type": "text", "text": _clipped(block["text"], room)})
            break
        kept.append(block)
        room -= size
    missing = len(blocks) - len(kept)
    if missing:
        kept.append({"type": "text", "text": f"[clipped: {missing} of {len(blocks)} blocks have no room here]"})
    return Content(_json(kept).encode(), is_error=True)


def _clipped(text: str, bytes_max: int) -> str:
    """As much of its beginning as has room as JSON, and a word of how much is missing."""
    room = max(bytes_max - NOTE_BYTES, 0)
    kept = text[:room]
    while (size := len(_text_json(kept))) > room and kept:
        kept = kept[: len(kept) * room // size]
    return f"{kept}\n[clipped: the result has {len(text)} characters, of which {len(kept)} are shown]"


def _is_block(value: object) -> bool:
    """What else has a `type` is somebody's data."""
    if not isinstance(value, Mapping):
        return False
    kind = value.get("type")
    if kind == "text":
        return isinstance(value.get("text"), str)
    return kind in BLOCK_TYPES and (kind not in _WITH_SOURCE or isinstance(value.get("source"), Mapping))


def _text_json(text: str) -> bytes:
    try:
        return orjson.dumps(text)
    except TypeError:
        raise _NoContentError("it holds half of a surrogate pair, which no UTF-8 can carry") from None


def _json(value: object) -> str:
    """Python's own: it says what a circle is, and what is no number, where orjson writes null."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_otherwise)
    except _NoContentError:
        raise
    except RecursionError:
        raise _NoContentError("it is nested too deeply") from None
    except (TypeError, ValueError) as error:  # its words are Python's own, and quote no more than a number or a class
        raise _NoContentError(str(error)[:WORDS_MAX]) from None
    if _SURROGATE.search(text):
        raise _NoContentError("it holds half of a surrogate pair, which no UTF-8 can carry")
    return text


def _otherwise(value: object) -> object:
    """What Python's own does not know and everybody takes for JSON all the same."""
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if callable(moment := getattr(value, "isoformat", None)) and not isinstance(value, type):
        return moment()
    match value:
        case Mapping():
            return dict(value)
        case set() | frozenset():
            return list(value)
        case enum.Enum():
            return value.value
        case os.PathLike():
            return os.fspath(value)
    raise _NoContentError(f"{type(value).__name__[:64]} is neither text, JSON nor content blocks")
