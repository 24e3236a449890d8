"""Reads what a request brings: its body, and what of its headers and query means something to us or to the upstream.

The rule: within limits of size and type, and of what all bodies together take. That a
body does not stop coming is seen to by the connection (`app.http.connection.bounds`).
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote_plus

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import Scope

from app.http.errors import ApiError
from app.intake.raw_json import Fields, fields_of
from app.stream.concurrency.threads import beside

# In a scope: what this request's body takes of all bodies' room.
HOLD = "keepstream.body"
BUSY_RETRY_AFTER = "1"
# Longer keys are refused: no client library makes them, and each is hashed on every retry.
IDEMPOTENCY_KEY_MAX = 255


class Bodies:
    """The bytes of bodies that are in flight on this front, at most `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def hold(self) -> Hold:
        return Hold(self)


class Hold:
    """The share of one request, until its answer begins or nobody needs its body any more."""

    __slots__ = ("_bodies", "_bytes")

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._bytes = 0

    def take(self, count: int) -> None:
        """Raises `ApiError` 503 where all bodies together would take too much."""
        if self._bodies.held + count > self._bodies.limit:
            raise ApiError(
                503,
                "this front has as many bytes of requests in flight as it may; try again",
                headers={"retry-after": BUSY_RETRY_AFTER},
            )
        self._bodies.held += count
        self._bytes += count

    def release(self) -> None:
        self._bodies.held -= self._bytes
        self._bytes = 0


async def read_fields(request: Request, limit: int, *, empty: bool = False) -> Fields:
    """The fields of the JSON object of the body, as they were sent; `empty`: there may be no body.

    Raises `InvalidPromptError` and as `read_body`.
    """
    body = await read_body(request, limit)
    if empty and not body:
        return {}
    return await beside(len(body), lambda: fields_of(body))


async def read_body(request: Request, limit: int) -> bytes:
    """The body, said to be JSON if there is one. Raises `ApiError` (400, 413, 415, 503)."""
    too_large = ApiError(413, f"the body is larger than {limit} bytes")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise too_large
    hold: Hold | None = request.scope.get(HOLD)
    body = bytearray()  # not a list of parts: one of two bytes takes 60 there
    try:
        async for part in request.stream():
            if len(body) + len(part) > limit:
                raise too_large
            if hold is not None:
                hold.take(len(part))
            body += part
    except ClientDisconnect:
        raise ApiError(400, "the connection was closed before the body was complete") from None
    if body:
        _check_type(request.headers)
    return bytes(body)


def let_go(scope: Scope) -> None:
    """The body of this request is needed no more, though its answer has not begun."""
    hold: Hold | None = scope.get(HOLD)
    if hold is not None:
        hold.release()


def check_type(request: Request) -> None:
    """Raises `ApiError` 415 for a body that is no JSON, also where nobody is going to read it."""
    length = request.headers.get("content-length", "0")
    if request.method not in ("GET", "HEAD") and length.strip("0 "):
        _check_type(request.headers)


def _check_type(headers: Headers) -> None:
    if not _is_json(headers):
        raise ApiError(415, "the body must be JSON: send content-type: application/json")


def _is_json(headers: Headers) -> bool:
    """Whether a body is said to be JSON; one that is said to be nothing is not, for pages of others can send it."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def headers_of(request: Request, names: Iterable[str]) -> dict[str, str]:
    """Those of the named headers that were sent; one that was sent in several lines as one."""
    return {name: ", ".join(request.headers.getlist(name)) for name in names if name in request.headers}


def query_of(request: Request) -> str:
    """The query as it goes up: as it came, but without a ticket, which is for us alone, wherever it was sent and
    however its name was written.
    """
    return "&".join(part for part in request.url.query.split("&") if unquote_plus(part.partition("=")[0]) != "ticket")


def idempotency_key(request: Request) -> str | None:
    """The client's key, or None. Raises `ApiError` for one that is too long."""
    key = request.headers.get("idempotency-key") or None
    if key is not None and len(key) > IDEMPOTENCY_KEY_MAX:
        raise ApiError(400, f"Idempotency-Key: at most {IDEMPOTENCY_KEY_MAX} characters")
    return key
