from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest

from worker.upstream.failure import Failure, of_event, of_status, retry_after

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def head(**headers: str) -> httpx2.Headers:
    return httpx2.Headers({name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "3"}, 3.0),
        ({"retry_after": "2.5"}, 2.5),
        ({"Retry_After": "0"}, 0.0),
        ({"retry_after_ms": "250"}, 0.25),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after_ms": "soon", "retry_after": "9"}, 9.0),
        ({"retry_after": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry_after": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "later"}, None),
        ({"retry_after": ""}, None),
    ],
)
def test_how_long_an_answer_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(head(**headers), NOW) == seconds


@pytest.mark.parametrize(
    ("status", "should_retry", "passing"),
    [
        (400, None, False),
        (401, None, False),
        (403, None, False),
        (404, None, False),
        (408, None, True),
        (409, None, True),
        (413, None, False),
        (429, None, True),
        (500, None, True),
        (503, None, True),
        (529, None, True),
        (400, True, True),
        (500, False, False),
        (429, False, False),
    ],
)
def test_whether_another_call_may_go_better(status: int, should_retry: bool | None, passing: bool) -> None:  # noqa: FBT001
    assert Failure("r", "t", "m", status, should_retry=should_retry).is_passing is passing


def test_an_answer_with_an_error_s_status_is_told_as_it_was() -> None:
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}
    headers = head(retry_after="3", x_should_retry="True")
    assert of_status(529, headers, body, None) == Failure(
        reason="overloaded_error",
        type="overloaded_error",
        message="Overloaded",
        status=529,
        retry_after=3.0,
        should_retry=True,
        request_id="req_1",
    )
    assert of_status(500, head(x_should_retry="false"), body, "req_2").request_id == "req_2"
    assert of_status(500, head(x_should_retry="false"), body, None).should_retry is False


@pytest.mark.parametrize("body", [None, "<html>", [], {}, {"error": None}, {"error": {"type": 7, "message": ""}}])
def test_an_answer_of_another_shape_still_makes_a_failure(body: object) -> None:
    failure = of_status(502, head(x_should_retry="perhaps"), body, None)
    assert (failure.type, failure.status, failure.should_retry) == ("api_error", 502, None)
    assert "502" in failure.message
    assert (of_event(body).type, of_event(body).status) == ("api_error", 500)


@pytest.mark.parametrize(
    ("kind", "status", "passing"),
    [
        ("overloaded_error", 529, True),
        ("api_error", 500, True),
        ("rate_limit_error", 429, True),
        ("timeout_error", 504, True),
        ("invalid_request_error", 400, False),
        ("an_unknown_error", 500, True),
    ],
)
def test_an_error_event_counts_as_the_status_it_would_have_had(kind: str, status: int, passing: bool) -> None:  # noqa: FBT001
    failure = of_event({"type": "error", "error": {"type": kind, "message": "why"}, "request_id": "req_3"})
    assert (failure.type, failure.status, failure.is_passing) == (kind, status, passing)
    assert (failure.message, failure.request_id) == ("why", "req_3")


@pytest.mark.parametrize(
    ("details", "kept"),
    [
        ({"error_code": "thread_not_found"}, True),
        ({}, False),
        ("words", False),
        ({"long": "x" * 3000}, False),
        ({"half": "\ud83d"}, False),
    ],
)
def test_what_an_error_says_for_the_sdk_is_kept_where_it_is_short_and_readable(details: object, *, kept: bool) -> None:
    body = {"type": "error", "error": {"type": "not_found_error", "message": "why", "details": details}}
    for failure in (of_event(body), of_status(404, httpx2.Headers(), body, None)):
        assert failure.details == (details if kept else None)


def test_a_refused_key_has_no_details() -> None:
    body = {"type": "error", "error": {"type": "authentication_error", "message": "why", "details": {"key": "k"}}}
    assert of_status(401, httpx2.Headers(), body, None).details is None
