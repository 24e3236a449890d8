"""What is asked and what an answer means, without a connection."""

from __future__ import annotations

import json
import math
from typing import Any

import httpx
import pytest

from app.clients.python.keepstream import InvalidAnswerError, RateLimitError, ServerError
from app.clients.python.keepstream.core.request import (
    answer_of,
    base_of,
    check_events,
    encoded,
    error_of,
    segment,
    shown,
    unreachable,
    whole,
    with_json,
)

DEEP = b"[" * 99_999


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        (" https://host/relay/ \n", "https://host/relay"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_an_address_is_one_of_a_server(given: str, base: str) -> None:
    assert base_of(given) == base


@pytest.mark.parametrize("given", ["", "127.0.0.1:8000", "ftp://host", "http://", "http://host?x=1", "http://host#x"])
def test_what_is_no_address_is_refused_at_once(given: str) -> None:
    with pytest.raises(ValueError, match="base_url: must be an http"):
        base_of(given)


def test_an_id_is_one_segment_whatever_is_in_it() -> None:
    assert segment("../ops?x#ä") == "..%2Fops%3Fx%23%C3%A4"


def test_an_address_is_shown_without_who_asks() -> None:
    assert shown("https://user:p@ss@host:1/relay") == "https://host:1/relay"
    assert whole("https://user:pass@host:1/relay", "/x?ticket=t") == "https://user:pass@host:1/x?ticket=t"
    assert whole("https://user:pass@host:1/relay", "https://host:1/x") == "https://host:1/x"


@pytest.mark.parametrize("value", ["ä東👋", "\ud800 half", ["\u2028"], {"n": 1.5}])
def test_what_is_said_is_what_is_heard(value: Any) -> None:
    assert json.loads(encoded(value)) == value


def test_what_json_cannot_say_is_not_sent() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        with_json("POST", "/", math.nan)
    with pytest.raises(TypeError):
        with_json("POST", "/", {1, 2})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Fri, 27 Nov 2026 10:00:30 GMT", "date": "Fri, 27 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 27 Nov 2020 10:00:30 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-7"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_in_each_of_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert error_of(httpx.Response(429, headers=headers)).retry_after == seconds


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"error":"x"}',
        b'{"error":null}',
        b"null",
        b'{"error":{"type":1}}',
        b"[" * 99_999,
        b"\xff",
    ],
)
def test_a_refusal_without_words_has_those_of_its_status(body: bytes) -> None:
    error = error_of(httpx.Response(429, content=body))
    assert (type(error), error.type, str(error)) == (RateLimitError, "api_error", "Too Many Requests")
    assert str(error_of(httpx.Response(599, content=body))) == "status 599"


def test_a_server_s_fault_passes_and_a_refusal_does_not() -> None:
    assert not error_of(httpx.Response(503)).final
    assert isinstance(error_of(httpx.Response(529)), ServerError)
    assert not error_of(httpx.Response(408)).final
    assert error_of(httpx.Response(451)).final


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", DEEP])
def test_a_good_answer_that_is_none_is_told(body: bytes) -> None:
    with pytest.raises(InvalidAnswerError, match="no Keepstream: text/html came instead of JSON"):
        answer_of(with_json("GET", "/", {}), httpx.Response(200, headers={"content-type": "text/html"}, content=body))
    assert answer_of(with_json("DELETE", "/", {}), httpx.Response(204)) is None


@pytest.mark.parametrize(
    ("kind", "fits"),
    [("text/event-stream", True), ("Text/Event-Stream ; charset=x", True), ("text/html", False), ("", False)],
)
def test_events_come_as_events(kind: str, fits: bool) -> None:  # noqa: FBT001  # a case
    response = httpx.Response(200, headers={"content-type": kind})
    if fits:
        check_events(response)
        assert response.encoding == "utf-8"
    else:
        with pytest.raises(InvalidAnswerError, match="instead of events"):
            check_events(response)


def test_that_nothing_came_is_said_in_words() -> None:
    assert str(unreachable(httpx.ReadTimeout(""))) == "nothing came any more"
    assert str(unreachable(httpx.ConnectError("refused"))) == "refused"
    assert str(unreachable(httpx.WriteError(""))) == "WriteError"
