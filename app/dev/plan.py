"""What `keepstream dev` is going to run: decided and checked before anything is started.

Whatever cannot work is a `SettingsError` here, with what to do about it, and not a child that dies later.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.access.closed import check_closed
from app.access.identity.entrance import Entrance
from app.dev import embedded, parts
from app.dev.lock import DirectoryBusyError, DirectoryLock
from app.dev.ports import address_of, free_port, is_free
from app.settings import Settings, SettingsError
from app.stream.errors import UnfitServerError
from app.stream.redis.servers import servers

DATA_DIRECTORY = Path(".keepstream")
SOCKET = "valkey.sock"
# The shortest bound of the systems that we run on, macOS', without the closing NUL.
SOCKET_PATH_BYTES = 103


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run. Without a `valkey`, the environment names the Redis."""

    port: int
    workers: int
    settings: Settings
    environment: Mapping[str, str]
    valkey: parts.Valkey | None


def make_plan(options: argparse.Namespace, environment: Mapping[str, str], cleanup: ExitStack) -> Plan:
    """Decide and check. What is held until the end goes on `cleanup`. Raises `SettingsError`."""
    settings = Settings.from_env(environment)
    port = _checked_port(settings.host, settings.port if options.port is None else options.port)
    _check(settings)
    return Plan(
        port=port,
        workers=options.workers,
        settings=settings,
        environment=environment,
        valkey=None if _is_set(environment, "REDIS_URL") else _valkey(options, environment, cleanup),
    )


def _check(settings: Settings) -> None:
    """What the front and the workers would refuse, one after the other."""
    Entrance.of(settings)
    check_closed(settings, address_of(settings.host))
    try:
        servers(settings, "dev")
    except UnfitServerError as error:
        raise SettingsError(str(error)) from error


def _valkey(options: argparse.Namespace, environment: Mapping[str, str], cleanup: ExitStack) -> parts.Valkey:
    try:
        server = _server(options.redis_server)
    except embedded.EmbeddedValkeyError as error:
        raise SettingsError(f"{error}: set REDIS_URL, or name a server with --redis-server") from error
    directory = _temporary(cleanup) if options.ephemeral else DATA_DIRECTORY.absolute()
    lock = cleanup.enter_context(_locked(directory))
    at = directory / SOCKET
    if len(os.fsencode(at)) > SOCKET_PATH_BYTES:
        at = _temporary(cleanup) / SOCKET
    return parts.Valkey(server, directory, at, lock.descriptor, environment)


def _temporary(cleanup: ExitStack) -> Path:
    """A directory that goes when it ends. Nobody else may look into it."""
    return Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="keepstream-")))


@contextmanager
def _locked(directory: Path) -> Iterator[DirectoryLock]:
    try:
        lock = DirectoryLock(directory)
    except DirectoryBusyError as error:
        raise SettingsError(
            f"`keepstream dev` is already running in this directory (process {error.holder or 'unknown'}): "
            "stop it, or run this one with --ephemeral"
        ) from error
    except OSError as error:
        raise SettingsError(f"cannot keep data in {directory}: {error.strerror}; try --ephemeral") from error
    with lock:
        directory.chmod(0o700)  # prompts and answers lie here in plain text
        (directory / ".gitignore").write_text("*\n")  # nobody's project should have this in its history
        yield lock


def _server(named: str | None) -> str:
    """The Valkey or Redis binary to run."""
    if named is None:
        return embedded.binary()
    candidates = ("valkey-server", "redis-server") if named == "auto" else (named,)
    for candidate in candidates:
        if found := shutil.which(candidate):
            return found
    raise SettingsError(f"--redis-server: no {' and no '.join(candidates)} can be run")


def _checked_port(host: str, port: int) -> int:
    try:
        if port == 0:
            return free_port(host)
        taken = not is_free(port, host)
    except (OSError, UnicodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "no name of a host"
        raise SettingsError(f"cannot listen on {host}, port {port}: {reason}") from error
    if taken:
        raise SettingsError(f"port {port} is taken: choose another with --port, or --port 0 for any free one")
    return port


def _is_set(environment: Mapping[str, str], name: str) -> bool:
    return any(environment.get(variable, "").strip() for variable in (name, f"{name}_FILE"))
