"""The JSON blocks of a log, read frame by frame, and the values that are made of them.

Pure, and without a clock. The law: a value names the place up to which the log says it; all values stand in the order
of their places. A block has one value that counts, its newest, and that stays when the block is whole: so who reads an
old log is told one for each block. An event of a shape that nobody knows adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.fanout.shaping.growing import Growing
from app.stream.frames import Frame, Position, parse_id, split
from app.stream.readback.values import parse

# Of values of blocks that are whole; beyond it the oldest are forgotten, for who comes later.
KEPT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Value:
    """What a block says up to `after`, as the event that a reader is shown. `number` counts all values of a log."""

    number: int
    after: Position
    event: bytes


@dataclass(slots=True)
class Block:
    """A block that is under way. `fresh`: it has grown since its value was made."""

    index: int
    text: Growing
    fresh: bool = False
    said: bytes | None = None
    value: Value | None = None


class Blocks:
    """The blocks of one log, of which whole frames are given in order, from `position` on."""

    def __init__(self, position: Position) -> None:
        self.position = position
        self.number = 0  # of the newest value
        self._blocks: dict[int, Block] = {}
        self._values: dict[int, Value] = {}  # by their numbers, oldest first
        self._kept = 0
        # The first number that a value of the newest message may have.
        self._message = 1

    def start_over(self, position: Position) -> None:
        """Forgets everything: what follows is another history, and begins at `position`."""
        self.position = position
        self._begin()
        self._forget()

    def take(self, data: bytes, end: Position) -> None:
        """The next frames. What is whole in them has its value; of the rest one is made when it is asked for."""
        before: str | None = None
        for frame in split(data):
            self._frame(frame, self.position if before is None else before)
            before = frame.id
        self.position = end

    @property
    def fresh(self) -> bool:
        """Whether there is more to say than was said."""
        return any(block.fresh for block in self._blocks.values())

    def say(self) -> bool:
        """Makes the values that are due. Whether there are any that say more than before."""
        made = [self._make(block, self.position) for block in self._blocks.values() if block.fresh]
        return any(made)

    def seen_at(self, position: Position) -> int:
        """The number of the last value that a reader who comes to `position` needs no more.

        Those of the newest message tell it where it stands, also where their places lie behind it.
        """
        numbers = (value.number for value in self._values.values() if value.after.offset <= position.offset)
        return min(max(numbers, default=0), self._message - 1)

    def after(self, number: int, position: Position) -> list[Value]:
        """The values above `number` whose places lie at or before `position`, in order."""
        newer: list[Value] = []
        for value in reversed(self._values.values()):
            if value.number <= number:
                break
            if value.after.offset <= position.offset:
                newer.append(value)
        newer.reverse()
        return newer

    def _frame(self, frame: Frame, before: Position | str) -> None:
        match frame.name:
            case "content_block_delta" | "content_block_start" | "content_block_stop":
                event = parse(frame.data)
                if isinstance(event, dict) and type(event.get("index")) is int:
                    self._event(frame.name, event["index"], event, frame.id)
            case "message_start":
                self._begin()
            case "relay.reset":
                self._begin()
                said = parse(frame.data)
                if not (isinstance(said, dict) and "turn" in said):  # else the turns before it stand
                    self._forget()
            case "relay.end":  # behind which nothing is said
                for block in self._blocks.values():
                    if block.fresh:
                        self._make(block, before)

    def _begin(self) -> None:
        self._blocks.clear()
        self._message = self.number + 1

    def _event(self, name: str, index: int, event: dict[str, Any], frame_id: str) -> None:
        match name, event:
            case "content_block_start", {"content_block": dict(started)}:
                self._blocks[index] = Block(index, Growing())
                if started.get("type") == "text":
                    self._add(index, started.get("text"))
            case "content_block_delta", {"delta": {"type": "text_delta", "text": text}}:
                self._add(index, text)
            case "content_block_delta", {"delta": {"type": "input_json_delta", "partial_json": text}}:
                self._add(index, text)
            case "content_block_stop", _ if (block := self._blocks.pop(index, None)) is not None:
                self._make(block, frame_id, whole=True)
                while self._kept > KEPT_BYTES:
                    self._drop(next(iter(self._values.values())))

    def _add(self, index: int, text: Any) -> None:
        block = self._blocks.get(index)
        if block is not None and text and isinstance(text, str) and not block.text.over:
            block.text.add(text)
            block.fresh = not block.text.over

    def _make(self, block: Block, place: Position | str, *, whole: bool = False) -> bool:
        block.fresh = False
        said = block.text.value(whole=whole)
        if said is None and whole:
            said = block.text.value()  # it was cut off
        if said is None or said == block.said:
            return False
        if block.value is not None:
            self._drop(block.value)
        self.number += 1
        event = b'event: relay.partial\ndata: {"index":%d,"value":%b}\n\n' % (block.index, said)
        value = Value(self.number, place if isinstance(place, Position) else parse_id(place), event)
        self._values[value.number] = block.value = value
        self._kept += len(event)
        block.said = said
        return True

    def _forget(self) -> None:
        self._values.clear()
        self._kept = 0

    def _drop(self, value: Value) -> None:
        if self._values.pop(value.number, None) is not None:
            self._kept -= len(value.event)


def joined(data: bytes, end: Position, values: list[Value]) -> Iterator[bytes | Value]:
    """`data`, whole frames that end at `end`, with each of `values` right behind the frame that is its place.

    A value of another history, whose place is none here, is left out.
    """
    start, at = end.offset - len(data), 0
    for value in values:
        cut = value.after.offset - start
        if cut > at:
            if not data.startswith(value.after.proof, max(at, cut - len(value.after.proof))):
                continue
            yield data[at:cut]
            at = cut
        yield value
    if at < len(data):
        yield data[at:]
