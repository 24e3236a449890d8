"""Whose turn it is on a connection, and which turns have an end."""

from __future__ import annotations

import itertools

import pytest

from app.http.connection.bounds import Part, Phase, phase, seconds


@pytest.mark.parametrize(
    ("part", "answering", "queued", "fresh", "expected"),
    [
        (Part.BETWEEN, False, False, True, Phase.HEAD),  # a new connection, or a stray line end
        (Part.HEAD, False, False, True, Phase.HEAD),
        (Part.HEAD, True, False, True, Phase.ANSWER),  # the next head comes before this answer
        (Part.BODY, True, False, True, Phase.BODY),
        (Part.BODY, True, True, True, Phase.ANSWER),
        (Part.BODY, False, False, True, Phase.REST),
        (Part.BETWEEN, True, False, False, Phase.ANSWER),
        (Part.BETWEEN, False, False, False, Phase.NEXT),
    ],
)
def test_whose_turn_it_is(part: Part, *, answering: bool, queued: bool, fresh: bool, expected: Phase) -> None:
    assert phase(part, answering=answering, queued=queued, fresh=fresh) is expected


def test_only_our_own_turn_has_no_end() -> None:
    assert [one for one in Phase if seconds(one) is None] == [Phase.ANSWER]
    for part, answering, queued, fresh in itertools.product(Part, *[(False, True)] * 3):
        if not answering and not queued:
            assert seconds(phase(part, answering=answering, queued=queued, fresh=fresh)) is not None
