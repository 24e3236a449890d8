"""What `keepstream dev` runs, and how each of them says that it is ready.

The only module here that knows the command lines and the lines that the processes print.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import ssl
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from app.dev.embedded import STOP_SECONDS, answers, server_command
from app.dev.ports import LOOPBACK
from app.dev.processes import Part

# On top of what it is given to drain.
_STOP_GRACE_SECONDS = 5.0
_BEAT_SECONDS = 0.02
_HEALTH_SECONDS = 2.0
_ANY_ADDRESS = {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}  # noqa: S104  # recognised here, not bound

# pid, role, date, level, text; and what it says at every start and end.
_VALKEY_LINE = re.compile(r"\d+:\w \d+ \w+ \d+ [\d:.]+ (?P<level>[-.*#]) (?P<text>.*)")
_VALKEY_NOISE = re.compile(r"Memory overcommit must be enabled|ready to exit, bye|^\d+:signal-handler")
_SIMULATOR_LINE = re.compile(r"simulated Claude on (?P<url>https?://\S+?:(?P<port>\d+))/?")
_WORKER_LINE = re.compile(r"ready\b")


def keepstream(*arguments: str) -> list[str]:
    """The command line of this installation, whatever stands on the PATH or in the current directory."""
    return [sys.executable, "-P", "-m", "app.cli", *arguments]


class Valkey(Part):
    """The embedded server, or another binary of the same kind."""

    name = "valkey"
    stop_seconds = STOP_SECONDS

    def __init__(self, server: str, directory: Path, at: Path, lock: int, environment: Mapping[str, str]) -> None:
        self.url = f"unix://{quote(str(at))}?db=0"
        self.environment = environment
        self.pass_fds = (lock,)  # the directory stays locked for as long as the server lives
        self._at = at
        self._command = server_command(server, directory, at)

    def command(self) -> list[str]:
        return self._command

    def shown(self, line: str) -> str | None:
        """Warnings, without their date, and what is no log line at all."""
        if _VALKEY_NOISE.search(line):
            return None
        match = _VALKEY_LINE.fullmatch(line)
        if match is None:
            return line
        return match["text"] if match["level"] == "#" else None

    async def ready(self, pid: int, announced: asyncio.Event) -> None:  # noqa: ARG002  # asked, not told
        await _until(lambda: answers(self._at, pid))


class Simulator(Part):
    """The simulated Claude. `url` is known when it is ready."""

    name = "simulator"
    stop_seconds = _STOP_GRACE_SECONDS
    url: str

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self._port = "0"  # any at first; the same one after a restart, because the workers know it by then

    def command(self) -> list[str]:
        return keepstream("simulate", "--port", self._port)

    def announces(self, line: str) -> bool:
        match = _SIMULATOR_LINE.match(line)
        if match is None:
            return False
        self.url, self._port = match["url"], match["port"]
        return True


class Worker(Part):
    def __init__(self, number: int, drain_seconds: float, environment: Mapping[str, str]) -> None:
        self.name = f"worker-{number}"
        self.stop_seconds = drain_seconds + _STOP_GRACE_SECONDS
        self.environment = environment

    def command(self) -> list[str]:
        return keepstream("worker")

    def announces(self, line: str) -> bool:
        return _WORKER_LINE.match(line) is not None


class Front(Part):
    """`secure`: it has a certificate, of which we need not ask who has signed it."""

    name = "front"

    def __init__(
        self, host: str, port: int, drain_seconds: float, environment: Mapping[str, str], *, secure: bool = False
    ) -> None:
        self.stop_seconds = drain_seconds + _STOP_GRACE_SECONDS
        self.environment = environment
        self._host, self._port, self._secure = host, port, secure
        self._reached_at = _ANY_ADDRESS.get(host, host)

    @property
    def url(self) -> str:
        host = f"[{self._reached_at}]" if ":" in self._reached_at else self._reached_at
        return f"http{'s' if self._secure else ''}://{host}:{self._port}"

    def command(self) -> list[str]:
        return keepstream("front", "--host", self._host, "--port", str(self._port))

    async def ready(self, pid: int, announced: asyncio.Event) -> None:  # noqa: ARG002  # asked, not told
        await _until(lambda: _is_healthy(self._reached_at, self._port, secure=self._secure))


def _is_healthy(host: str, port: int, *, secure: bool) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_HEALTH_SECONDS)
    if secure:
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=_HEALTH_SECONDS, context=trusting)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


async def _until(condition: Callable[[], bool]) -> None:
    """Ask again and again, in a thread: the answer may take as long as a time-out."""
    while not await asyncio.to_thread(condition):  # noqa: ASYNC110  # another process sets no event of ours
        await asyncio.sleep(_BEAT_SECONDS)
