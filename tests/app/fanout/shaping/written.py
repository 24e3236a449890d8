"""What these tests share: events of an answer, a log that is written by hand, and a reader who is shown its values."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app.fanout.catchup import Data, Part
from app.fanout.shaping.json_blocks import Blocks, Value
from app.fanout.shaping.shaped_reader import ShapedReader
from app.stream.frames import Position, encode_json, origin
from tests.app.following import STREAM, Inside, Stream

ORIGIN = origin("st_shaped")


def start(index: Any = 0, kind: str = "text") -> dict[str, Any]:
    block = {"type": kind, "text": ""} if kind == "text" else {"type": kind, "id": "tu_1", "name": "n", "input": {}}
    return {"type": "content_block_start", "index": index, "content_block": block}


def text(said: str, index: Any = 0) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": said}}


def of_input(said: str, index: Any = 0) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": said}}


def stop(index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


BEGIN: dict[str, Any] = {"type": "message_start", "message": {}}
RESET: dict[str, Any] = {"type": "relay.reset", "attempt": 2, "reason": "worker_lost"}
END: dict[str, Any] = {"type": "relay.end", "outcome": "cancelled"}


class Written:
    """A log, and where its frames end."""

    def __init__(self) -> None:
        self.data = b""
        self.places = [ORIGIN]
        self.blocks = Blocks(ORIGIN)

    def write(self, *events: dict[str, Any]) -> None:
        before = len(self.data)
        for event in events:
            raw, place = encode_json(event["type"], event, self.places[-1])
            self.data += raw
            self.places.append(place)
        self.blocks.take(self.data[before:], self.places[-1])

    def values(self, number: int = 0, at: Position | None = None) -> list[tuple[int, Any, int]]:
        """Index and value of each, with the number of the frame behind which it stands."""
        return [
            (*value_of(one), self.places.index(one.after)) for one in self.blocks.after(number, at or self.places[-1])
        ]


def value_of(value: Value) -> tuple[int, Any]:
    head, data = value.event.split(b"\n", 1)
    assert head == b"event: relay.partial"
    assert data.startswith(b"data: ")
    assert data.endswith(b"}\n\n")
    said = json.loads(data[len(b"data: ") :])
    assert list(said) == ["index", "value"]
    return said["index"], said["value"]


FIRST = [BEGIN, start(), text('{"a": "x')]
REST = [text('y", "b": [1'), text(", 2]}"), stop(), {"type": "message_stop"}]


async def write(stream: Stream, *events: dict[str, Any]) -> None:
    """Appends and publishes them, in one piece."""
    for event in events:
        stream.forge(event["type"], json.dumps(event).encode())
    await stream.publish()


class Shown:
    """What a reader was given, as it came: bytes of the log, and values as index and value."""

    def __init__(self, position: Position) -> None:
        self.reader = ShapedReader(position)
        self.given: list[bytes | tuple[int, Any]] = []
        self.beside: list[object] = []
        self.largest = 0
        self._begun = b""

    @property
    def frames(self) -> bytes:
        return b"".join(one for one in self.given if isinstance(one, bytes))

    @property
    def values(self) -> list[tuple[int, Any]]:
        return [one for one in self.given if isinstance(one, tuple)]

    def said_before(self, value: tuple[int, Any]) -> bytes:
        """The frames that stood before it."""
        given = self.given[: self.given.index(value)]
        return b"".join(one for one in given if isinstance(one, bytes))

    async def run(self, front: Inside) -> None:
        async with contextlib.aclosing(self.reader.steps(front.hub, STREAM)) as steps:
            async for step in steps:
                if isinstance(step, Data | Part):
                    self.take(step.data)
                else:
                    self.beside.append(step)

    def take(self, data: bytes) -> None:
        self.largest = max(self.largest, len(data))
        if self._begun or data.startswith(b"event: relay.partial"):
            self._begun += data
            if self._begun.endswith(b"\n\n"):
                said = json.loads(self._begun.partition(b"data: ")[2])
                self.given.append((said["index"], said["value"]))
                self._begun = b""
            return
        self.given.append(data)


@asynccontextmanager
async def shown(front: Inside, position: Position | None = None) -> AsyncIterator[tuple[Shown, asyncio.Task[None]]]:
    one = Shown(origin(STREAM) if position is None else position)
    task = asyncio.create_task(one.run(front))
    yield one, task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
