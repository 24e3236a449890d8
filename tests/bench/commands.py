"""Which commands reach a Redis, and from whom: MONITOR, counted. What runs inside of scripts is left out."""

from __future__ import annotations

import re
import socket
import time
from collections import Counter
from collections.abc import Sequence

from redis import Redis

from app.dev.ports import LOOPBACK

# +1763705242.123456 [0 127.0.0.1:51234] "ping"
_FROM = re.compile(rb"^\+[\d.]+ \[\d+ ([^\]]+)\]", re.MULTILINE)
FRONT = "front"
WORKER = "worker"


def count_commands(ports: Sequence[int], seconds: float) -> list[dict[str, float]]:
    """Commands a second from fronts and from workers, of each of these servers.

    A front names its connections; whoever else is there is a worker.
    """
    monitors = [socket.create_connection((LOOPBACK, port)) for port in ports]
    try:
        for monitor in monitors:
            monitor.sendall(b"MONITOR\r\n")
        time.sleep(seconds)
        heard = [_read(monitor) for monitor in monitors]
    finally:
        for monitor in monitors:
            monitor.close()
    return [_by_role(port, text, seconds) for port, text in zip(ports, heard, strict=True)]


def _read(monitor: socket.socket) -> bytes:
    monitor.setblocking(False)  # noqa: FBT003 - a positional-only parameter
    parts = []
    while True:
        try:
            part = monitor.recv(1_000_000)
        except BlockingIOError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def _by_role(port: int, heard: bytes, seconds: float) -> dict[str, float]:
    with Redis(LOOPBACK, port) as client:
        names = {entry["addr"]: entry["name"] for entry in client.client_list()}
    count = Counter(
        FRONT if names.get(who.decode(), "").startswith(FRONT) else WORKER
        for who in _FROM.findall(heard)
        if who != b"lua"
    )
    return {role: count[role] / seconds for role in (FRONT, WORKER)}
