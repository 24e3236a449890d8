"""What a stream's events amount to: the answer as it stands. Pure; the JavaScript client's `reduce` means the same.

The rule: it takes whatever comes; an event that it does not know changes nothing.

    answer = Answer()
    for event in client.events(stream_id):
        answer.take(event)
    print(answer.text)
"""

from __future__ import annotations

import json
from typing import Any

from .events import Approval, End, Event, Partial, Reset, ToolResult

# Into which field of its block a delta goes; the others are named as their field is.
_FIELDS = {"input_json_delta": "partial_json"}

Block = dict[str, Any]


class Answer:
    """An answer as it grows. `turns`: its blocks turn by turn, each as in a Message; where no worker runs tools, one.

    A tool's call has in `result` what `relay.tool` said, once a worker ran it. Of JSON that is read with `partial` its
    block has in `value` what there is so far. `approvals`: the calls that wait for a person's word (`approve`).
    """

    def __init__(self) -> None:
        self.turns: list[list[Block]] = []
        self.approvals: list[Approval] = []

    @property
    def blocks(self) -> list[Block]:
        """Those of all turns."""
        return [block for turn in self.turns for block in turn]

    @property
    def text(self) -> str:
        """That of all turns, with a blank line between two. Of the Message alone it is the last turn's."""
        texts = ("".join(block.get("text", "") for block in turn if block.get("type") == "text") for turn in self.turns)
        return "\n\n".join(text for text in texts if text)

    def take(self, event: Event) -> None:
        match event:
            case Event(type="message_start"):
                self.turns.append([])
            case Event("content_block_start", {"index": int(index), "content_block": dict(block)}):
                self._begin(index, block)
            case Event("content_block_delta", {"index": int(index), "delta": {"type": str(kind)} as delta}):
                self._grow(index, kind, delta)
            case Event("content_block_stop", {"index": int(index)}):
                self._finish(index)
            case _:
                self._relayed(event)

    def _relayed(self, event: Event) -> None:
        match event:
            case Reset():
                # A turn that breaks begins again alone: those before it stand, and so do their tools' results.
                self.turns, self.approvals = self.turns[: event.turn - 1 if event.turn else 0], []
            case ToolResult(tool_use_id=decided):
                self._decided(decided)
                for block in self.blocks:
                    if block.get("id") == decided:
                        block["result"] = event.data
            case Approval(tool_use_id=asked):
                self._decided(asked)
                self.approvals.append(event)
            case Partial() if (written := self._block(event.index)) is not None:
                written["value"] = event.value
            case End():
                self.approvals = []

    def _block(self, index: int) -> Block | None:
        turn = self.turns[-1] if self.turns else []
        return turn[index] if index < len(turn) else None

    def _begin(self, index: int, block: Block) -> None:
        if not self.turns:
            self.turns.append([])
        turn = self.turns[-1]
        turn.extend({} for _ in range(index + 1 - len(turn)))
        turn[index] = block

    def _grow(self, index: int, kind: str, delta: dict[str, Any]) -> None:
        block = self._block(index)
        if block is None:
            return
        if "citation" in delta:
            block["citations"] = [*(block.get("citations") or ()), delta["citation"]]
            return
        field = _FIELDS.get(kind, kind.removesuffix("_delta"))
        if isinstance(more := delta.get(field), str):
            block[field] = (block.get(field) or "") + more

    def _finish(self, index: int) -> None:
        block = self._block(index)
        if block is None or "partial_json" not in block:
            return
        try:
            block["input"] = json.loads(block["partial_json"])
        except (ValueError, RecursionError):
            return  # it was cut off at the answer's limit: it stays as it came
        del block["partial_json"]

    def _decided(self, tool_use_id: str) -> None:
        self.approvals = [one for one in self.approvals if one.tool_use_id != tool_use_id]
