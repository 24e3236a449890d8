"""Lines that are read back, whatever else stands there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.stream.timeline.entries import Entry, Gathering, entries, gatherings, told
from app.stream.timeline.noting import Note


def test_a_line_says_how_old_it_is_when_it_is_sent() -> None:
    notes = [Note(10.0, "p.1", "call.started", '{"attempt":1}'), Note(12.5, "p.2", "call.ended", "{}")]
    assert told(notes, 12.5) == '2500 p.1 call.started {"attempt":1}\n0 p.2 call.ended {}\n'
    assert told(notes[:1], 9.0).startswith("0 ")


def test_lines_are_entries() -> None:
    field = b'3\n1000 p.1 call.started {"attempt":1}\nnonsense\n1001 p.2 x [1]\n1002 p.3 call.ended {"a b":"c d"}\n'
    assert entries(field) == (
        [Entry(1000, "call.started", {"attempt": 1}), Entry(1002, "call.ended", {"a b": "c d"})],
        3,
    )
    assert entries(b"") == ([], 0)


def test_lines_are_gatherings() -> None:
    assert list(gatherings(b"1 2 came=3 left=1\nx\n")) == [Gathering(1, 2, {"came": 3, "left": 1})]


@given(st.binary())
def test_what_cannot_be_read_is_left_out(field: bytes) -> None:
    entries(field)
    list(gatherings(field))
