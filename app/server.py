"""uvicorn as we run it: bounded heads, no signal handlers of its own, a socket of ours.

The rule: a connection that says nothing, or its head byte by byte, is closed after `HEAD_SECONDS`; uvicorn alone would
keep it for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.routes.errors import error_body, new_request_id
from app.settings import SettingsError
from app.sockets import bound

HEAD_SECONDS = 20.0
# Far above what browsers and SDKs send; the parser itself has no bound.
HEAD_BYTES = 64 * 1024
# Connections that may wait to be accepted: what comes back at once when another front dies.
BACKLOG = 4096
KEEP_ALIVE_SECONDS = 60


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a bound on the time and the size of a request's head."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        bound(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            # A body may follow its head in the same read: only what is all head is refused for its size.
            if self._head_bytes > HEAD_BYTES and b"\r\n\r\n" not in data:
                self._refuse(b"431 Request Header Fields Too Large", f"the head is larger than {HEAD_BYTES} bytes")
                return
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's words are for nobody
        self._refuse(b"400 Bad Request", "this is not a valid HTTP request")

    def _refuse(self, status: bytes, message: str) -> None:
        """What never became a request is answered like any other, as far as that goes, and then nothing is."""
        request_id = new_request_id()
        body = error_body("invalid_request_error", message, request_id)
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nrequest-id: %b\r\n"
        self.transport.write(head % (status, len(body), request_id.encode()) + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self._in_head = False
        super().on_headers_complete()

    def _await_head(self) -> None:
        if not self._in_head or self._head_timer is None:
            self._stop_timer()
            self._in_head = True
            self._head_bytes = 0
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self.transport.close()


class Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: whoever runs it drains first, then sets `should_exit`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(app: ASGIApp) -> Server:
    options: dict[str, Any] = {
        "http": BoundedProtocol,
        "ws": "none",
        "loop": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "backlog": BACKLOG,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
    }
    return Server(uvicorn.Config(app, **options))


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises `SettingsError` for an address that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError, UnicodeError) as error:
        listener.close()
        match error:
            case OSError():
                reason = error.strerror
            case OverflowError():
                reason = "a port is a number from 0 to 65535"
            case _:
                reason = "no name of a host"
        raise SettingsError(f"cannot listen on {host}:{port}: {reason}; choose another with --port") from error
    listener.listen(BACKLOG)
    return listener


def address(listener: socket.socket) -> str:
    """Where a bound socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
