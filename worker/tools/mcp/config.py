"""Which MCP servers there are: the file that others have too (`mcpServers`), and what is ours in it (`keepstream`).

The rule: what cannot be meant is told when the worker starts, with the file, the server, the key and what to do; what
only others know is let be. A value may name variables of the environment (`${NAME}`, `${NAME:-otherwise}`).
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import orjson

from app.environment import is_http
from app.settings import SettingsError
from worker.tools.functions.decorator import Options, fault_of
from worker.tools.running.redacted import secrets_in

SETTING = "KEEPSTREAM_MCP"
FILE_BYTES_MAX = 1024 * 1024
SERVERS_MAX = 64
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_OURS = {"repeatable", "approve", "owners", "seconds", "bytes", "tools", "stderr"}
_HTTP = ("http", "streamable-http", "streamableHttp", "streamable_http")


@dataclass(frozen=True, slots=True)
class Granted:
    """Which of a server's tools something is said of."""

    all: bool = False
    names: frozenset[str] = frozenset()

    def __contains__(self, tool: str) -> bool:
        return self.all or tool in self.names


@dataclass(frozen=True, slots=True)
class Server:
    """`command` with `args` or `url`. `tools`: those that are offered, None for all. `stderr`: a file that takes it."""

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = None
    url: str = field(default="", repr=False)  # may hold a password
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Options = field(default_factory=Options)
    repeatable: Granted = field(default_factory=Granted)
    approve: Granted = field(default_factory=Granted)
    tools: frozenset[str] | None = None
    stderr: str | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


def servers_of(path: str, environ: Mapping[str, str]) -> list[Server]:
    """The servers that a file names. Raises `SettingsError`."""
    if importlib.util.find_spec("mcp") is None:
        raise SettingsError(f"{SETTING} needs the library mcp: pip install 'keepstream-server[mcp]'")
    named = _named(path)
    return [
        _Reading(f"{path}: {name}", environ).server(name, given)
        for name, given in named.items()
        if not (isinstance(given, dict) and given.get("disabled") is True)
    ]


def _named(path: str) -> dict[str, Any]:
    try:
        with Path(path).open("rb") as file:
            text = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise SettingsError(f"{SETTING}: cannot read {path}: {error.strerror}") from error
    if len(text) > FILE_BYTES_MAX:
        raise SettingsError(f"{SETTING}: {path} is larger than {FILE_BYTES_MAX} bytes")
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise SettingsError(f"{SETTING}: {path} is no JSON: line {error.lineno}, column {error.colno}") from None
    servers = read.get("mcpServers") if isinstance(read, dict) else None
    if not isinstance(servers, dict):
        raise SettingsError(f'{SETTING}: {path} must be an object with "mcpServers": {{"name": {{"command": …}}}}')
    if len(servers) > SERVERS_MAX:
        raise SettingsError(f"{SETTING}: {path} names {len(servers)} servers; {SERVERS_MAX} are allowed")
    return servers


class _Reading:
    """Of one server's entry; `where` it stands is told with what is wrong."""

    def __init__(self, where: str, environ: Mapping[str, str]) -> None:
        self._where = where
        self._environ = environ
        self._secret: list[str] = []

    def server(self, name: str, given: Any) -> Server:
        if not _NAME.fullmatch(name):
            self._refuse("a server's name must be 1 to 64 of a-z, A-Z, 0-9, _ and -")
        if not isinstance(given, dict):
            self._refuse("must be an object")
        kind = given.get("type", "http" if "url" in given else "stdio")
        if kind == "sse":
            self._refuse('type "sse" is the transport of before: use the server\'s streamable HTTP address and "http"')
        if kind != "stdio" and kind not in _HTTP:
            self._refuse('type must be "stdio" or "http"')
        ours = self._object(given.get("keepstream", {}), "keepstream")
        if odd := sorted(set(ours) - _OURS):
            self._refuse(f"keepstream.{odd[0]} is not known; there are {', '.join(sorted(_OURS))}")
        place = self._process(given) if kind == "stdio" else self._address(given)
        return Server(name=name, **place, **self._options(ours), secrets=tuple(self._secrets(place)))

    def _process(self, given: Mapping[str, Any]) -> dict[str, Any]:
        command = self._text(given.get("command", ""), "command")
        if not command:
            self._refuse("command must name a program")
        args = given.get("args", [])
        if not isinstance(args, list):
            self._refuse("args must be a list of texts")
        return {
            "command": command,
            "args": tuple(self._text(arg, f"args.{n}") for n, arg in enumerate(args)),
            "env": self._texts(given.get("env", {}), "env"),
            "cwd": self._text(given["cwd"], "cwd") if given.get("cwd") is not None else None,
        }

    def _address(self, given: Mapping[str, Any]) -> dict[str, Any]:
        url = self._text(given.get("url", ""), "url")
        if not is_http(url):
            self._refuse("url must be an http:// or https:// address")
        return {"url": url, "headers": self._texts(given.get("headers", {}), "headers")}

    def _options(self, ours: Mapping[str, Any]) -> dict[str, Any]:
        limits = {name: ours[name] for name in ("seconds", "bytes") if name in ours}
        for name, value in limits.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                self._refuse(f"keepstream.{name} must be a number")
        if not isinstance(limits.get("bytes", 0), int):
            self._refuse("keepstream.bytes must be a whole number")
        owners = self._names(ours["owners"], "owners") if ours.get("owners") is not None else None
        options = Options(owners=owners, **limits)
        if fault := fault_of(options):
            self._refuse(f"keepstream.{fault}")
        return {
            "options": options,
            "repeatable": self._granted(ours.get("repeatable", False), "repeatable"),
            "approve": self._granted(ours.get("approve", False), "approve"),
            "tools": frozenset(self._names(ours["tools"], "tools")) if ours.get("tools") is not None else None,
            "stderr": self._text(ours["stderr"], "keepstream.stderr") if ours.get("stderr") is not None else None,
        }

    def _granted(self, value: Any, key: str) -> Granted:
        return Granted(all=value) if isinstance(value, bool) else Granted(names=frozenset(self._names(value, key)))

    def _names(self, value: Any, key: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self._refuse(f"keepstream.{key} must be a list of texts")
        return tuple(value)

    def _object(self, value: Any, key: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._refuse(f"{key} must be an object")
        found: dict[str, Any] = value
        return found

    def _texts(self, value: Any, key: str) -> dict[str, str]:
        return {name: self._text(one, f"{key}.{name}") for name, one in self._object(value, key).items()}

    def _text(self, value: Any, key: str) -> str:
        if not isinstance(value, str) or "\0" in value:
            self._refuse(f"{key} must be a text")
        return _VARIABLE.sub(lambda found: self._variable(found[1], found[2], key), value)

    def _variable(self, name: str, otherwise: str | None, key: str) -> str:
        value = self._environ.get(name) or otherwise
        if value is None:
            self._refuse(f"{key} names ${{{name}}}, which is not set: set it, or give ${{{name}:-otherwise}}")
        if name in self._environ:
            self._secret += secrets_in({name: value})
        return value

    def _secrets(self, place: Mapping[str, Any]) -> Iterator[str]:
        yield from self._secret
        yield from secrets_in({**place.get("env", {}), **place.get("headers", {}), "url": place.get("url", "")})

    def _refuse(self, why: str) -> NoReturn:
        raise SettingsError(f"{SETTING}: {self._where}: {why}")
