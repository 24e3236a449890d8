"""A reader who is shown, beside a stream, what its JSON says so far.

The rule: a value comes right behind the frame that it follows from, or where a reader stands that has more than that
already, and only the newest of each block: who is slow misses values, and never a frame.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterator

from app.fanout.catchup import STEP_BYTES, Data, Part, Step
from app.fanout.hub import Hub
from app.fanout.reader import Aside, Leave, PullReader
from app.fanout.shaping.json_blocks import Value, joined
from app.fanout.shaping.shape import Shape, shape_of
from app.fanout.tail import Tail
from app.stream.frames import Position


class ShapedReader(PullReader):
    """As `PullReader`. A value is a step like any other, whose bytes are no frame, and which moves nobody."""

    __slots__ = ("_seen", "_shape")

    def __init__(self, position: Position, *, resumed: bool = False) -> None:
        super().__init__(position, in_parts=True, resumed=resumed)
        self._shape: Shape | None = None
        self._seen = -1  # not known yet

    async def steps(self, hub: Hub, stream_id: str) -> AsyncGenerator[Step | Part | Aside | Leave]:
        try:
            async with contextlib.aclosing(super().steps(hub, stream_id)) as steps:
                async for step in steps:
                    yield step
        finally:
            if self._shape is not None:
                self._shape.leave()

    async def _caught_up(self, tail: Tail) -> AsyncGenerator[Step | Part]:
        shape = self._joined(tail)
        if not shape.ready:
            return  # it wakes whoever waits for it
        if self._seen < 0:
            self._seen = shape.blocks.seen_at(self.position)
        for shown in self._news(shape):
            yield shown
        async for step in super()._caught_up(tail):
            if isinstance(step, Data):
                for shown in self._between(shape, step):
                    yield shown
                continue
            yield step
            for shown in self._news(shape):
                yield shown

    def _joined(self, tail: Tail) -> Shape:
        if self._shape is None:
            self._shape = shape_of(tail)
            self._shape.join()
        return self._shape

    def _between(self, shape: Shape, step: Data) -> Iterator[Data]:
        """The frames of a step, and the values among them."""
        for piece in joined(step.data, step.position, self._unseen(shape)):
            if isinstance(piece, bytes):
                yield Data(piece, step.position)
            else:
                yield from self._shown(piece)

    def _unseen(self, shape: Shape) -> list[Value]:
        """What is to be shown up to where the reader stands."""
        return shape.blocks.after(self._seen, self.position)

    def _news(self, shape: Shape) -> Iterator[Data]:
        for value in self._unseen(shape):
            yield from self._shown(value)

    def _shown(self, value: Value) -> Iterator[Data]:
        """In parts, because a client may stop reading in the middle of it."""
        self._seen = value.number
        for at in range(0, len(value.event), STEP_BYTES):
            yield Data(value.event[at : at + STEP_BYTES], self.position)
