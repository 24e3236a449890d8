"""`REDIS_URL` taken apart: where Redis is, how to speak to it, and what to say to its Sentinels.

Pure. The rule: what can be read in two ways is refused, and nothing of a URL is quoted, for it may hold a password. In
it `#`, `@`, `:` and letters of any language may stand as they are; `/`, `?` and a `%` before two hex digits are written
as %XX.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from redis.asyncio.connection import SSLConnection, parse_url

PORT, SENTINEL_PORT = 6379, 26379
# Options of a URL with Sentinels that are for the Sentinels alone; those of TLS and time-outs are for both.
_SENTINEL_OPTIONS = {"sentinel_username": "username", "sentinel_password": "password"}
_SHARED = re.compile(r"ssl_|socket_(connect_)?timeout$|socket_keepalive$")
# What redis-py takes for text, and would only trip over at the first connection.
_TAKEN = {"retry", "retry_on_error", "credential_provider", "redis_connect_func", "parser_class", "encoder_class"}


@dataclass(frozen=True, slots=True)
class Address:
    """`options` are those of redis-py's connections; `sentinels` are empty where there are none to ask, and so are
    `nodes`, some of a cluster's.
    """

    options: dict[str, Any]
    tls: bool = False
    unix: bool = False
    service: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
    sentinel_options: dict[str, Any] = field(default_factory=dict)
    nodes: tuple[tuple[str, int], ...] = ()


def parse(url: str, ca: str | None = None) -> Address:
    """The parts of `url`. `ca` is a file of certificates to trust besides the system's. Raises `ValueError`."""
    url = _normal(url)
    if "+cluster://" in url:
        return _of_cluster(url, ca)
    return _with_sentinels(url, ca) if "+sentinel://" in url else _direct(url, ca)


def shown(url: str) -> str:
    """Without user, password and options."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.partition('?')[0].rpartition('@')[2]}"


def _direct(url: str, ca: str | None) -> Address:
    parts = urlsplit(url)
    unix = parts.scheme == "unix"
    if not re.fullmatch(r"/.+" if unix else r"/?[0-9]*", parts.path):
        raise ValueError("path")  # redis-py would take the first database for what is no number
    options: dict[str, Any] = dict(parse_url(url))
    kind = options.pop("connection_class", None)
    _check(options)
    return Address(_tls(options, ca) if kind is SSLConnection else options, kind is SSLConnection, unix)


def _with_sentinels(url: str, ca: str | None) -> Address:
    parts = urlsplit(url)
    tls = parts.scheme.startswith("rediss")
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    service, _, db = parts.path.lstrip("/").partition("/")
    if not service or not hosts:
        raise LookupError("service")
    sentinels = []
    for host in hosts.split(","):
        address = parse_url(f"redis://{host}")
        sentinels.append((address.get("host", "127.0.0.1"), int(address.get("port", SENTINEL_PORT))))
    # The query is read by redis-py, which knows which of its options are numbers.
    options: dict[str, Any] = dict(parse_url(f"redis://sentinels?{parts.query}"))
    options.pop("host")
    asked = {_SENTINEL_OPTIONS[name]: options.pop(name) for name in list(options) if name in _SENTINEL_OPTIONS}
    _check(options)
    if db or "db" not in options:
        options["db"] = int(db or 0)
    if password:
        options["password"] = unquote(password)
    if user:
        options["username"] = unquote(user)
    if tls:
        options = _tls(options, ca)
        asked["ssl"] = True
    asked |= {name: value for name, value in options.items() if _SHARED.match(name)}
    return Address(options, tls, service=unquote(service), sentinels=tuple(sentinels), sentinel_options=asked)


def _of_cluster(url: str, ca: str | None) -> Address:
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    if not all(hosts.split(",")):
        raise ValueError("host")
    # Each as if it were the only one: redis-py knows ports, brackets and options.
    each = [
        _direct(f"{parts.scheme.removesuffix('+cluster')}://{credentials}{at}{host}{parts.path}?{parts.query}", ca)
        for host in hosts.split(",")
    ]
    options = each[0].options
    if int(options.pop("db", 0)) != 0:
        raise ValueError("database")  # a cluster has one
    places = tuple((one.options.pop("host", "127.0.0.1"), int(one.options.pop("port", PORT))) for one in each)
    return Address(options, each[0].tls, nodes=places)


def _normal(url: str) -> str:
    """The same URL with user and password quoted, so that whatever stands in them ends neither of them."""
    scheme, separator, rest = url.partition("://")
    place, question, query = rest.partition("?")
    if place.startswith("/"):  # no host: a socket's path, which may hold an @
        return url
    credentials, at, place = place.rpartition("@")
    if "/" in credentials or "#" in place or "#" in query:
        raise ValueError("credentials")
    if place.startswith(":"):
        raise ValueError("host")  # what stands before a port, or was meant to be a password
    user, colon, password = credentials.partition(":")
    # Strict: what is no option may be the rest of a password.
    parse_qsl(query, strict_parsing=bool(query))
    return f"{scheme}{separator}{quote(user, '%')}{colon}{quote(password, '%')}{at}{place}{question}{query}"


def _tls(options: dict[str, Any], ca: str | None) -> dict[str, Any]:
    """A certificate is checked, and that it is this host's; unless the URL wants something else."""
    checks = options.get("ssl_cert_reqs", "required") != "none"
    trusted = {} if ca is None else {"ssl_ca_certs": ca}
    return {"ssl_check_hostname": checks, **trusted, **options}


def _check(options: dict[str, Any]) -> None:
    if _TAKEN & options.keys():
        raise ValueError("option")
