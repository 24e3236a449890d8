"""Values among frames: each at its place, one that counts for each block, and none of another message or history."""

from __future__ import annotations

from typing import Any

import pytest

from app.fanout.shaping import json_blocks as module
from app.fanout.shaping.json_blocks import Value, joined
from app.stream.frames import split
from tests.app.fanout.shaping.written import BEGIN, END, ORIGIN, RESET, Written, of_input, start, stop, text


@pytest.fixture
def written() -> Written:
    return Written()


def test_a_value_is_made_when_it_is_asked_for_and_when_a_block_is_whole(written: Written) -> None:
    written.write(BEGIN, start(), text('{"a": [1'))
    assert written.values() == []
    assert written.blocks.fresh
    assert written.blocks.say()
    assert written.values() == [(0, {"a": []}, 3)]
    assert not written.blocks.fresh
    written.write(text(", 2]}"), stop())
    assert written.values() == [(0, {"a": [1, 2]}, 5)]
    assert not written.blocks.say()


def test_what_says_no_more_than_before_is_not_said_again(written: Written) -> None:
    written.write(BEGIN, start(), text("[1, "))
    assert written.blocks.say()
    number = written.blocks.number
    written.write(text("2"))
    assert not written.blocks.say()
    written.write(text("3, "))
    assert written.blocks.say()
    assert written.values(number) == [(0, [1, 23], 5)]


def test_inputs_of_tools_and_texts_are_told_apart_by_their_index(written: Written) -> None:
    written.write(
        BEGIN, start(0), text("I look."), stop(0), start(1, "tool_use"), of_input("", 1), of_input('{"q":', 1)
    )
    written.write(of_input('"x"}', 1), stop(1), start(2, "server_tool_use"), of_input('{"r": 1}', 2), stop(2))
    assert written.values() == [(1, {"q": "x"}, 9), (2, {"r": 1}, 12)]


def test_a_block_that_was_cut_off_keeps_its_last_value_before_the_ending(written: Written) -> None:
    written.write(BEGIN, start(), text('{"a": "x'), END)
    assert written.values() == [(0, {"a": "x"}, 3)]


def test_of_a_truncated_block_the_last_that_may_be_said_is_said(written: Written) -> None:
    written.write(BEGIN, start(), text('{"a": 1, "b": 2'), stop())
    assert written.values() == [(0, {"a": 1}, 4)]


def test_who_comes_back_is_told_where_the_newest_message_stands_and_nothing_of_those_before(written: Written) -> None:
    written.write(BEGIN, start(), text("[1]"), stop(), BEGIN, start(), text("[2]"), stop(), start(1), text("[3", 1))
    written.blocks.say()
    seen = written.blocks.seen_at(written.places[10])
    assert written.values(seen, written.places[10]) == [(0, [2], 8), (1, [], 10)]
    early = written.blocks.seen_at(written.places[4])
    assert written.values(early) == [(0, [2], 8), (1, [], 10)]
    assert written.blocks.seen_at(ORIGIN) == 0
    assert written.values() == [(0, [1], 4), (0, [2], 8), (1, [], 10)]


def test_a_new_attempt_forgets_everything_and_a_turn_that_begins_anew_forgets_itself(written: Written) -> None:
    written.write(BEGIN, start(), text("[1]"), stop(), BEGIN, start(), text("[2"), RESET | {"turn": 2})
    assert not written.blocks.say()
    assert written.values() == [(0, [1], 4)]
    assert written.values(written.blocks.seen_at(written.places[-1])) == []
    written.write(RESET)
    assert written.values() == []
    written.write(BEGIN, start(), text("[3]"), stop())
    assert written.values() == [(0, [3], 13)]


def test_another_history_begins_with_nothing(written: Written) -> None:
    written.write(BEGIN, start(), text("[1]"), stop(), start(1), text("[2"))
    number = written.blocks.number
    written.blocks.start_over(ORIGIN)
    assert written.values() == []
    assert (written.blocks.position, written.blocks.fresh, written.blocks.number) == (ORIGIN, False, number)


@pytest.mark.parametrize(
    "event",
    [
        start(None),
        start("0"),
        start(True),  # noqa: FBT003  # an index that is none
        {"type": "content_block_start", "index": 0, "content_block": []},
        {"type": "content_block_start", "index": 0},
        text("[1]", 7),
        text(None, 0),
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "[1]"}},
        {"type": "content_block_stop", "index": 9},
    ],
)
def test_what_nobody_knows_says_nothing(written: Written, event: dict[str, Any]) -> None:
    written.write(BEGIN, start(0), event)
    assert not written.blocks.say()
    assert written.values() == []


def test_what_is_kept_for_who_comes_later_is_bounded(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 200)
    written.write(BEGIN)
    for n in range(20):
        written.write(start(n), text(f'["{n:020d}"]', n), stop(n))
    assert [index for index, *_ in written.values()] == [18, 19]


def test_values_stand_right_behind_their_frames(written: Written) -> None:
    written.write(BEGIN, start(), text("[1]"), stop(), start(1), text("[2]", 1), stop(1), {"type": "message_stop"})
    values = written.blocks.after(0, written.places[-1])
    begin = written.places[2]
    data = written.data[begin.offset :]
    pieces = list(joined(data, written.places[-1], values))
    kinds = [piece if isinstance(piece, Value) else [frame.name for frame in split(piece)] for piece in pieces]
    assert kinds == [
        ["content_block_delta", "content_block_stop"],
        values[0],
        ["content_block_start", "content_block_delta", "content_block_stop"],
        values[1],
        ["message_stop"],
    ]
    assert b"".join(piece for piece in pieces if isinstance(piece, bytes)) == data


def test_a_value_whose_place_is_of_another_history_is_left_out(written: Written) -> None:
    written.write(BEGIN, start(), text("[1]"), stop())
    other = Written()
    other.write(BEGIN | {"message": {"id": "1"}}, start(), text("[2]"), stop())
    values = other.blocks.after(0, other.places[-1])
    assert list(joined(written.data, written.places[-1], values)) == [written.data]
