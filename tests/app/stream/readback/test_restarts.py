"""Where a log begins again is found by its frames, and by nothing that only looks like one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stream.frames import encode, encode_json, origin
from app.stream.readback.restarts import RESET_LINE, Restart, begins_anew, ends, restarts

START = origin("st_1")


def log_of(*events: tuple[str, Any]) -> tuple[bytes, list[Restart]]:
    """A log, and what is to be found in it."""
    data, position, found = b"", START, []
    for name, said in events:
        frame, position = encode_json(name, said, position)
        data += frame
        if name == "relay.reset":
            found.append(Restart(said["attempt"], said["reason"], position))
    return data, found


def test_each_is_found_with_the_place_after_it() -> None:
    text = ("content_block_delta", {"text": "event: relay.reset\n\nevent: relay.reset\n"})
    reset = [("relay.reset", {"attempt": n, "reason": f"why {n}"}) for n in (2, 3)]
    data, found = log_of(text, reset[0], text, reset[1], text)
    assert list(restarts(data)) == found
    assert begins_anew(data) is None


def test_a_log_that_was_started_over_begins_with_one() -> None:
    data, found = log_of(("relay.reset", {"attempt": 4, "reason": "log_full"}), ("message_start", {}))
    assert begins_anew(data) == found[0]


@pytest.mark.parametrize(
    "said",
    [b"{}", b"[]", b"no JSON", b'{"attempt":true,"reason":"x"}', b'{"attempt":-1,"reason":"x"}', b'{"attempt":1}'],
)
def test_one_that_is_not_as_ours_are_is_none(said: bytes) -> None:
    frame, *_ = encode(b"relay.reset", said, *START)
    assert list(restarts(frame)) == []
    assert begins_anew(frame) is None


def test_the_ending_is_the_last_frame_s() -> None:
    assert ends(log_of(("relay.end", {}))[0])
    assert ends(log_of(("message_stop", {}), ("relay.end", {}))[0])
    assert not ends(log_of(("relay.end", {}), ("message_stop", {}))[0])
    assert not ends(log_of(("content_block_delta", {"text": "event: relay.end\n"}))[0])


@given(
    st.lists(st.sampled_from([RESET_LINE, b"\n\n", b"data: ", b"id: 000000009-00000000", b"x", b"{}"])).map(b"".join)
)
def test_nothing_that_stands_in_a_log_makes_it_fail(data: bytes) -> None:
    assert list(restarts(data)) == []
    assert begins_anew(data) is None
    ends(data)


def test_one_that_names_a_turn_is_none_for_the_turns_before_it_stay() -> None:
    data, _ = log_of(("relay.reset", {"attempt": 3, "reason": "cut", "turn": 2}), ("message_start", {}))
    assert list(restarts(data)) == []
    assert begins_anew(data) is None
