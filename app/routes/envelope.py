"""What every answer carries: a request id and, for the origins that are allowed, CORS. The outermost ASGI layer."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.routes.errors import REQUEST_ID, new_request_id
from app.takeover import Unchunked, mark

ALLOWED_HEADERS = frozenset(
    {
        "authorization",
        "x-api-key",
        "content-type",
        "last-event-id",
        "idempotency-key",
        "anthropic-version",
        "anthropic-beta",
        "anthropic-dangerous-direct-browser-access",
    }
)
ALLOWED_PREFIX = "x-stainless-"
ALLOWED_METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
EXPOSED_HEADERS = "request-id, retry-after, location, x-keepstream-id"
PREFLIGHT_SECONDS = "600"


class Envelope:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        mark(scope, send)  # type: ignore[arg-type]
        scope[REQUEST_ID] = new_request_id()
        asked = Headers(scope=scope)
        origin = asked.get("origin", "")
        allowed = origin in self._origins
        unchunked = Unchunked(scope) if scope["http_version"] == "1.0" else None

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["request-id"] = scope[REQUEST_ID]  # a route may have put the upstream's there
                if self._origins:
                    headers.add_vary_header("Origin")
                if allowed:
                    headers["access-control-allow-origin"] = origin
                    headers["access-control-expose-headers"] = EXPOSED_HEADERS
            if unchunked is not None:
                unchunked.before(message)
            await send(message)

        if scope["method"] == "OPTIONS" and "access-control-request-method" in asked:
            await self._preflight(asked, allowed=allowed, send=send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    @staticmethod
    async def _preflight(asked: Headers, *, allowed: bool, send: Send) -> None:
        headers: list[tuple[bytes, bytes]] = []
        if allowed:
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
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
