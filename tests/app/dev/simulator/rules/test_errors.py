"""An error of the API has a type for each status, a status for each type, and a shape."""

from __future__ import annotations

import pytest

from app.dev.simulator.rules.errors import (
    MESSAGES,
    STATUS_TYPES,
    ApiError,
    default_message,
    error_body,
    status_of,
    type_of,
)


@pytest.mark.parametrize("kind", sorted(set(STATUS_TYPES.values())))
def test_a_type_has_a_status_that_has_this_type(kind: str) -> None:
    assert type_of(status_of(kind)) == kind
    assert default_message(kind)


@pytest.mark.parametrize(
    ("kind", "status"), [("overloaded_error", 529), ("rate_limit_error", 429), ("timeout_error", 504), ("novel", 500)]
)
def test_a_type_has_the_api_s_status(kind: str, status: int) -> None:
    assert status_of(kind) == status


@pytest.mark.parametrize(("status", "kind"), [(418, "invalid_request_error"), (507, "api_error")])
def test_a_status_without_a_type_has_that_of_its_hundred(status: int, kind: str) -> None:
    assert type_of(status) == ApiError(status, "no").kind == kind


def test_each_message_is_of_a_type_there_is() -> None:
    assert set(MESSAGES) <= set(STATUS_TYPES.values())


def test_the_shape_is_the_api_s() -> None:
    told = error_body("api_error", "no", "req_1")
    assert told == {"type": "error", "error": {"type": "api_error", "message": "no"}, "request_id": "req_1"}
