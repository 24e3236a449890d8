"""What goes on is asked as what it goes on with was, unless it is asked anew."""

from __future__ import annotations

import orjson
import pytest

from app.intake.calls.inheriting import headers_of, inherited
from app.intake.raw_json import InvalidPromptError, joined, raw

META = {
    "request": b'{"model":"m","messages":[],"temperature":1.0e0}',
    "on_interrupt": b"fail",
    "headers": b'{"anthropic-beta":"x"}',
}


def test_what_is_said_anew_goes_before_what_was_asked_and_the_messages_are_not_taken() -> None:
    fields = inherited({"model": raw("n"), "relay": raw({"delivery": "final"})}, META, 1)
    assert joined(fields) == b'{"model":"n","temperature":1.0e0,"relay":{"on_interrupt":"fail","delivery":"final"}}'
    assert orjson.loads(joined(inherited({"relay": raw(None)}, META, 1)))["relay"] == {"on_interrupt": "fail"}
    assert headers_of(META) == {"anthropic-beta": "x"}


def test_where_nothing_is_kept_what_is_said_is_all() -> None:
    assert inherited({"model": raw("n")}, {}, 1) == {"model": raw("n")}
    assert headers_of({}) == {}


def test_what_is_asked_of_the_relay_is_an_object() -> None:
    with pytest.raises(InvalidPromptError, match="relay"):
        inherited({"relay": raw([])}, META, 1)
