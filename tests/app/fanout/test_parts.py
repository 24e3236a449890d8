"""However a log is cut, its parts are the log, none is large, and a frame of two histories is never completed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fanout.parts import PART_BYTES, AnotherHistoryError, Place, first_frames, next_part, place_at
from app.stream.frames import PROOF_LENGTH, Position, encode, origin

STREAM = "st_parts"
SIZES = st.lists(
    st.integers(0, 300) | st.integers(PART_BYTES - 100, PART_BYTES + 100) | st.integers(0, 4 * PART_BYTES), max_size=6
)


def a_log(sizes: list[int], letter: bytes = b"x") -> tuple[bytes, Position]:
    data, position = b"", origin(STREAM)
    for size in sizes:
        raw, *after = encode(b"told", letter * size, *position)
        data, position = data + raw, Position(*after)
    return data, position


def cut(data: bytes, place: Place, read: int) -> tuple[list[bytes], Place]:
    """All parts, where each read brings so many bytes and no more."""
    given: list[bytes] = []
    at = 0
    while at < len(data):
        window, inside = data[at : at + read], 0
        while (found := next_part(window, inside, place)) is not None:
            given.append(window[inside : found[0]])
            inside, place = found
        if inside == 0:
            read *= 2
        at += inside
    return given, place


@given(sizes=SIZES, read=st.integers(2 * PROOF_LENGTH, 3 * PART_BYTES))
def test_its_parts_are_the_log(sizes: list[int], read: int) -> None:
    data, end = a_log(sizes)
    given, place = cut(data, place_at(origin(STREAM)), read)
    assert b"".join(given) == data
    assert all(0 < len(part) <= PART_BYTES for part in given)
    assert place == place_at(end)


@given(size=st.integers(PART_BYTES + 100, 4 * PART_BYTES), after=st.integers(1, 3))
def test_a_frame_whose_rest_is_of_another_history_is_not_completed(size: int, after: int) -> None:
    mine, theirs = a_log([size])[0], a_log([size], b"y")[0]
    place, at = place_at(origin(STREAM)), 0
    for _ in range(after):
        found = next_part(mine, at, place)
        if found is None or not found[1].inside:
            return
        at, place = found
    with pytest.raises(AnotherHistoryError):
        cut(theirs[at:], place, len(theirs))


def test_whoever_takes_whole_frames_takes_a_few_or_one() -> None:
    data, _ = a_log([100, 100, 100])
    first = len(a_log([100])[0])
    assert first_frames(data, len(data)) == data
    assert first_frames(data, 2 * first + 10) == data[: 2 * first]
    assert first_frames(data, 10) == data[:first]
