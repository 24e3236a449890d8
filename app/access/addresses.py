"""Who is at the other end, as far as it can be believed: the client's address, seen through the proxies we trust.

Pure. The rule: what a stranger may have written is never believed. `X-Forwarded-For` is read from its end, where the
nearest proxy has written, and as long as who has written is trusted. What cannot be read is not seen through: the
client is then the last that was known, and on this machine is nobody of whom that is not certain.

All of it is asked of an ASGI scope and of `KEEPSTREAM_TRUSTED_PROXIES`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from app.environment import Network

# So many proxies, one behind the other, are looked through; a head has room for thousands.
HOPS_MAX = 16
# Of one entry: the longest address with brackets, a zone and a port is shorter.
ENTRY_BYTES = 128

_FOR = b"x-forwarded-for"
_PROTO = b"x-forwarded-proto"
# What proxies add to what they pass on, besides all that begins with `x-forwarded-`.
_PASSED_ON = frozenset({b"via", b"forwarded", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip"})

_PORT = re.compile(r":[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class _Seen:
    address: str
    certain: bool  # nothing more is known to stand behind it


def client_address(scope: Mapping[str, Any], trusted: Sequence[Network] = ()) -> str:
    """The address of the client in its shortest form; what cannot be told (a Unix socket) is ''.

    A limit by address takes the network of an IPv6 address (`neighbourhood`): a host has as many as it likes.
    """
    return _seen(scope, trusted).address


def neighbourhood(address: str) -> str:
    """Whose an address is, to count by: itself, or of an IPv6 address the /64 that one host is given whole."""
    parsed = _parsed(address)
    return str(IPv6Network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address


def is_loopback_client(scope: Mapping[str, Any], trusted: Sequence[Network] = ()) -> bool:
    """Whether the client is certainly on this machine."""
    seen = _seen(scope, trusted)
    address = _parsed(seen.address)
    return seen.certain and address is not None and address.is_loopback


def is_https(scope: Mapping[str, Any], trusted: Sequence[Network] = ()) -> bool:
    """Whether the client speaks TLS: with us, or with a proxy that we trust and that says so.

    Of several proxies the first one's word counts; a client that wrote it itself has deceived nobody else.
    """
    if scope.get("scheme") == "https":
        return True
    if not trusted or not _is_trusted(_parsed(_peer(scope)), trusted):
        return False
    said = next((value for name, value in scope["headers"] if name == _PROTO), b"")
    return bool(said[:ENTRY_BYTES].split(b",", 1)[0].strip().lower() == b"https")


def is_passed_on(scope: Mapping[str, Any]) -> bool:
    """Whether a proxy asks, as far as it says so."""
    return any(name in _PASSED_ON or name.startswith(b"x-forwarded-") for name, _ in scope["headers"])


def _seen(scope: Mapping[str, Any], trusted: Sequence[Network]) -> _Seen:
    peer = _peer(scope)
    address = _parsed(peer)
    if address is None:
        return _Seen(peer, certain=False)
    if not trusted or not _is_trusted(address, trusted):
        return _Seen(str(address), certain=not is_passed_on(scope))
    entries = _entries(scope)
    for _ in range(HOPS_MAX):
        entry = next(entries, None)
        if entry is None:
            # A trusted proxy that passes something on and does not say for whom has said nothing.
            return _Seen(str(address), certain=_says_for_whom(scope) or not is_passed_on(scope))
        found = _parsed(entry)
        if found is None:
            return _Seen(str(address), certain=False)
        address = found
        if not _is_trusted(address, trusted):
            # Behind whom there is something more, that is no client but a proxy: one that nobody trusts.
            return _Seen(str(address), certain=next(entries, None) is None)
    return _Seen(str(address), certain=False)


def _says_for_whom(scope: Mapping[str, Any]) -> bool:
    return any(name == _FOR for name, _ in scope["headers"])


def _peer(scope: Mapping[str, Any]) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _entries(scope: Mapping[str, Any]) -> Iterator[str]:
    """What stands in all lines of the header, from its end."""
    for line in reversed([value for name, value in scope["headers"] if name == _FOR]):
        for entry in reversed(line.rsplit(b",", HOPS_MAX)):
            yield entry.decode("latin-1") if len(entry) <= ENTRY_BYTES else ""


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: perhaps with a port, then in brackets if it is IPv6, perhaps with a zone."""
    text = text.strip(" \t")
    if text.startswith("["):
        text, closed, port = text[1:].partition("]")
        if not closed or (port and not _PORT.fullmatch(port)):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _PORT.fullmatch(f":{port}"):
            return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_trusted(address: IPv4Address | IPv6Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)
