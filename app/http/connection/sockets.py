"""What the kernel is told about every connection, so that a client that does not read holds little, and not for ever.

The rule: the transport pauses its writer at `TRANSPORT_BYTES`, the kernel keeps `KERNEL_BYTES` (which Linux doubles)
instead of growing to 4 MiB, and a peer that takes nothing for `UNACKNOWLEDGED_MS` is gone: a phone out of reach comes
back with its last id.
"""

from __future__ import annotations

import asyncio
import socket

TRANSPORT_BYTES = 16 * 1024
KERNEL_BYTES = 64 * 1024
UNACKNOWLEDGED_MS = 90_000

_CLOSE_WAIT = 8  # of Linux' tcp_states.h: the peer has said all it will say


def bound(transport: asyncio.Transport) -> None:
    """To be called for every connection when it is made."""
    transport.set_write_buffer_limits(high=TRANSPORT_BYTES)
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)


def half_closed(transport: asyncio.Transport) -> bool:
    """Whether the peer will send nothing more; False where the kernel does not say."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6) or not hasattr(socket, "TCP_INFO"):
        return False
    try:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _CLOSE_WAIT
    except OSError:
        return False  # it is gone altogether, which its protocol will hear


def is_secured(transport: asyncio.Transport) -> bool:
    """Whether this is TLS, of which Python's knows no half that stays open."""
    return transport.get_extra_info("sslcontext") is not None
