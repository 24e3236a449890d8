"""What stands in an environment, read and judged by how it looks. Pure, but for secrets that come as files."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_SERVICE_LINK = re.compile(
    r"KEEPSTREAM_(.*_)?(SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


class SettingsError(ValueError):
    """A setting that cannot be used. The message names the variable and what it takes."""


def is_service_link(name: str, value: str) -> bool:
    """Whether a variable is what Kubernetes or Docker tells of a service whose name begins with ours."""
    if not _SERVICE_LINK.fullmatch(name):
        return False
    return name != "KEEPSTREAM_PORT" or "://" in value


def is_origin(text: str) -> bool:
    """Whether a browser could ever send this as an `Origin`: a scheme, a host, and a port that is not the usual one."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if not parts.scheme or not parts.hostname or "@" in parts.netloc or "*" in text or not text.isascii():
        return False
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = port is None or port == {"http": 80, "https": 443}.get(parts.scheme)
    return text == f"{parts.scheme}://{host}{'' if usual else f':{port}'}"


def is_loopback(name: str) -> bool:
    """Whether a host's name or address, without a port, can only be this machine's."""
    name = name.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def is_called(named: Iterable[str], names: Collection[str]) -> bool:
    """Whether a request, by what its `Host` says, calls us by names of this machine or one of `names`."""
    return all(is_loopback(name := _host_of(host)) or name in names for host in named if host)


def _host_of(named: str) -> str:
    try:
        return urlsplit(f"//{named}").hostname or ""
    except ValueError:
        return ""


def begins(url: str) -> str:
    """How an address begins, to be told of one that should begin otherwise: the rest of it may be secret."""
    found = re.match(r"[a-z][a-z+]{0,20}(?=://)", url)
    return f", not with {found[0]}://" if found else ": it has no scheme"


def network_of(text: str) -> Network:
    """An address or a network. Raises `ValueError` that says what is wrong."""
    network = ip_network(text)
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    # Whoever comes over IPv4 has an address of IPv4, also where an IPv6 socket is listened on.
    return IPv4Network((mapped, network.prefixlen - 96)) if mapped and network.prefixlen >= 96 else network  # noqa: PLR2004


def is_http(url: str) -> bool:
    """Whether this is an address that can be asked by HTTP."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises where it is none
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and re.fullmatch("[!-~]+", url) is not None


class Reader:
    """Typed reads of an environment, where every refusal names the variable and its bounds."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        """The value without white space around it; None where it is unset or empty."""
        value = self._environ.get(name, "").strip()
        if not value.isprintable() and any("\ud800" <= character <= "\udfff" for character in value):
            raise SettingsError(f"{name} must be UTF-8 text")  # nothing that holds it could ever be sent
        return value or None

    def secret(self, name: str) -> str | None:
        value, path = self.text(name), self.text(f"{name}_FILE")
        if path is None:
            return value
        if value is not None:
            raise SettingsError(f"set {name} or {name}_FILE, not both")
        try:
            secret = Path(path).read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SettingsError(f"{name}_FILE: cannot read {path}: {reason}") from error
        if not secret:  # not the same as unset: somebody meant to give one
            raise SettingsError(f"{name}_FILE: {path} is empty")
        return secret

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", value) or not low <= int(value) <= high:
            raise SettingsError(f"{name} must be a whole number from {low} to {high}, not {value!r}")
        return int(value)

    def port(self, name: str, default: int) -> int:
        # Kubernetes tells each container of a service of our name this way: it is no setting.
        return default if is_service_link(name, self.text(name) or "") else self.whole(name, default, 0, 65_535)

    def port_if_any(self, name: str) -> int | None:
        """As `port`; None where it is not set."""
        value = self.text(name)
        return None if value is None or "://" in value else self.whole(name, 0, 0, 65_535)

    def path(self, name: str) -> str:
        """A path without a slash at its end; '' for the root."""
        value = (self.text(name) or "").rstrip("/")
        if value and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value):
            raise SettingsError(f"{name} must be a path such as /keepstream, not {value!r}")
        return value

    def seconds(self, name: str, default: float, low: float, high: float) -> float:
        value = self.text(name)
        if value is None:
            return default
        number = float(value) if _NUMBER.fullmatch(value) else float("nan")
        if not low <= number <= high:
            raise SettingsError(f"{name} must be a number of seconds from {low:g} to {high:g}, not {value!r}")
        return number

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word for word in re.split(r"[\s,]+", self.text(name) or "") if word)

    def one_of(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = (self.text(name) or default).lower()
        if value not in allowed:
            raise SettingsError(f"{name} must be one of {', '.join(filter(None, allowed))}, not {value!r}")
        return value
