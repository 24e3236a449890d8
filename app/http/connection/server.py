"""uvicorn as we run it: without signal handlers of its own, on a socket of ours, its connections bounded."""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import Iterable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from app.http.connection.crowd import Crowd
from app.http.connection.protocol import BoundedProtocol
from app.http.connection.tls.certificate import Certificate
from app.http.connection.tls.handshakes import Handshakes
from app.settings import Settings, SettingsError

# Connections that may wait to be accepted: what comes back at once when another front dies.
BACKLOG = 4096


class Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: whoever runs it drains first, then sets `should_exit`."""

    config: Config

    def __init__(self, config: Config, certificate: Certificate | None) -> None:
        super().__init__(config)
        self._certificate = certificate
        self._handshakes: list[Handshakes] = []

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """With a certificate it is not the loop that accepts connections."""
        if self._certificate is None:
            await super().startup(sockets)
            return
        await super().startup([])
        make = functools.partial(BoundedProtocol, self.config, self.server_state, self.lifespan.state)
        for listener in sockets or ():
            self._handshakes.append(Handshakes(listener, self._certificate, self.config.crowd, make))
            self._handshakes[-1].start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for one in self._handshakes:
            await one.stop()
        await super().shutdown(sockets)


class Config(uvicorn.Config):
    """What a connection needs to know beside uvicorn's own: who may read what it refuses, and how many there are."""

    origins: frozenset[str] = frozenset()
    crowd: Crowd


def server(
    app: ASGIApp, origins: Iterable[str] = (), crowd: Crowd | None = None, certificate: Certificate | None = None
) -> Server:
    """Of connections that speak TLS where there is a certificate."""
    options: dict[str, Any] = {
        "http": BoundedProtocol,
        "ws": "none",
        "loop": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # nothing here asks for a client's address, and a stranger may write any
        "backlog": BACKLOG,
    }
    config = Config(app, **options)
    config.origins = frozenset(origins)
    config.crowd = crowd or Crowd(Settings().connections_max)
    return Server(config, certificate)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises `SettingsError` for an address that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By the protocol's name, or asyncio does not take it for TCP: each answer of two pieces would wait for 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
        raise SettingsError(
            f"cannot listen on {host}:{port}: {reason}; choose others with --host and --port, or KEEPSTREAM_HOST and "
            "KEEPSTREAM_PORT"
        ) from error
    listener.listen(BACKLOG)
    return listener


def address(listener: socket.socket, *, secure: bool = False) -> str:
    """Where a bound socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http{'s' if secure else ''}://{f'[{host}]' if ':' in host else host}:{port}"
