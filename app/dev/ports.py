"""Ports on the loopback interface, for servers that others must find again after a restart.

The kernel's own choice (port 0) will not do for these: it lies in the range that outgoing connections take theirs
from. While such a server is down, a client that tries to reconnect can be given that very port as its own, connect to
itself, and keep the server from coming back.
"""

from __future__ import annotations

import errno
import random
import socket
from typing import Any

LOOPBACK = "127.0.0.1"
# Below the ephemeral ranges of Linux (from 32768) and macOS (from 49152), above what well-known servers use.
_LOW, _HIGH = 20_000, 30_000
_TRIES = 100


class NoFreePortError(RuntimeError):
    """Every port that was tried is taken."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now. Raises `OSError` where the host is not this machine's."""
    family, kind, protocol, address = _resolved(host, port)
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def free_port(host: str = LOOPBACK) -> int:
    """A port that nobody listens on. Another process may take it before you do: be ready to ask again."""
    for _ in range(_TRIES):
        port = random.randrange(_LOW, _HIGH)  # noqa: S311  # no secret: random so that parallel tests seldom collide
        if is_free(port, host):
            return port
    raise NoFreePortError(f"no free port between {_LOW} and {_HIGH} on {host}")


def address_of(host: str) -> str:
    """The address that a host's name stands for. Raises `OSError`."""
    return str(_resolved(host, 0)[3][0])


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, socket.SocketKind, int, tuple[Any, ...]]:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    return family, kind, protocol, address
