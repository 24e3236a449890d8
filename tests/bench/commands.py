"""Which commands reach a Redis, when, and from whom: MONITOR. What runs inside of scripts is left out."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import psutil

from app.dev.ports import LOOPBACK

# +1763705242.123456 [0 127.0.0.1:51234] "get" "arq:job:4c1f"
_LINE = re.compile(rb"^\+([\d.]+) \[\d+ [\d.]+:(\d+)\] (.*)$", re.MULTILINE)


class Monitor:
    """Hears every command that one Redis gets inside of the `with` block. `pids` are its clients by role."""

    def __init__(self, port: int, pids: Mapping[str, int]) -> None:
        self._socket = socket.create_connection((LOOPBACK, port))
        self._pids = pids
        # Time in seconds, role, and the command as it was written.
        self.heard: list[tuple[float, str, bytes]] = []

    def __enter__(self) -> Self:
        self._socket.sendall(b"MONITOR\r\n")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        roles = self._roles()
        with self._socket:
            for when, port, command in _LINE.findall(_drain(self._socket)):
                self.heard.append((float(when), roles.get(int(port), ""), command))

    def count(self, role: str) -> int:
        return Counter(role for _, role, _ in self.heard)[role]

    def first(self, role: str, name: bytes) -> float | None:
        """When a client of that role first named something."""
        return next((when for when, whose, command in self.heard if whose == role and name in command), None)

    def _roles(self) -> dict[int, str]:
        """By the client's own port."""
        return {
            connection.laddr.port: role
            for role, pid in self._pids.items()
            for connection in psutil.Process(pid).net_connections("tcp")
        }


def _drain(heard: socket.socket) -> bytes:
    """What has come; Redis itself keeps what the kernel could not take."""
    heard.settimeout(0.3)
    parts = []
    while True:
        try:
            part = heard.recv(1_000_000)
        except TimeoutError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)
