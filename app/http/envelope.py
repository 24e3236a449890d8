"""What every answer carries, and what is refused whatever the path: the outermost ASGI layer.

The rule: each request gets an id and each answer tells it; a page that may not ask is refused before anybody looks at
what it asks (`origins`); and whatever the application lets out is one line in the log, with its class and its place and
none of its words, and a 500 for the client.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.addresses import client_address, is_https
from app.environment import Network
from app.http import origins
from app.http.body import HOLD, Bodies
from app.http.connection.crowd import ONE_TOO_MANY
from app.http.connection.cycle import Unchunked, closing, mark
from app.http.errors import (
    FAILED,
    REQUEST_ID,
    ApiError,
    as_api_error,
    crowded,
    error_body,
    new_request_id,
    note,
    type_of,
)
from app.http.remaining import retry_headers
from app.intake.prompt import client_request_id
from app.stream.observing import tell
from app.watch.events import of_fronts, of_processes
from app.watch.events.subjects import request_ids, subject, word
from app.watch.traces import carried

ALLOWED_HEADERS = frozenset(
    {
        "authorization",
        "x-api-key",
        "content-type",
        "last-event-id",
        "idempotency-key",
        "if-none-match",
        "anthropic-version",
        "anthropic-beta",
        "anthropic-dangerous-direct-browser-access",
    }
)
ALLOWED_PREFIX = "x-stainless-"
ALLOWED_METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
PREFLIGHT_SECONDS = "600"
COME_AGAIN_MS = 10_000
# Who came by https comes by nothing else for a year. Of other names below ours this says nothing.
TRANSPORT_SECURITY = "max-age=31536000"


@dataclass(frozen=True, slots=True)
class Door:
    """What the door needs to know. `hosts` is None where any name may be used for us."""

    origins: Collection[str] = ()
    own_hosts: Collection[str] = ()
    hosts: Collection[str] | None = None
    bodies_bytes: int = 256 * 1024 * 1024
    root_path: str = ""
    proxies: Sequence[Network] = ()


class Envelope:
    """Wraps the application."""

    def __init__(
        self,
        app: ASGIApp,
        door: Door,
        is_ours: Callable[[str], bool],
        too_early: Callable[[Callable[[], str]], float] = lambda _: 0.0,
    ) -> None:
        """`is_ours` says whether a path is one that the application serves; `too_early` by how many seconds an address
        asks too early.
        """
        self._app = app
        self._door = door
        self._is_ours = is_ours
        self._address_asks = too_early
        self._origins = frozenset(door.origins)
        self._bodies = Bodies(door.bodies_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        mark(scope, send)  # type: ignore[arg-type]
        scope[REQUEST_ID] = new_request_id()
        asked = Headers(scope=scope)
        client_id = client_request_id(asked)
        token = request_ids.set((scope[REQUEST_ID], client_id or ""))
        carried.came(asked.getlist)
        shared = origins.share(self._origins, asked.raw)
        if is_https(scope, self._door.proxies):
            shared.append((b"strict-transport-security", TRANSPORT_SECURITY.encode()))
        answer = _Answer(scope, send, self._door.root_path, shared)
        scope[HOLD] = hold = self._bodies.hold()
        answer.on_start.append(hold.release)
        try:
            await self._serve(scope, receive, answer, asked)
        except Exception as error:  # noqa: BLE001  # the last one to hear of it
            tell(of_processes.Fault.met("internal error", error, subject()))
            if not answer.started:
                await answer.refuse(as_api_error(error), error)
        finally:
            hold.release()
            self._tell(scope, answer.status, time.monotonic() - began)
            request_ids.reset(token)

    @staticmethod
    def _tell(scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "")
        failed = scope.get(FAILED) or (type_of(status), "", "")
        tell(of_fronts.RequestServed(subject(), word(scope["method"]), route, status, seconds, *failed))

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer, asked: Headers) -> None:
        self._strip(scope)
        if scope["path"] not in origins.HEALTH and (early := self._too_early(scope)) > 0:
            await answer.turn_away(asked, _too_often(early), "too many requests")
            return
        if scope["method"] == "OPTIONS" and "access-control-request-method" in asked:
            await self._preflight(asked, answer)
            return
        if ONE_TOO_MANY in scope and scope["path"] not in origins.HEALTH:
            await answer.turn_away(asked, crowded(), "too many connections")
            return
        if (refusal := self._refusal(scope, asked)) is not None:
            await answer.refuse(refusal)
            return
        await self._app(scope, receive, answer.send)

    def _too_early(self, scope: Scope) -> float:
        return self._address_asks(lambda: client_address(scope, self._door.proxies))

    def _refusal(self, scope: Scope, asked: Headers) -> ApiError | None:
        """What is wrong with a request whatever it asks for."""
        door = self._door
        if door.hosts is not None and scope["path"] not in origins.HEALTH and origins.foreign_host(asked, door.hosts):
            return ApiError(
                403, "this name is not one of this server's: use localhost, or have it added to KEEPSTREAM_HOSTS"
            )
        if origins.foreign_page(scope["method"], asked, self._origins, door.own_hosts):
            return ApiError(403, "pages of this origin may not do this: have it added to KEEPSTREAM_CORS_ORIGINS")
        return None

    def _strip(self, scope: Scope) -> None:
        """The path as our routes know it, whether or not a proxy has taken the root path away."""
        root = self._door.root_path
        # More than once: a client may join what we name to an address that has it already. And not from a path that is
        # ours as it is: under /api, /api/chat is what a proxy has left of /api/api/chat.
        while root and f"{scope['path']}/".startswith(f"{root}/") and not self._is_ours(scope["path"]):
            scope["path"] = scope["path"][len(root) :] or "/"
            scope["raw_path"] = scope["raw_path"][len(root) :] or b"/"

    async def _preflight(self, asked: Headers, answer: _Answer) -> None:
        headers: list[tuple[bytes, bytes]] = []
        if asked.get("origin", "") in self._origins:
            wanted = [name.strip().lower() for name in asked.get("access-control-request-headers", "").split(",")]
            granted = sorted(
                ALLOWED_HEADERS
                | {n for n in wanted if n.startswith(ALLOWED_PREFIX) and n.isascii() and n.isprintable()}
            )
            headers = [
                (b"access-control-allow-methods", ALLOWED_METHODS.encode()),
                (b"access-control-allow-headers", ", ".join(granted).encode("latin-1")),
                (b"access-control-max-age", PREFLIGHT_SECONDS.encode()),
            ]
        await answer.send({"type": "http.response.start", "status": 204, "headers": headers})
        await answer.send({"type": "http.response.body", "body": b""})


def _too_often(seconds: float) -> ApiError:
    wait = retry_headers(seconds)
    message = f"address: too many requests come from your address; try again in {wait['retry-after']} s"
    return ApiError(429, message, headers=wait)


class _Answer:
    """The answer to one request: what it carries of ours is put on when it starts."""

    def __init__(self, scope: Scope, send: Send, root_path: str, shared: list[tuple[bytes, bytes]]) -> None:
        self.started = False
        self.status = 0
        self.on_start: list[Callable[[], None]] = []
        self._scope = scope
        self._send = send
        self._root_path = root_path
        self._shared = shared
        self._unchunked = Unchunked(scope) if scope["http_version"] == "1.0" else None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            for act in self.on_start:
                act()
            self._put_on(message)
        if self._unchunked is not None:
            self._unchunked.before(message)
        if origins.SSE not in self._scope or not message.get("body"):
            await self._send(message)
            return
        self._scope[origins.SSE] = False  # until it is written, which may take its time
        await self._send(message)
        self._scope[origins.SSE] = message["body"].endswith(b"\n\n")

    def _put_on(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        if ONE_TOO_MANY in self._scope or headers.get("connection") == "close":
            closing(self._scope, headers)
        headers["request-id"] = self._scope[REQUEST_ID]  # a route may have put the upstream's there
        headers.setdefault("x-content-type-options", "nosniff")
        headers.setdefault("cache-control", "no-store")
        location = headers.get("location", "")
        if self._root_path and location.startswith("/"):
            headers["location"] = self._root_path + location
        for name, value in self._shared:
            if name == b"vary":
                headers.add_vary_header(value.decode())
            else:
                headers.raw.append((name, value))
        if headers.get("content-type", "").startswith("text/event-stream"):
            self._scope[origins.SSE] = True

    async def turn_away(self, asked: Headers, error: ApiError, why: str) -> None:
        """Of who has no place here: an EventSource, which never comes again after a 503, is told when to come."""
        if self._scope["method"] != "GET" or "text/event-stream" not in asked.get("accept", ""):
            await self.refuse(error)
            return
        note(self._scope, error)
        wait_ms = max(COME_AGAIN_MS, int(error.headers.get("retry-after", "0")) * 1000)
        body = b"retry: %d\n: %b\n\n" % (wait_ms, why.encode())
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache, no-transform")]
        headers += [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        await self.send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def refuse(self, error: ApiError, cause: BaseException | None = None) -> None:
        note(self._scope, error, cause)
        body = error_body(error.kind, error.message, self._scope[REQUEST_ID], error.details)
        headers = {"content-type": "application/json", "content-length": str(len(body)), **error.headers}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": error.status, "headers": raw})
        await self.send({"type": "http.response.body", "body": b"" if self._scope["method"] == "HEAD" else body})
