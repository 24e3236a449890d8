"""The bytes of a log: what was encoded is read back, and no changed, cut or foreign byte passes for a log's own."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.stream.errors import MalformedIdError
from app.stream.frames import (
    ID_LENGTH,
    MAX_OFFSET,
    PROOF_LENGTH,
    Position,
    encode,
    encode_json,
    follow,
    origin,
    parse_id,
    position_at_end,
    split,
    unlogged,
)

STREAM = "st_frames"

names = st.none() | st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name == name.strip()
)
# As it comes from upstream: UTF-8 of any language, of several lines, of none.
texts = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])) | st.sampled_from(
    [
        "",
        "\n",
        "\n\n\n",
        " x ",
        "data: x",
        "id: 000000001-00000000\n\n",
        "Grüße, 世界 🌊\n\nnoch eine",
        "event: x\ndata: y",
    ]
)
events = st.lists(st.tuples(names, texts), max_size=6)
positions = st.builds(Position, st.integers(0, MAX_OFFSET), st.integers(0, 2**32 - 1))


def written(told: list[tuple[str | None, str]], start: Position) -> list[tuple[bytes, Position]]:
    """Each event's frame, and the position after it."""
    frames, at = [], start
    for name, text in told:
        raw, *after = encode(None if name is None else name.encode(), text.encode(), *at)
        at = Position(*after)
        frames.append((raw, at))
    return frames


@given(events)
def test_what_was_encoded_is_read_back(told: list[tuple[str | None, str]]) -> None:
    frames = written(told, origin(STREAM))
    back = list(split(b"".join(raw for raw, _ in frames)))
    assert [(frame.name, frame.data.decode()) for frame in back] == told
    assert [(frame.raw, frame.id) for frame in back] == [(raw, at.id) for raw, at in frames]


@given(events)
def test_an_id_names_the_byte_where_its_frame_ends(told: list[tuple[str | None, str]]) -> None:
    log = b""
    for raw, at in written(told, origin(STREAM)):
        log += raw
        assert at.offset == len(log)
        assert log.endswith(at.proof)
        assert len(at.proof) == PROOF_LENGTH
        assert position_at_end(log) == at
        assert position_at_end(at.proof) == at


@given(events, st.data())
def test_frames_follow_where_they_were_encoded(told: list[tuple[str | None, str]], data: st.DataObject) -> None:
    frames = written(told, origin(STREAM))
    cut = data.draw(st.integers(0, len(frames)))
    before = frames[cut - 1][1] if cut else origin(STREAM)
    rest = b"".join(raw for raw, _ in frames[cut:])
    assert follow(rest, *before) == (frames[-1][1] if frames else origin(STREAM))


@given(events.filter(bool), st.data())
def test_a_changed_byte_does_not_follow(told: list[tuple[str | None, str]], data: st.DataObject) -> None:
    log = b"".join(raw for raw, _ in written(told, origin(STREAM)))
    at = data.draw(st.integers(0, len(log) - 1))
    other = data.draw(st.integers(1, 255))
    changed = log[:at] + bytes([log[at] ^ other]) + log[at + 1 :]
    assert follow(changed, *origin(STREAM)) is None


@given(events.filter(bool), st.data())
def test_a_cut_byte_does_not_follow(told: list[tuple[str | None, str]], data: st.DataObject) -> None:
    frames = written(told, origin(STREAM))
    log = b"".join(raw for raw, _ in frames)
    start = data.draw(st.integers(0, len(log)))
    end = data.draw(st.integers(start + 1, len(log) + 1))
    left = log[:start] + log[end:]
    ends = {0, *(at.offset for _, at in frames)}
    # A log that was cut at a frame's end is a log; any other one is not.
    assume(left not in {log[:end] for end in ends})
    assert follow(left, *origin(STREAM)) is None


@given(events.filter(bool), positions)
def test_nothing_follows_elsewhere(told: list[tuple[str | None, str]], elsewhere: Position) -> None:
    assume(elsewhere != origin(STREAM))
    log = b"".join(raw for raw, _ in written(told, origin(STREAM)))
    assert follow(log, *elsewhere) is None


@pytest.mark.parametrize(
    "junk", [b"\n", b"\n\n", b"\n\n\n\n", b"x", b"x\n\n", b"id: 000000024-00000000\n\n", b"\0" * 99]
)
def test_junk_is_no_frame(junk: bytes) -> None:
    assert follow(junk, *origin(STREAM)) is None
    assert position_at_end(junk[:-1]) is None


def test_a_bare_proof_is_no_frame_also_where_its_crc_is_right() -> None:
    start = origin(STREAM)
    assert follow(Position(PROOF_LENGTH, start.crc).proof, *start) is None


@given(st.text(), st.text(), events.filter(bool))
def test_other_streams_have_other_ids(one: str, other: str, told: list[tuple[str | None, str]]) -> None:
    assume(one.encode("utf-8", "replace") != other.encode("utf-8", "replace"))
    mine, yours = origin(f"st_{one!r}"), origin(f"st_{other!r}")
    assume(mine.crc != yours.crc)
    assert all(
        at.id != elsewhere.id for (_, at), (_, elsewhere) in zip(written(told, mine), written(told, yours), strict=True)
    )


@given(events)
def test_ids_sort_as_text(told: list[tuple[str | None, str]]) -> None:
    ids = [at.id for _, at in written(told, origin(STREAM))]
    assert all(before < after for before, after in pairwise(ids))


@given(positions, positions)
def test_ids_sort_as_their_offsets_over_their_whole_range(one: Position, other: Position) -> None:
    assert (one.id < other.id) == (one < other)


@given(positions)
def test_an_id_is_read_back(position: Position) -> None:
    assert len(position.id) == ID_LENGTH
    assert parse_id(position.id) == position


@given(
    st.text()
    | st.from_regex(r"\d{9}-[0-9a-f]{8}")  # with digits of every alphabet, and lines behind
    | st.from_regex(r"\A[0-9]{8,10}-[0-9a-fA-F]{7,9}\Z")
)
def test_exactly_the_well_formed_is_an_id(text: str) -> None:
    if re.fullmatch("[0123456789]{9}-[0123456789abcdef]{8}", text):
        assert parse_id(text).id == text
    else:
        with pytest.raises(MalformedIdError):
            parse_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "٠٠٠٠٠٠٤١٢-9f3a1c22",
        "00000041\uff12-9f3a1c22",
        "000000412-9F3A1C22",
        "000000412-9f3a1c22\n",
        " 000000412-9f3a1c22",
        "-00000412-9f3a1c22",
        "+00000412-9f3a1c22",
        "000_00412-9f3a1c22",
        "000000412-0x3a1c22",
        "0000000412-9f3a1c22",
    ],
)
def test_what_only_looks_like_an_id_is_none(text: str) -> None:
    with pytest.raises(MalformedIdError):
        parse_id(text)


@given(st.binary(max_size=2 * PROOF_LENGTH))
def test_a_position_is_only_found_where_its_very_proof_stands(tail: bytes) -> None:
    position = position_at_end(tail)
    assert position is None or tail.endswith(position.proof)


def test_json_is_encoded_as_any_event() -> None:
    frame, after = encode_json("relay.reset", {"attempt": 2, "reason": "worker_lost"}, origin(STREAM))
    assert (frame, *after) == encode(b"relay.reset", b'{"attempt":2,"reason":"worker_lost"}', *origin(STREAM))


def test_what_a_front_adds_has_no_id() -> None:
    told = unlogged("relay.status", {"state": "queued", "position": 3})
    assert told == b'event: relay.status\ndata: {"state":"queued","position":3}\n\n'


def test_a_frame_looks_as_the_design_shows_it() -> None:
    frame, offset, _ = encode(b"content_block_delta", b'{"type":"content_block_delta"}', *origin(STREAM))
    lines = b'event: content_block_delta\ndata: {"type":"content_block_delta"}\nid: '
    assert frame.startswith(lines)
    assert re.fullmatch(rb"\d{9}-[0-9a-f]{8}\n\n", frame[len(lines) :])
    assert offset == len(frame)
