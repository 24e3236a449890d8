"""What reads along: once for all readers, no more often than it may, and at its own risk."""

from __future__ import annotations

import pytest

from app.fanout.shaping import shape as shapes
from app.fanout.shaping.shape import Shape
from tests.app.fanout.shaping.written import FIRST, REST, shown, stop, text, write
from tests.app.following import NEVER, SOON, STREAM, Inside, Stream, over
from tests.app.served import until

pytestmark = pytest.mark.usefixtures("quick_beat", "short_patience")


async def test_what_grew_within_the_pause_is_said_after_it(
    front: Inside, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "BETWEEN_SECONDS", SOON)
    async with shown(front) as (one, _):
        await write(stream, *FIRST)
        await until(lambda: one.values)
        await write(stream, text("y"))
        await write(stream, text("z"))
        await until(lambda: one.values[-1] == (0, {"a": "xyz"}))


async def test_no_value_is_made_within_the_pause_but_that_of_a_whole_block(
    front: Inside, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "BETWEEN_SECONDS", NEVER)
    async with shown(front) as (one, _):
        await write(stream, *FIRST)
        await until(lambda: one.values)
        for _ in range(50):
            await write(stream, text("y"))
        await until(lambda: one.frames == stream.written)
        await write(stream, text('"}'), stop())
        await until(lambda: len(one.values) == 2)
    assert one.values == [(0, {"a": "x"}), (0, {"a": "x" + 50 * "y"})]


async def test_several_readers_share_what_is_made(
    front: Inside, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Shape] = []
    begin = Shape.__init__
    monkeypatch.setattr(Shape, "__init__", lambda self, tail: (made.append(self), begin(self, tail))[1])
    async with shown(front) as (first, _), shown(front) as (second, _):
        await write(stream, *FIRST)
        await until(lambda: first.values and second.values)
        async with shown(front) as (third, _):
            await until(lambda: third.values)
            await write(stream, *REST)
            await until(lambda: all(one.frames == stream.written for one in (first, second, third)))
        assert first.values == second.values == third.values
        tail = front.hub.known(STREAM)
        assert tail is not None
        [shape] = made
        assert tail.audience.along is shape
    assert tail.audience.along is None


async def test_a_fault_costs_the_values_and_not_the_stream(
    front: Inside, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shown(front) as (one, task):
        await write(stream, *FIRST)
        await until(lambda: one.values)
        tail = front.hub.known(STREAM)
        assert tail is not None
        assert isinstance(tail.audience.along, Shape)
        monkeypatch.setattr(tail.audience.along.blocks, "take", None)
        await write(stream, *REST)
        await stream.end()
        await over(task)
    assert one.frames == stream.written
    assert one.values == [(0, {"a": "x"})]


async def test_what_took_long_is_followed_by_a_long_pause(
    front: Inside, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "BETWEEN_SECONDS", 0.0)
    monkeypatch.setattr(shapes, "PAUSE", 1e9)
    async with shown(front) as (one, _):
        await write(stream, *FIRST)
        await until(lambda: one.values)
        for _ in range(20):
            await write(stream, text("y"))
        await until(lambda: one.frames == stream.written)
    assert one.values == [(0, {"a": "x"})]
