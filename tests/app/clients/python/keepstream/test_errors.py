"""The tree of errors: what a program tells apart, sends to another process, and prints."""

from __future__ import annotations

import pickle

import pytest

from app.clients.python import keepstream
from app.clients.python.keepstream import KeepstreamError, RateLimitError, RefusedError, ServerError, UnreachableError
from app.clients.python.keepstream.errors import refused


def test_it_is_one_tree() -> None:
    errors = [found for found in vars(keepstream).values() if isinstance(found, type) and issubclass(found, Exception)]
    assert len(errors) > 10
    assert all(issubclass(error, KeepstreamError) for error in errors)


STATUSES = [*RefusedError.kinds.items(), (418, RefusedError), (500, ServerError), (599, ServerError)]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_each_status_has_its_class(status: int, kind: type[KeepstreamError]) -> None:
    error = refused(status, "x_error", "because")
    assert (type(error), error.status, error.final) == (kind, status, status < 500)


def test_it_says_what_the_server_said() -> None:
    error = refused(429, "rate_limit_error", "too many", request_id="req_1", retry_after=5)
    assert str(error) == error.message == "too many"
    told = "RateLimitError('too many', status=429, type='rate_limit_error', request_id='req_1', retry_after=5)"
    assert repr(error) == told


def test_it_comes_whole_out_of_another_process() -> None:
    for error in (refused(429, "rate_limit_error", "too many", retry_after=5), UnreachableError("away")):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
        assert (type(again), vars(again), str(again)) == (type(error), vars(error), str(error))
    assert isinstance(again, UnreachableError)
    assert not isinstance(again, RateLimitError)
