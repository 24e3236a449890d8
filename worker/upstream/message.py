"""The Message, gathered from a stream's events as the SDK's `accumulate_event` would, whole or as far as it has come.

Pure, and cheap for each event: texts are gathered as parts. The rule: blocks stand by their index; what is not text of
the model's is kept as the very bytes that came (a number keeps its digits); what is not understood is kept as it came
or left out, and never stops a stream. The frames in the log are the truth; this is their summary.
"""

from __future__ import annotations

import sys
from typing import Any

import orjson

from app.stream.ledger.usage import Brought
from worker.rawjson import json_text, unreadable
from worker.rawjson.codec import NotJSONError, loads

# Where a delta's text goes: the type of its block (None: any that ends in `tool_use`), and its field in the delta.
_PARTS: dict[str, tuple[str | None, str]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "input_json_delta": (None, "partial_json"),
}
_TOLD_APART = frozenset({"type", "delta", "usage"})
_ALWAYS_SET = ("stop_reason", "stop_sequence", "stop_details")
# So many parts are joined to one: a part of three letters takes 60 bytes by itself.
PARTS_MAX = 512
PART_BYTES = 80

_NULL = b"null"


class _Block:
    """A content block: what it began with, and the parts of its text, thinking or input that have come."""

    __slots__ = ("counted", "index", "joined", "joined_bytes", "joined_said", "kind", "letters", "members", "parts")

    def __init__(self, index: float, kind: object, members: json_text.Members) -> None:
        self.index = index
        self.kind = kind
        self.members = members
        self.parts: list[str] = []
        self.counted = self.letters = 0  # of the parts: how many are, and what they have
        self.joined: list[str] = []
        self.joined_bytes = self.joined_said = 0

    def takes(self, kind: str | None) -> bool:
        return self.kind == kind if kind else str(self.kind).endswith("tool_use")

    def join(self) -> None:
        self.joined.append("".join(self.parts))
        self.joined_bytes += sys.getsizeof(self.joined[-1])
        self.joined_said += _utf8(self.joined[-1])
        self.parts.clear()
        self.counted = self.letters = 0

    @property
    def memory_bytes(self) -> int:
        """Asked for all streams with each question at the gate: only what is new is counted, and not as it comes."""
        self.letters += sum([len(part) for part in self.parts[self.counted :]])
        self.counted = len(self.parts)
        return self.joined_bytes + self.letters + PART_BYTES * len(self.parts)

    @property
    def said(self) -> int:
        """How many bytes of UTF-8 its text, thinking or input has. Not asked for as it comes."""
        begun = _value(self.members.get(self.kind)) if self.kind in ("text", "thinking") else None
        return self.joined_said + _utf8("".join(self.parts)) + (_utf8(begun) if isinstance(begun, str) else 0)

    def whole(self, *, readable: bool = False) -> bytes:
        """As it stands; `readable`: the input of a tool of the client's is an object, whatever the model wrote."""
        told = "".join(self.joined + self.parts)
        if not told:
            return json_text.assemble(self.members)
        if self.kind in ("text", "thinking"):
            begun = _value(self.members.get(self.kind))
            text = begun + told if isinstance(begun, str) else told
            return json_text.assemble({**self.members, self.kind: json_text.text(text)})
        if readable and self.kind == "tool_use" and not _is_object(told):
            return json_text.assemble({**self.members, "input": unreadable.wrapped(told)})
        return json_text.assemble({**self.members, "input": _input(told, self.members.get("input", _NULL))})


class GatheredMessage:
    """One attempt's message, as far as it has come."""

    def __init__(self) -> None:
        self._start: json_text.Members | None = None
        self._blocks: list[_Block] = []
        self._by_index: dict[float, _Block] = {}  # the newest of those with one index
        self._usage: json_text.Members = {}
        self._counted = False  # the upstream has told of all output so far

    @property
    def started(self) -> bool:
        return self._start is not None

    @property
    def stop_reason(self) -> str | None:
        reason = _value(self._start.get("stop_reason")) if self._start else None
        return reason if isinstance(reason, str) else None

    @property
    def usage(self) -> dict[str, Any] | None:
        """What the upstream last told of its use, as values to reckon with."""
        return {name: _value(value) for name, value in self._usage.items()} or None

    @property
    def said(self) -> int:
        """How many bytes of text, thinking and tool input have come."""
        return sum([block.said for block in self._blocks])

    def brought(self, *, whole: bool) -> Brought:
        """What the call has brought by now; `whole`: its `message_stop` has come."""
        if self._start is None:
            return Brought(whole=whole)
        model = _value(self._start.get("model"))
        return Brought(
            model=model if isinstance(model, str) else None,
            usage=json_text.assemble(self._usage) if self._usage else None,
            stop_reason=self.stop_reason,
            output_bytes=self.said,
            counted=self._counted,
            whole=whole,
        )

    @property
    def memory_bytes(self) -> int:
        """How many bytes of memory it takes, about."""
        return sum([block.memory_bytes for block in self._blocks])

    def add(self, event: Any, data: bytes) -> None:
        """Takes one event in: its value, and the JSON it was read from."""
        try:
            kind = event["type"]
            if kind == "content_block_delta":
                self._delta(self._by_index[event["index"]], event["delta"], data)
            elif kind == "content_block_start":
                self._begin(event, json_text.members(data)["content_block"])
            elif kind == "message_delta":
                self._merge(json_text.members(data))
            elif kind == "message_start" and self._start is None:
                start = json_text.members(json_text.members(data)["message"])
                if start:
                    self._usage = json_text.members(start.get("usage", _NULL))
                    self._start = start
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            return  # an event of a shape nobody knows yet

    def json(self, *, readable: bool = False) -> bytes | None:
        """The Message as JSON. None where none has begun, and for one that is nested more deeply than can be read.

        `readable`: an input that is no JSON object is not completed as if it were one, but stands in one: such a call
        must not run, and can be sent back.
        """
        if self._start is None:
            return None
        blocks = sorted(self._blocks, key=lambda block: block.index)
        content = json_text.array([block.whole(readable=readable) for block in blocks])
        whole = json_text.assemble({**self._start, "content": content, "usage": json_text.assemble(self._usage)})
        return whole if json_text.is_readable(whole) else None

    def _begin(self, event: dict[str, Any], data: bytes) -> None:
        members, index = json_text.members(data), event.get("index")
        if not members:
            return
        if isinstance(index, bool) or not isinstance(index, int | float):
            index = max(self._by_index, default=-1) + 1
        block = self._by_index[index] = _Block(index, event["content_block"].get("type"), members)
        self._blocks.append(block)
        self._counted = self._counted and not block.said
        if block.kind == "fallback" and self._start is not None:  # the last one names the model that really answered
            self._start["model"] = json_text.members(members["to"])["model"]

    def _delta(self, block: _Block, delta: dict[str, Any], data: bytes) -> None:
        kind = delta["type"]
        if (target := _PARTS.get(kind)) is not None:
            if block.takes(target[0]):
                part = delta[target[1]]
                if isinstance(part, str):
                    block.parts.append(part)
                    if part:
                        self._counted = False
                    if len(block.parts) >= PARTS_MAX:
                        block.join()
            return
        told = json_text.members(json_text.members(data)["delta"])
        if kind == "signature_delta" and block.kind == "thinking":
            block.members["signature"] = told["signature"]
        elif kind == "citations_delta" and block.kind == "text":
            block.members["citations"] = json_text.extended(block.members.get("citations"), told["citation"])
        elif kind == "compaction_delta" and block.kind == "compaction":
            block.members |= {name: value for name, value in told.items() if name != "type"}

    def _merge(self, event: json_text.Members) -> None:
        """Counts of use are totals, so they replace; what is not told keeps what `message_start` said."""
        start = self._start
        if start is None or event["delta"][:1] != b"{":
            return
        delta = json_text.members(event["delta"])
        start |= {name: delta.get(name, _NULL) for name in _ALWAYS_SET if name in delta or name in start}
        start |= _told(delta, _ALWAYS_SET)
        start |= _told(event, _TOLD_APART)
        usage = _told(json_text.members(event.get("usage", _NULL)), ())
        self._usage |= usage
        self._counted = self._counted or "output_tokens" in usage


def _utf8(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def _told(found: json_text.Members, but: Any) -> json_text.Members:
    return {name: value for name, value in found.items() if value != _NULL and name not in but}


def _value(data: bytes | None) -> Any:
    """The value of some JSON; None for what Python cannot hold."""
    try:
        return None if data is None else loads(data)
    except NotJSONError:
        return None


def _is_object(told: str) -> bool:
    data = json_text.escaped(told).strip()
    return data[:1] == b"{" and json_text.complete(data) == data


def _input(told: str, otherwise: bytes) -> bytes:
    """A tool's input, in its own digits. What max_tokens cut off is completed the way the SDK does it."""
    data = json_text.escaped(told)
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:  # also half of a surrogate pair, or deeper than a parser goes
        return json_text.complete(data) or otherwise
    return data
