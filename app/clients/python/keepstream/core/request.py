"""A request as a value, and an answer as what it means. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlsplit

import httpx

from ..errors import InvalidAnswerError, KeepstreamError, UnreachableError, refused

T = TypeVar("T")


def _parsed(response: httpx.Response) -> Any:
    if response.status_code == httpx.codes.NO_CONTENT:
        return None
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise InvalidAnswerError(
            f"what answers at this address is no Keepstream: {_kind(response)} came instead of JSON",
            status=response.status_code,
        ) from None


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One call of the HTTP interface; `read` makes of a good answer what is returned.

    `path` begins with a slash and is the server's own, or is a whole address of the same server. `seconds` is how long
    the answer may take, None for as long as any silence may.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    read: Callable[[httpx.Response], T] = _parsed

    def with_headers(self, headers: Mapping[str, str]) -> Request[T]:
        """The same with these too. Raises `ValueError` for what cannot be sent."""
        more = {name: sendable(name, value) for name, value in headers.items()}
        return replace(self, headers={**self.headers, **more})


def with_json(method: str, path: str, body: Any, *, seconds: float | None = None) -> Request[Any]:
    """A request with a JSON body. Raises `ValueError` and `TypeError` for what JSON cannot say."""
    return Request(method, path, content=encoded(body), headers={"content-type": "application/json"}, seconds=seconds)


def encoded(value: Any) -> bytes:
    """JSON in UTF-8; half a surrogate pair, which UTF-8 does not have, goes as the escape that JSON has."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def segment(name: str) -> str:
    """An id, which may be anybody's word, as one segment of a path."""
    return quote(name, safe="")


def base_of(address: str) -> str:
    """The server's address without a slash at its end. Raises `ValueError`."""
    parts = urlsplit(address.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("base_url: must be an http:// or https:// address, such as http://127.0.0.1:8000")
    return address.strip().rstrip("/")


def shown(base: str) -> str:
    """An address without the user and the password in it."""
    parts = urlsplit(base)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def address_of(base: str, path: str) -> str:
    """Where a request goes: below the base, or to the whole address that it has."""
    return base + path if path.startswith("/") else path


def whole(base: str, events_url: str) -> str:
    """An `events_url` as a whole address: as a path it carries all that a proxy shows the server under.

    Raises `ValueError` for another server's: it would be given the key.
    """
    here, there = urlsplit(base), urlsplit(events_url)
    if not there.scheme and not there.netloc and events_url.startswith("/"):
        return f"{here.scheme}://{here.netloc}{events_url}"
    if (there.scheme, there.hostname, there.port) != (here.scheme, here.hostname, here.port):
        raise ValueError("this is not an address of the server that this client talks to")
    return events_url


def answer_of(request: Request[T], response: httpx.Response) -> T:
    """What a whole answer means. Raises `KeepstreamError`."""
    if not response.is_success:
        raise error_of(response)
    return request.read(response)


def check_events(response: httpx.Response) -> None:
    """Whether a good answer's head is that of a stream of events. Raises `InvalidAnswerError`."""
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/event-stream":
        raise InvalidAnswerError(
            f"what answers at this address is no Keepstream: {_kind(response)} came instead of events",
            status=response.status_code,
        )
    response.encoding = "utf-8"  # as events are, whatever something in between says of them


def error_of(response: httpx.Response) -> KeepstreamError:
    """What an answer that is not a good one says. Its body has been read."""
    kind, message = "api_error", response.reason_phrase or f"status {response.status_code}"
    request_id = response.headers.get("request-id")
    try:
        body = response.json()
        kind, message = str(body["error"]["type"]), str(body["error"]["message"])
        request_id = body.get("request_id") or request_id
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        pass  # a proxy's own page
    if response.has_redirect_location:
        message = f"{message}: the server is at {shown(response.headers['location'])}"
    return refused(
        response.status_code,
        kind,
        message,
        request_id=request_id,
        retry_after=_retry_after(response.headers),
        stream_id=response.headers.get("x-keepstream-id"),
    )


def unreachable(error: httpx.RequestError) -> UnreachableError:
    """That no answer came. What was sent is taken out of the cause: it has the key in it."""
    try:
        asked = error.request
    except RuntimeError:  # it has none
        pass
    else:
        error.request = httpx.Request(asked.method, asked.url.copy_with(query=None, userinfo=b""))
    silent = "nothing came any more" if isinstance(error, httpx.ReadTimeout) else ""
    return UnreachableError(str(error) or silent or type(error).__name__, type="connection_error")


def sendable(name: str, value: str) -> str:
    """A header's value. Raises `ValueError`, which does not have it: it may be a secret."""
    if not (value.isascii() and value.isprintable()):
        raise ValueError(f"{name}: must be made of printable ASCII characters")
    return value


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds, as they stand there, or up to the date that does."""
    said = headers.get("retry-after", "").strip()
    if said.isdecimal():
        return float(said)
    try:
        then = parsedate_to_datetime(said)
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max((then - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _kind(response: httpx.Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip() or "nothing"
