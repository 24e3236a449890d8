"""Readers who asked for values: each behind what it follows from, the newest of each block, and every frame."""

from __future__ import annotations

import pytest

from app.fanout import tail as tails
from app.fanout.catchup import STEP_BYTES, Reset
from app.fanout.shaping import shape as shapes
from app.fanout.shaping.shaped_reader import ShapedReader
from app.stream.frames import PROOF_LENGTH, origin
from tests.app.fanout.shaping.written import BEGIN, FIRST, REST, Shown, shown, start, stop, text, write
from tests.app.following import STREAM, Inside, Stream, over
from tests.app.served import until

pytestmark = pytest.mark.usefixtures("quick_beat", "short_patience")


async def test_values_come_beside_the_frames_and_the_last_is_the_whole(front: Inside, stream: Stream) -> None:
    async with shown(front) as (one, task):
        await write(stream, *FIRST)
        await until(lambda: one.values == [(0, {"a": "x"})])
        await write(stream, *REST)
        await stream.end()
        await over(task)
    assert one.frames == stream.written
    assert one.values[-1] == (0, {"a": "xy", "b": [1, 2]})
    assert one.said_before(one.values[-1]).endswith(stream.places[6].proof)  # the block's end
    assert (one.beside, front.hub.tails) == ([], ())


async def test_of_an_old_log_each_block_has_one_and_before_the_ending(front: Inside, stream: Stream) -> None:
    await write(stream, *FIRST, *REST, BEGIN, start(), text("[2"), text(", 3]"), stop(), start(1), text("[4, 5", 1))
    await stream.end()
    async with shown(front) as (one, task):
        await over(task)
    assert one.frames == stream.written
    assert one.values == [(0, {"a": "xy", "b": [1, 2]}), (0, [2, 3]), (1, [4])]
    assert one.said_before(one.values[2]) == stream.written[: stream.places[-2].offset]


async def test_who_comes_back_is_told_what_came_before_as_well(front: Inside, stream: Stream) -> None:
    await write(stream, *FIRST)
    async with shown(front, stream.position) as (one, _):
        await until(lambda: one.values == [(0, {"a": "x"})])
        await write(stream, *REST)
        await until(lambda: one.values[-1] == (0, {"a": "xy", "b": [1, 2]}))
    assert one.given[0] == (0, {"a": "x"})
    assert one.frames == stream.written[stream.places[3].offset :]


async def test_who_is_slow_misses_values_and_no_frame(
    front: Inside, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "BETWEEN_SECONDS", 0.0)
    monkeypatch.setattr(shapes, "PAUSE", 0.0)
    async with shown(front) as (quick, task):
        steps = ShapedReader(origin(STREAM)).steps(front.hub, STREAM)
        await write(stream, *FIRST)
        slow = Shown(origin(STREAM))
        slow.take((await anext(steps)).data)
        for n in range(10):
            await write(stream, text(str(n)))
            await until(lambda: len(quick.values) == n + 2)  # noqa: B023  # looked at before the next
        await write(stream, text('"}'), stop())
        await stream.end()
        await over(task)
        async for step in steps:
            slow.take(step.data)
    assert slow.frames == quick.frames == stream.written
    assert len(slow.values) <= 2
    assert slow.values[-1] == quick.values[-1]


async def test_a_new_attempt_begins_with_nothing(front: Inside, stream: Stream) -> None:
    async with shown(front) as (one, _):
        await write(stream, *FIRST)
        await until(lambda: one.values)
        await stream.restart()
        await write(stream, BEGIN, start(), text('["new"]'))
        await until(lambda: one.values[-1] == (0, ["new"]))
    assert one.said_before((0, ["new"])) == stream.written


async def test_a_history_that_was_lost_takes_its_values_along(front: Inside, stream: Stream) -> None:
    async with shown(front) as (one, _):
        await write(stream, *FIRST, *REST)
        await until(lambda: one.values)
        await stream.forget(1)
        await write(stream, start(), text('["other"'))
        await until(lambda: one.values[-1] == (0, ["other"]))
        [reset] = one.beside
        assert isinstance(reset, Reset)
        assert reset.reason == tails.HISTORY_LOST
        await write(stream, text(', "more"]'), stop())
        await until(lambda: one.values[-1] == (0, ["other", "more"]))


async def test_texts_that_are_no_json_and_logs_without_any_show_nothing(front: Inside, stream: Stream) -> None:
    await write(stream, BEGIN, start(), text("Hello {"), stop())
    await stream.write("something else")
    await stream.end()
    async with shown(front) as (one, task):
        await over(task)
    assert one.given == [stream.written]


async def test_a_large_value_comes_in_parts_behind_a_large_frame(front: Inside, stream: Stream) -> None:
    large = "x" * (3 * STEP_BYTES)
    await write(stream, BEGIN, start(), text(f'["{large}"]'), stop())
    await stream.end()
    async with shown(front) as (one, task):
        await over(task)
    assert one.frames == stream.written
    assert one.values == [(0, [large])]
    assert one.said_before((0, [large])) == stream.written[: stream.places[4].offset]
    assert one.largest <= STEP_BYTES + PROOF_LENGTH * 2
