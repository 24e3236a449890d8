"""A call's failure as a value, whoever tells it: the upstream's status, its `error` event, or our own eyes.

Pure. Every failure has the shape of the API's errors and the status such an error has there, so that a client which
waits for the head gets the truth. Knows nothing of what a failure leads to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from app.watch.events.subjects import word

_RETRIED_STATUSES = frozenset({408, 409, 429})
_SERVER_ERRORS = 500
# The relay's own key, whoever says so: nothing that a user could mend.
_KEY_STATUSES = frozenset({401, 403})
_KEY_TYPES = frozenset({"authentication_error", "permission_error"})
# Below 500, these may come from a gateway that speaks no JSON; any other that does is no Claude API.
_OF_GATEWAYS = frozenset({408, 409, 413, 429})
_PROXY_LOGIN = 407
_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_TYPE_OF_STATUS = {status: kind for kind, status in _STATUS_OF_TYPE.items()}
_BAD_GATEWAY, _GATEWAY_TIMEOUT = 502, 504
DETAILS_BYTES = 2048
KEY_REFUSED = "the relay's own key was refused by the Claude API; its operator has to look at it"


@dataclass(frozen=True, slots=True)
class Failure:
    """One call's failure. Times are seconds.

    `reason` is the short word that readers are told; `should_retry` is the upstream's own word on it, if it gave one.
    `detail` is for the log alone; `details` are the upstream's own, by which its SDK knows what to do.
    """

    reason: str
    type: str
    message: str
    status: int
    retry_after: float | None = None
    should_retry: bool | None = None
    request_id: str | None = None
    detail: str | None = None
    details: Mapping[str, Any] | None = None

    @property
    def line(self) -> str:
        """What the log tells of it: never the upstream's own words, which may quote a prompt."""
        facts = [word(self.reason), f"status {self.status}", word(self.request_id or ""), self.detail]
        return ", ".join(fact for fact in facts if fact)

    @property
    def is_passing(self) -> bool:
        """Whether another call may go better."""
        if self.should_retry is not None:
            return self.should_retry
        return self.status in _RETRIED_STATUSES or self.status >= _SERVER_ERRORS


class UpstreamError(Exception):
    """Carries a failure to where it is decided upon."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


UNREACHABLE = Failure("connection_error", "timeout_error", "the Claude API cannot be reached in time", _GATEWAY_TIMEOUT)
LOST = Failure("connection_error", "api_error", "the connection to the Claude API was lost", _BAD_GATEWAY)
STALLED = Failure(
    "stalled", "timeout_error", "the Claude API fell silent in the middle of its answer", _GATEWAY_TIMEOUT
)
SILENT = Failure(
    "silent", "timeout_error", "the Claude API sent nothing but pings for too long (SILENT_TIMEOUT)", _GATEWAY_TIMEOUT
)
INCOMPLETE = Failure("incomplete", "api_error", "the Claude API ended its answer before it was complete", _BAD_GATEWAY)
GARBLED = Failure("garbled", "api_error", "the Claude API sent something that cannot be read", _BAD_GATEWAY)


def of_connection(message: str, detail: str) -> Failure:
    """There was no way to an answer, or back."""
    return replace(LOST, message=message, detail=detail)


def of_event(data: Any) -> Failure:
    """What an `error` event in the stream tells."""
    kind, message = _error(data)
    kind = kind or "api_error"
    request_id = _text(data, "request_id")
    message = message or "the Claude API reported an error"
    return _ours(Failure(kind, kind, message, _status_of(kind), request_id=request_id, details=_details(data)))


def of_status(status: int, headers: Mapping[str, str], body: Any, request_id: str | None) -> Failure:
    """What an answer tells that is no stream. `headers` must not mind the case of their names."""
    kind, message = _error(body)
    if kind is None and status not in _KEY_STATUSES | _OF_GATEWAYS and status < _SERVER_ERRORS:
        return not_the_api(status, headers)
    kind = kind or _TYPE_OF_STATUS.get(status, "api_error")
    return _ours(
        Failure(
            reason=kind,
            type=kind,
            message=message or f"the Claude API answered with status {status}",
            status=status,
            retry_after=retry_after(headers, datetime.now(UTC)),
            should_retry={"true": True, "false": False}.get(headers.get("x-should-retry", "").lower()),
            request_id=request_id or _text(body, "request_id"),
            details=_details(body),
        )
    )


def not_the_api(status: int, headers: Mapping[str, str]) -> Failure:
    """Something else answers: a web page, another service, a proxy. No repetition mends that."""
    kind = headers.get("content-type", "no type").partition(";")[0].strip()[:50]
    message = f"what answers at ANTHROPIC_BASE_URL is not the Claude API (status {status}, {kind})"
    if status == _PROXY_LOGIN:
        message = "the proxy on the way to the Claude API wants a login (status 407)"
    return replace(LOST, reason="wrong_upstream", message=message, should_retry=False, detail=f"it said {status}")


def _ours(failure: Failure) -> Failure:
    """A refused key is ours, and is never told to a user as if it were his."""
    if failure.status not in _KEY_STATUSES and failure.type not in _KEY_TYPES:
        return failure
    return replace(
        failure, reason="key_refused", type="api_error", message=KEY_REFUSED, detail=word(failure.type), details=None
    )


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that an answer asks to wait: in milliseconds, in seconds, or until a date."""
    for name, per_second in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) / per_second
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    try:
        then = parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return max((then - now).total_seconds(), 0.0) if then.tzinfo else None


def _status_of(kind: str) -> int:
    return _STATUS_OF_TYPE.get(kind, _SERVER_ERRORS)


def _error(body: Any) -> tuple[str | None, str | None]:
    error = body.get("error") if isinstance(body, dict) else None
    return _text(error, "type"), _text(error, "message")


def _details(body: Any) -> Mapping[str, Any] | None:
    """Only what is short, and what everybody can read."""
    error = body.get("error") if isinstance(body, dict) else None
    found = error.get("details") if isinstance(error, dict) else None
    try:
        return found if isinstance(found, dict) and found and len(orjson.dumps(found)) <= DETAILS_BYTES else None
    except TypeError:
        return None


def _text(value: Any, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None
