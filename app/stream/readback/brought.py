"""What a stream's newest call had brought, read back from its log: for who closes the line of a call that it did not
make.

The rule: it comes to the same as what the call's own worker would have said of it, as far as the log goes; an event of
a shape that nobody knows adds nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from app.stream import frames
from app.stream.ledger.usage import Brought
from app.stream.log import Log
from app.stream.readback.newest import Ask, pieces
from app.stream.readback.values import parse

# What is said in a delta, by its type, and the type of its block (None: any that ends in `tool_use`).
_SAID: dict[str, tuple[str, str | None]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "input_json_delta": ("partial_json", None),
}


class Bringing:
    """Built from whole frames, in order."""

    def __init__(self) -> None:
        self._start: dict[str, Any] | None = None
        self._usage: dict[str, Any] = {}
        self._kinds: dict[Any, str] = {}
        self._said = 0
        self._counted: int | None = None
        self._whole = False

    def take(self, data: bytes) -> None:
        for frame in frames.split(data):
            if frame.name == "relay.reset" or (self._whole and frame.name == "message_start"):  # of a later turn
                self.__init__()  # type: ignore[misc]  # what was before is another call's
            if frame.name is None or frame.name.startswith("relay."):
                continue
            self._whole = self._whole or frame.name == "message_stop"
            event = parse(frame.data)
            if isinstance(event, dict):
                self._event(event)

    @property
    def brought(self) -> Brought:
        if self._start is None:
            return Brought(whole=self._whole)
        return Brought(
            model=_text(self._start.get("model")),
            usage=orjson.dumps(self._usage) if self._usage else None,
            stop_reason=_text(self._start.get("stop_reason")),
            output_bytes=self._said,
            counted=self._said == self._counted,
            whole=self._whole,
        )

    def _event(self, event: dict[str, Any]) -> None:
        match event:
            case {"type": "message_start", "message": dict(start)} if self._start is None:
                self._start = start
                self._usage = dict(usage) if isinstance(usage := start.get("usage"), dict) else {}
            case {"type": "message_delta", "delta": dict(delta)} if self._start is not None:
                self._start |= {name: delta[name] for name in ("stop_reason",) if name in delta}
                self._tell(event.get("usage"))
            case {"type": "content_block_start", "content_block": dict(block)}:
                self._begin(event.get("index"), block)
            case {"type": "content_block_delta", "index": index, "delta": dict(delta)}:
                self._delta(index, delta)

    def _tell(self, usage: Any) -> None:
        told = {name: value for name, value in usage.items() if value is not None} if isinstance(usage, dict) else {}
        self._usage |= told
        if "output_tokens" in told:
            self._counted = self._said

    def _begin(self, index: Any, block: dict[str, Any]) -> None:
        if isinstance(index, bool) or not isinstance(index, int | float):
            index = max(self._kinds, default=-1) + 1
        kind = str(block.get("type"))
        self._kinds[index] = kind
        if kind in ("text", "thinking"):
            self._say(block.get(kind))
        elif kind == "fallback" and self._start is not None:  # it names the model that really answers
            answers = block.get("to")
            self._start |= {"model": answers.get("model")} if isinstance(answers, dict) and "model" in answers else {}

    def _delta(self, index: Any, delta: dict[str, Any]) -> None:
        name, of = _SAID.get(str(delta.get("type")), ("", ""))
        kind = self._kinds.get(index, "") if isinstance(index, int | float) else ""
        if kind == of or (of is None and kind.endswith("tool_use")):
            self._say(delta.get(name))

    def _say(self, text: Any) -> None:
        if isinstance(text, str):
            self._said += len(text.encode(errors="surrogatepass"))


async def brought_of(log: Log, stream_id: str, most: float = float("inf")) -> Brought:
    """What stands of the newest attempt, as far as its first `most` bytes."""
    return await brought_by(partial(log.peek, stream_id), most)


async def brought_by(ask: Ask, most: float = float("inf")) -> Brought:
    found = Bringing()
    async for data in pieces(ask, most):
        found.take(data)
    return found.brought


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
