"""What a native reader is told beside the log: none of it has an id."""

from __future__ import annotations

import re

import pytest

from app.faces.native.view import away, beside, leave_block, opening, reset_event
from app.fanout.audience import PING, Ping
from app.stream.asides import Asked, Held, Queued, Running, Said, Thinking


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (PING, b": ping\n\n"),
        (Queued(3), b'event: relay.status\ndata: {"state":"queued","position":3}\n\n'),
        (Thinking(42_000), b'event: relay.status\ndata: {"state":"thinking","silent_ms":42000}\n\n'),
        (Running(5, 7), b'event: relay.status\ndata: {"state":"running","elapsed_ms":5,"output_tokens":7}\n\n'),
        (Asked(b'{"name":"pay"}'), b'event: relay.approval\ndata: {"name":"pay"}\n\n'),
        (Held(7_000), b'event: relay.status\ndata: {"state":"held","retry_in_ms":7000}\n\n'),
    ],
)
def test_what_is_said_while_there_is_nothing_to_show(said: Said | Ping, shown: bytes) -> None:
    assert beside(said) == shown


def test_what_a_thousand_readers_are_told_at_once_is_written_once() -> None:
    assert beside(Queued(1_003)) is beside(Queued(1_003))
    assert beside(Held(1_003)) != beside(Queued(1_003))


def test_an_answer_begins_with_one_block() -> None:
    assert opening("st_1") == b"retry: 1000\n: stream st_1\n\n"


def test_who_is_to_come_back_is_told_when_and_not_together_with_others() -> None:
    assert leave_block(700) == b"retry: 700\n: come back\n\n"
    said = {away() for _ in range(100)}
    assert len(said) > 1
    assert all(re.fullmatch(rb"retry: [0-9]+\n: come back\n\n", one) for one in said)


def test_a_reset_of_a_front_says_why() -> None:
    assert reset_event("unknown_id", 2) == b'event: relay.reset\ndata: {"attempt":2,"reason":"unknown_id"}\n\n'
