"""What stands of an answer that never was whole: the content blocks of a log's newest attempt, as far as they came.

The rule: what people saw is kept, block by block as they came, and is never said to be whole. An event of a shape that
nobody knows adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from app.stream import frames
from app.stream.log import Log
from app.stream.readback.newest import pieces
from app.stream.readback.values import parse

Block = dict[str, Any]

# Where a delta's text goes in its block, and where it stands in the delta.
_TEXTS = {"text_delta": ("text", "text"), "thinking_delta": ("thinking", "thinking")}


class PartialMessage:
    """Built from whole frames, in order. (What a worker gathers from its own call is a `GatheredMessage`.)"""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[float, Block] = {}
        self._parts: dict[float, list[str]] = {}
        self._stopped = False

    def take(self, data: bytes) -> None:
        for frame in frames.split(data):
            if frame.name == "relay.reset" or (self._stopped and frame.name == "message_start"):  # of a later turn
                self.__init__()  # type: ignore[misc]  # forgets everything
            self._stopped = self._stopped or frame.name == "message_stop"
            if frame.name is not None and not frame.name.startswith("relay."):
                event = parse(frame.data)
                if isinstance(event, dict):
                    self._event(event)

    @property
    def content(self) -> list[Block]:
        """The blocks, by their index; without those that say nothing."""
        return [block for block in self._whole() if block.get("type") != "text" or str(block.get("text") or "").strip()]

    @property
    def message(self) -> dict[str, Any] | None:
        """The Message, as far as it came; None where there is nothing of it."""
        if not self._message and not self._blocks:
            return None
        return {"id": "", "type": "message", "role": "assistant"} | self._message | {"content": self.content}

    def _whole(self) -> Iterator[Block]:
        for index, block in sorted(self._blocks.items()):
            told = "".join(self._parts[index])
            kind = block.get("type")
            if not told:
                yield block
            elif kind in ("text", "thinking"):
                yield block | {kind: str(block.get(kind) or "") + told}
            else:
                value = parse(told.encode("utf-8", "surrogatepass"))
                yield block | ({"input": value} if isinstance(value, dict) else {})

    def _event(self, event: dict[str, Any]) -> None:
        index, delta = _index(event.get("index")), event.get("delta")
        match event.get("type"):
            case "message_start" if isinstance(event.get("message"), dict):
                self._message = dict(event["message"])
            case "message_delta" if isinstance(delta, dict):
                self._message |= {name: value for name, value in delta.items() if value is not None}
            case "content_block_start" if isinstance(event.get("content_block"), dict):
                self._blocks[index], self._parts[index] = dict(event["content_block"]), []
            case "content_block_delta" if isinstance(delta, dict):
                self._delta(index, delta)

    def _delta(self, index: float, delta: dict[str, Any]) -> None:
        kind = str(delta.get("type"))
        field, told = _TEXTS.get(kind, ("input", "partial_json"))
        if index not in self._blocks:
            if kind != "text_delta":
                return
            self._blocks[index], self._parts[index] = {"type": "text", "text": ""}, []  # its start is not there
        block = self._blocks[index]
        if kind == "signature_delta":
            block["signature"] = delta.get("signature")
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta.get("citation")]
        elif (field == "input" or field == block.get("type")) and isinstance(delta.get(told), str):
            self._parts[index].append(delta[told])


def _index(told: Any) -> float:
    return told if isinstance(told, int | float) and not isinstance(told, bool) else 0


async def partial_of(log: Log, stream_id: str) -> PartialMessage:
    """What stands of a stream's newest attempt, from its log."""
    found = PartialMessage()
    async for data in pieces(partial(log.read, stream_id)):
        found.take(data)
    return found
