"""Which version of the language a stream is of."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.stream.log import State
from app.stream.upgrades import language
from app.stream.upgrades.language import FIELD, VERSION, is_newer, needed, said, version_of


def test_what_says_nothing_is_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is what every version before this one has left."""
    monkeypatch.setattr(language, "VERSION", 1)
    assert version_of({}) == 1
    assert not is_newer({})


@pytest.mark.parametrize("said", [b"", b"-3", b"1.5", b"two", b"\xb2", b" 2"])
def test_what_cannot_be_read_is_of_the_first(said: bytes) -> None:
    assert version_of({FIELD: said}) == 1


def test_a_stream_needs_the_newest_version_of_what_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    since: Mapping[str, int] = {"dances": 2, "sings": 3}
    monkeypatch.setattr(language, "SINCE", since)
    assert [needed(fields) for fields in ((), ("request", "owner"), ("dances",), ("sings", "dances"))] == [1, 1, 2, 3]
    assert said({"dances": "1", "owner": "me"}) == {"dances": "1", "owner": "me", FIELD: "2"}


def test_a_later_one_is_newer() -> None:
    assert is_newer({FIELD: b"%d" % (VERSION + 1)})
    assert not is_newer({FIELD: b"%d" % VERSION})


def test_nothing_is_asked_for_that_this_version_does_not_know() -> None:
    assert max([1, *language.SINCE.values()]) <= VERSION


def test_a_state_that_a_later_version_has_runs() -> None:
    """Nobody takes it for one that waits, and ends it under its worker; nor for one that has ended."""
    assert State("resting") is State.RUNNING
    assert State("") is State.UNKNOWN
