"""Of whom an event is, is known from the request under way; what strangers call things is told only if it is a name."""

from __future__ import annotations

from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.watch.events.subjects import OTHER, Subject, request_ids, subject, word


def test_an_event_has_the_ids_of_the_request_under_way() -> None:
    def under_way() -> Subject:
        request_ids.set(("req_1", "mine"))
        return subject("st_1", "me")

    assert copy_context().run(under_way) == Subject("st_1", "me", "req_1", "mine")
    assert subject("st_1") == Subject("st_1")


@pytest.mark.parametrize("name", ["claude-sonnet-5", "rate_limit_error", "a/b:c@d", "x" * 100])
def test_a_name_is_told(name: str) -> None:
    assert word(name) == name


@pytest.mark.parametrize("text", ["two words", "-x", "x" * 101, "a\nb", "prompt: hello", "é"])
def test_what_is_no_name_is_not_told(text: str) -> None:
    assert word(text) == OTHER


@given(st.text())
def test_what_is_told_breaks_no_line(text: str) -> None:
    assert word(text).isascii()
    assert word(text).split() == [word(text)] * bool(text)
