"""The finished Message, gathered from a stream's events as the SDK's `accumulate_event` would.

Pure, and cheap for each event: texts are gathered as parts and joined once. The rule: what is not understood is kept as
it came or left out, and never stops a stream. The frames in the log are the truth; this is their summary.
"""

from __future__ import annotations

from typing import Any

import orjson

# Where a delta's text goes: the type of its block (None: any that ends in `tool_use`), and its field in the delta.
_PARTS: dict[str, tuple[str | None, str]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "input_json_delta": (None, "partial_json"),
}
_TOLD_APART = frozenset({"type", "delta", "usage"})
_ALWAYS_SET = ("stop_reason", "stop_sequence", "stop_details")


class _Block:
    """A content block and the parts of its text, thinking or input that have come."""

    __slots__ = ("kind", "parts", "start")

    def __init__(self, start: dict[str, Any]) -> None:
        self.start = start
        self.kind = start.get("type")
        self.parts: list[str] = []

    def takes(self, kind: str | None) -> bool:
        return self.kind == kind if kind else str(self.kind).endswith("tool_use")

    def whole(self) -> dict[str, Any]:
        if not self.parts:
            return self.start
        joined = "".join(self.parts)
        if self.kind in ("text", "thinking"):
            return {**self.start, self.kind: str(self.start.get(self.kind) or "") + joined}
        return {**self.start, "input": _input(joined, self.start.get("input"))}


class Message:
    """One attempt's message, as far as it has come."""

    def __init__(self) -> None:
        self._start: dict[str, Any] | None = None
        self._blocks: list[_Block] = []
        self._usage: dict[str, Any] = {}
        self.closed = False

    @property
    def started(self) -> bool:
        return self._start is not None

    @property
    def stop_reason(self) -> str | None:
        reason = self._start.get("stop_reason") if self._start else None
        return reason if isinstance(reason, str) else None

    @property
    def usage(self) -> dict[str, Any] | None:
        """What the upstream last told of its use; final once `closed`."""
        return dict(self._usage) or None

    def add(self, event: Any) -> None:
        """Takes one event's data in."""
        try:
            kind = event["type"]
            if kind == "content_block_delta":
                self._delta(self._blocks[event["index"]], event["delta"])
            elif kind == "content_block_start":
                self._blocks.append(_Block(dict(event["content_block"])))
                self._model_of_fallback(event["content_block"])
            elif kind == "message_delta":
                self._merge(event)
            elif kind == "message_start" and self._start is None:
                start = dict(event["message"])
                self._usage = dict(start.get("usage") or {})
                self._start = start
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            return  # an event of a shape nobody knows yet

    def whole(self) -> dict[str, Any]:
        """The Message. Empty where none has begun."""
        if self._start is None:
            return {}
        return {**self._start, "content": [block.whole() for block in self._blocks], "usage": self._usage}

    def _delta(self, block: _Block, delta: dict[str, Any]) -> None:
        kind = delta["type"]
        if (target := _PARTS.get(kind)) is not None:
            if block.takes(target[0]):
                part = delta[target[1]]
                if isinstance(part, str):
                    block.parts.append(part)
        elif kind == "signature_delta" and block.kind == "thinking":
            block.start["signature"] = delta["signature"]
        elif kind == "citations_delta" and block.kind == "text":
            block.start["citations"] = [*(block.start.get("citations") or ()), delta["citation"]]
        elif kind == "compaction_delta" and block.kind == "compaction":
            block.start |= {name: value for name, value in delta.items() if name != "type"}

    def _merge(self, event: dict[str, Any]) -> None:
        """Counts of use are totals, so they replace; what is not told keeps what `message_start` said."""
        if self._start is None:
            return
        delta = event["delta"]
        self._start |= {name: delta.get(name) for name in _ALWAYS_SET if name in delta or name in self._start}
        self._start |= {name: value for name, value in delta.items() if value is not None and name not in _ALWAYS_SET}
        self._start |= {name: value for name, value in event.items() if value is not None and name not in _TOLD_APART}
        self._usage |= {name: value for name, value in (event.get("usage") or {}).items() if value is not None}
        self.closed = True

    def _model_of_fallback(self, block: dict[str, Any]) -> None:
        """The last fallback names the model that really answered."""
        if block.get("type") == "fallback" and self._start is not None:
            self._start["model"] = block["to"]["model"]


def _input(text: str, otherwise: Any) -> Any:
    """A tool's input. What max_tokens cut off is completed the way the SDK does it."""
    if not text:
        return otherwise
    try:
        return orjson.loads(text)
    except ValueError:  # also a lone surrogate
        from jiter import from_json  # noqa: PLC0415  # rarely needed

        try:
            return from_json(text.encode("utf-8", "surrogatepass"), partial_mode=True)
        except ValueError:
            return otherwise
