from __future__ import annotations

import pytest

from app.stream.frames import Position, encode_json, origin
from app.terminal.capturing.upstream_events import is_whole, upstream_events


def log(*events: tuple[str, dict[str, object]]) -> bytes:
    """The frames of a log, as a reader has them."""
    position, data = Position(*origin("st_x")), b"retry: 1000\n: keepstream\n\n"
    for name, value in events:
        frame, position = encode_json(name, value, position)
        data += frame
    return data


START, STOP, END = ("message_start", {"n": 1}), ("message_stop", {}), ("relay.end", {"outcome": "completed"})


def said(*numbers: int) -> bytes:
    return b"".join(b'event: x\ndata: {"n":%d}\n\n' % number for number in numbers)


def test_the_upstream_s_events_are_the_very_bytes_and_the_relay_s_are_not_there() -> None:
    found = upstream_events(log(("relay.retry", {}), START, ("x", {"n": 2}), STOP, END))
    assert found == b'event: message_start\ndata: {"n":1}\n\n' + said(2) + b"event: message_stop\ndata: {}\n\n"


def test_an_event_keeps_its_lines_and_may_have_no_name() -> None:
    odd = 'data: {"a":\ndata: "id: x"}\nid: 000000012-01234567\n\n: ping\n\nevent: relay.status\ndata: {}\n\n'
    assert upstream_events(odd.encode()) == b'data: {"a":\ndata: "id: x"}\n\n'


@pytest.mark.parametrize(
    ("reset", "kept"), [({"attempt": 2}, [5]), ({"attempt": 2, "turn": 2}, [1, 2, 5]), ({"turn": 1}, [5])]
)
def test_what_a_reader_forgets_is_not_there(reset: dict[str, object], kept: list[int]) -> None:
    turns = [
        ("message_start", {}),
        ("x", {"n": 1}),
        ("relay.tool", {}),
        ("x", {"n": 2}),
        ("message_start", {}),
        ("x", {"n": 3}),
    ]
    found = upstream_events(log(*turns, ("relay.reset", reset), ("x", {"n": 5}), END))
    assert found.replace(b"event: message_start\ndata: {}\n\n", b"") == said(*kept)


def test_a_log_is_whole_with_its_ending() -> None:
    assert is_whole(log(START, END))
    assert not is_whole(log(START, ("x", {"text": "relay.end"})))
