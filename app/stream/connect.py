"""Connections to Redis: from a URL, plain, TLS, socket or Sentinel; and the check that the server is fit for logs.

The rule: a command waits `COMMAND_SECONDS` at the most and is tried again a few times; who needs more patience than
that (a worker in an outage) loops above. Retrying is safe because every script recognises its own repetition.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.stream.errors import UnfitServerError

# A silent half-open connection may delay a reader by no more than this (design, the slow beat).
COMMAND_SECONDS = 2.0
# A front answers thousands of readers over this many connections: what comes back at once waits in line here instead
# of stampeding Redis.
POOL_SIZE = 32
POOL_WAIT_SECONDS = 20
OLDEST_REDIS = (7, 0)

_NO_URL = (
    "REDIS_URL cannot be read: look at its host, port, database and options; what is special in a password is written "
    "as %XX"
)

# What every caller treats as "Redis is away": worth another try, never a verdict about a stream.
AWAY = (RedisConnectionError, RedisTimeoutError, OSError, TimeoutError)

Client = TypeVar("Client", bound="Redis")


def connect(url: str, name: str, client: type[Client] = Redis, *, retries: int = 3) -> Client:  # type: ignore[assignment]
    """A client of `client`'s type for `url`. Nothing is contacted yet.

    `redis+sentinel://[user:password@]host:port,host:port/service[/db]` asks the Sentinels for the primary. Raises
    `UnfitServerError` for a URL that cannot be one.
    """
    options: dict[str, Any] = {
        "socket_timeout": COMMAND_SECONDS,
        "socket_connect_timeout": COMMAND_SECONDS,
        "retry": Retry(ExponentialBackoff(cap=1.0, base=0.05), retries),
        "retry_on_error": list(AWAY),
        "client_name": re.sub(r"[^!-~]", "-", name),
        "protocol": 2,  # RESP3 costs more and brings nothing here
    }
    if not url.startswith("unix:"):
        options["socket_keepalive"] = True
    try:
        pool = _sentinel_pool(url, options) if "+sentinel://" in url else _pool(url, options)
        pool.make_connection()  # type: ignore[no-untyped-call]  # which says more of what it does not take
    except (ValueError, TypeError, RedisError):
        raise UnfitServerError(_NO_URL) from None  # what they say may quote the password
    made = client(connection_pool=pool)
    made.auto_close_connection_pool = True  # `aclose` closes what was opened through it
    return made


def _pool(url: str, options: dict[str, Any]) -> BlockingConnectionPool:
    parts = urlsplit(url)
    if not re.fullmatch(r"/.+" if parts.scheme == "unix" else r"/?[0-9]*", parts.path):
        raise ValueError(parts.path)  # redis-py would take the first database for what is no number
    return BlockingConnectionPool.from_url(url, max_connections=POOL_SIZE, timeout=POOL_WAIT_SECONDS, **options)


def _sentinel_pool(url: str, options: dict[str, Any]) -> SentinelConnectionPool:
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    service, _, db = parts.path.lstrip("/").partition("/")
    if not service or not hosts:
        raise UnfitServerError("REDIS_URL: redis+sentinel:// takes host:port[,host:port…]/service[/db]")
    sentinels = []
    for host in hosts.split(","):
        address = parse_url(f"redis://{host}")
        sentinels.append((address.get("host", "127.0.0.1"), int(address.get("port", 26379))))
    if password:
        options = options | {"password": unquote(password)}
    if user:
        options = options | {"username": unquote(user)}
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    asked = {
        "socket_timeout": COMMAND_SECONDS,
        "socket_connect_timeout": COMMAND_SECONDS,
        **{k.removeprefix("sentinel_"): v for k, v in query.items() if k in ("sentinel_username", "sentinel_password")},
    }
    sentinel = Sentinel(sentinels, sentinel_kwargs=asked, **options)  # type: ignore[no-untyped-call]
    return SentinelConnectionPool(  # type: ignore[no-untyped-call]
        service,
        sentinel,
        max_connections=POOL_SIZE,
        db=int(db or 0),
        ssl=parts.scheme.startswith("rediss"),
        check_connection=False,
        **options,
    )


async def check_server(redis: Redis) -> None:
    """Refuses a server that would lose logs or cannot run the scripts. Raises `UnfitServerError`, or `AWAY`."""
    try:
        info = await redis.info()
    except (AuthenticationError, AuthorizationError, NoPermissionError) as error:
        raise UnfitServerError(f"Redis refuses the credentials of REDIS_URL: {error}") from error
    except ResponseError as error:
        raise UnfitServerError(f"Redis refuses INFO: {error}") from error
    version = str(info.get("redis_version", "0"))
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST_REDIS:
        raise UnfitServerError(f"Redis {version} is too old: Keepstream needs 7.0 or newer, or Valkey")
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise UnfitServerError(
            f"Redis has maxmemory-policy {policy}, which silently removes live streams: set it to noeviction"
        )
