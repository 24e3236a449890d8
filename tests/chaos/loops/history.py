"""What a log of a loop of tools says, held against the law of turns: a turn after the other, each call answered once
before the next turn, and nothing of two histories.

Pure. The rule: a `relay.reset` takes the turn away that it names, which is the newest and not yet whole; all before it
stays. Whatever does not follow from what stood before is a violation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from app.stream import frames
from tests.harness.reader import ViolationError

CALLS = "tool_use"
OF_A_MESSAGE = frozenset(
    {"content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"}
)


@dataclass
class Turn:
    """`calls` by their ids: name, and the input as it was written; `results`: the data of their `relay.tool`."""

    calls: dict[str, tuple[str, str]] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    text: str = ""
    stop_reason: str | None = None
    whole: bool = False
    raw: bytearray = field(default_factory=bytearray)
    blocks: dict[int, str] = field(default_factory=dict)

    @property
    def answered(self) -> bool:
        return self.whole and self.calls.keys() == self.results.keys()


class History:
    """`take` each frame of a log, or of what a reader kept of it. Raises `ViolationError`."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.head = bytearray()
        self.end: dict[str, Any] = {}
        self.resets = 0

    @classmethod
    def of(cls, data: bytes) -> History:
        made = cls()
        for frame in frames.split(data):
            made.take(frame)
        return made

    @property
    def kept(self) -> bytes:
        """What a reader has who forgot what it was told to forget."""
        return bytes(self.head) + b"".join(bytes(turn.raw) for turn in self.turns)

    @property
    def calls(self) -> dict[str, tuple[str, str]]:
        return {call: what for turn in self.turns for call, what in turn.calls.items()}

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        return {call: result for turn in self.turns for call, result in turn.results.items()}

    def take(self, frame: frames.Frame) -> None:
        if self.end:
            raise ViolationError(f"{frame.name} after the ending")
        # Lone surrogates are valid JSON, which orjson refuses.
        data = json.loads(frame.data) if frame.data else {}
        if frame.name == "relay.reset":
            self._forget(data)
            return
        match frame.name:
            case "message_start":
                self._begin()
            case "relay.tool":
                self._answer(data)
            case "relay.approval":
                self._ask(data)
            case "relay.end":
                self.end = data
            case name if name in OF_A_MESSAGE:
                self._say(str(name), data)
        (self.turns[-1].raw if self.turns else self.head).extend(frame.raw)

    def _begin(self) -> None:
        if self.turns and not (self.turns[-1].answered and self.turns[-1].stop_reason == CALLS):
            raise ViolationError(f"turn {len(self.turns) + 1} begins before turn {len(self.turns)} is done")
        self.turns.append(Turn())

    def _say(self, name: str, data: dict[str, Any]) -> None:
        if not self.turns or self.turns[-1].whole:
            raise ViolationError(f"{name} outside of a message")
        turn = self.turns[-1]
        match data:
            case {"type": "content_block_start", "index": index, "content_block": {"type": "tool_use"} as block}:
                if block["id"] in self.calls:
                    raise ViolationError(f"two calls are {block['id']}")
                turn.blocks[index] = block["id"]
                turn.calls[block["id"]] = block["name"], ""
            case {"type": "content_block_delta", "index": index, "delta": {"partial_json": part}}:
                called, written = turn.calls[turn.blocks[index]]
                turn.calls[turn.blocks[index]] = called, written + part
            case {"type": "content_block_delta", "delta": {"text": part}}:
                turn.text += part
            case {"type": "message_delta", "delta": {"stop_reason": reason}}:
                turn.stop_reason = reason
            case {"type": "message_stop"}:
                turn.whole = True

    def _answer(self, data: dict[str, Any]) -> None:
        turn, call = self._running(data, "a result")
        if call in turn.results:
            raise ViolationError(f"two results of {call}")
        turn.results[call] = data

    def _ask(self, data: dict[str, Any]) -> None:
        turn, call = self._running(data, "a question")
        if call in turn.asked or call in turn.results:
            raise ViolationError(f"asked twice of {call}, or too late")
        turn.asked.add(call)

    def _running(self, data: dict[str, Any], what: str) -> tuple[Turn, str]:
        call = data["tool_use_id"]
        if not self.turns or not self.turns[-1].whole or call not in self.turns[-1].calls:
            raise ViolationError(f"{what} for {call}, which is no call of the turn whose tools run")
        if data["name"] != self.turns[-1].calls[call][0]:
            raise ViolationError(f"{what} of {data['name']} for {call}, a call of {self.turns[-1].calls[call][0]}")
        return self.turns[-1], call

    def _forget(self, data: dict[str, Any]) -> None:
        turn = data.get("turn", 1)
        if turn != len(self.turns) or self.turns[-1].whole:
            raise ViolationError(f"turn {turn} is to be forgotten: {len(self.turns)} there are, and a whole one stays")
        self.resets += 1
        self.turns.pop()
        if not self.turns:
            self.head.clear()
