"""Errors in the shape of the Claude API, and which status each of ours makes.

The rule: a message says what to do, and of what nobody foresaw a client hears no words.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

import orjson
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.access.limits.not_allowed import NotAllowedError
from app.http.remaining import refusal_of
from app.intake.prompt import InvalidPromptError
from app.stream.errors import (
    BusyError,
    ConversationBusyError,
    ConversationError,
    ConversationFullError,
    IdempotencyConflictError,
    KeepstreamError,
    LimitedError,
    MalformedIdError,
    NoConversationError,
    NotAcceptedError,
    QueueFullError,
    place_of,
)
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal

REQUEST_ID = "keepstream.request_id"
FAILED = "keepstream.failed"
# How long a client should leave us alone when Redis is away, in seconds.
AWAY_RETRY_AFTER = "1"
METHOD_NOT_ALLOWED = 405
# From here on it is not the client who has to change something.
OURS = 500
# And when it is sent to another front.
ELSEWHERE_RETRY_AFTER = "1"
# And when it is one of too many.
CROWDED_RETRY_AFTER = "10"

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    410: "not_found_error",
    413: "request_too_large",
    415: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
# A stored error back to the status it would have had at the API; the first status of a type counts.
STATUSES = {kind: status for status, kind in reversed(TYPES.items())} | {"timeout_error": 504}


class ApiError(Exception):
    """An answer with a status, a type and a message that says what to do."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind or TYPES[status]
        self.headers = dict(headers or {})
        self.details = dict(details or {})


def draining() -> ApiError:
    """A front that is about to stop takes no more: another one does."""
    return ApiError(
        503,
        "this front is shutting down; try again",
        headers={"retry-after": ELSEWHERE_RETRY_AFTER, "connection": "close"},
    )


def crowded() -> ApiError:
    """There are as many connections as there may be."""
    headers = {"retry-after": CROWDED_RETRY_AFTER}
    return ApiError(503, "this front has no room for another connection; try again", headers=headers)


def new_request_id() -> str:
    return "req_" + secrets.token_hex(12)


def error_body(kind: str, message: str, request_id: str, details: Mapping[str, Any] | None = None) -> bytes:
    error = {"type": kind, "message": message, **(details or {})}
    return orjson.dumps({"type": "error", "error": error, "request_id": request_id})


def note(scope: MutableMapping[str, Any], error: ApiError, cause: BaseException | None = None) -> None:
    """Keeps beside a request what its client is told, and what that came of, for whoever tells of the answer."""
    cause = cause or error
    ours = error.status >= OURS
    scope[FAILED] = (error.kind, type(cause).__name__ if ours else "", place_of(cause) if ours else "")


def error_response(request: Request, error: ApiError, cause: BaseException | None = None) -> Response:
    note(request.scope, error, cause)
    body = error_body(error.kind, error.message, request.scope.get(REQUEST_ID, ""), error.details)
    return Response(body, error.status, error.headers, "application/json")


def type_of(status: int) -> str:
    """What an answer with this status is called; empty where nothing went wrong."""
    if status < min(TYPES):
        return ""
    return TYPES.get(status, TYPES[min(TYPES)] if status < OURS else TYPES[OURS])


def refusal(status: int, message: str, fields: Iterable[tuple[bytes, bytes]], request_id: str) -> bytes:
    """A whole answer as bytes, for what never became a request; the connection ends with it."""
    body = error_body(type_of(status), message, request_id)
    head = [
        *fields,
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"request-id", request_id.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    lines = b"".join(b"%b: %b\r\n" % field for field in head)
    return b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, HTTPStatus(status).phrase.encode(), lines, body)


async def on_error(request: Request, error: Exception) -> Response:
    """Any exception that a route let out, as an answer."""
    if isinstance(error, HTTPException) and error.status_code == METHOD_NOT_ALLOWED:
        return error_response(request, _not_allowed(request))
    return error_response(request, as_api_error(error), error)


def _not_allowed(request: Request) -> ApiError:
    """Names every method of the path: the router knows those of its first route alone."""
    routes = (route for route in request.app.routes if route.path_regex.match(request.scope["path"]))
    allowed = ", ".join(sorted({method for route in routes for method in route.methods}))
    return ApiError(METHOD_NOT_ALLOWED, f"this path takes {allowed}", headers={"allow": allowed})


def as_api_error(error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case InvalidPromptError() | MalformedIdError():
            return ApiError(400, str(error))
        case IdempotencyConflictError():
            return ApiError(422, str(error))
        case ConversationError():
            return _of_conversation(error)
        case QueueFullError() | NotAcceptedError() | BusyError() | LimitedError() | NotAllowedError():
            return _of_submit(error)
        case HTTPException(status_code=404):
            return ApiError(404, "there is nothing at this path")
        case HTTPException():
            return ApiError(error.status_code if error.status_code in TYPES else 400, str(error.detail))
        case RedisError() | OSError() | TimeoutError() if tell_refusal("requests", error).passes:
            return ApiError(
                503, "Redis cannot be reached or is full; try again", headers={"retry-after": AWAY_RETRY_AFTER}
            )
        case _:
            return ApiError(500, "internal error")


def _of_submit(error: KeepstreamError) -> ApiError:
    match error:
        case NotAllowedError():
            return ApiError(403, str(error))
        case LimitedError(over=over):
            status, message, headers = refusal_of(over)
            return ApiError(status, message, headers=headers)
        case QueueFullError(retry_after=seconds):
            headers = {"retry-after": str(seconds)}
            return ApiError(429, f"{error}; try again later", headers=headers)
        case _:
            return ApiError(503, str(error), headers={"retry-after": AWAY_RETRY_AFTER})


def _of_conversation(error: ConversationError) -> ApiError:
    match error:
        case NoConversationError(deleted=deleted):
            return ApiError(410, str(error)) if deleted else ApiError(404, str(error))
        case ConversationBusyError(stream_id=stream_id):
            headers = {"x-keepstream-id": stream_id}
            return ApiError(409, str(error), headers=headers, details={"stream_id": stream_id})
        case ConversationFullError():
            return ApiError(413, str(error))
        case _:
            return ApiError(409, str(error))


HANDLED: tuple[type[Exception], ...] = (
    ApiError,
    InvalidPromptError,
    MalformedIdError,
    IdempotencyConflictError,
    QueueFullError,
    LimitedError,
    NotAllowedError,
    NotAcceptedError,
    BusyError,
    ConversationError,
    HTTPException,
    RedisError,
    *AWAY,
    Exception,
)
