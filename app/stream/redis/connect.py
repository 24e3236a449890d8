"""Connections to Redis: from a URL, plain, TLS, socket or Sentinel.

The rule: a command waits `COMMAND_SECONDS` at the most and is tried again a few times; who needs more patience than
that (a worker in an outage) loops above. Retrying is safe because every script recognises its own repetition.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import (
    RedisError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.stream.counts.timing import timed
from app.stream.errors import UnfitServerError
from app.stream.redis import links
from app.stream.redis.address import Address, parse, shown
from app.stream.redis.cluster.nodes import Nodes
from app.stream.redis.cluster.sharded import Sharded
from app.stream.redis.known import QUEUE, Server, server

# A silent half-open connection may delay a reader by no more than this (design, the slow beat).
COMMAND_SECONDS = 2.0
# A front answers thousands of readers over this many connections: what comes back at once waits in line here instead
# of stampeding Redis.
POOL_SIZE = 32
POOL_WAIT_SECONDS = 20

_NO_URL = (
    "cannot be read: look at its host, port, database and options; what is special in a password is written as %XX"
)

# What every caller treats as "Redis is away": worth another try, never a verdict about a stream.
AWAY = (RedisConnectionError, RedisTimeoutError, OSError, TimeoutError)

Client = TypeVar("Client", bound="Redis")


def connect(
    url: str,
    name: str,
    client: type[Client] = Redis,  # type: ignore[assignment]
    *,
    retries: int = 3,
    ca: str | None = None,
    setting: str = QUEUE,
) -> Client:
    """A client of `client`'s type for `url`. Nothing is contacted yet.

    `redis+sentinel://[user:password@]host:port,host:port/service[/db]` asks the Sentinels for the primary,
    `redis+cluster://[user:password@]host:port,host:port` those of a cluster's nodes for the rest; `ca` is a
    file of certificates that TLS trusts besides the system's, `setting` names the server. Raises `UnfitServerError` for
    a URL that cannot be one.
    """
    known = server(setting)
    options: dict[str, Any] = {
        "socket_timeout": COMMAND_SECONDS,
        "socket_connect_timeout": COMMAND_SECONDS,
        "retry": Retry(ExponentialBackoff(cap=1.0, base=0.05), retries),
        "retry_on_error": list(AWAY),
        "client_name": re.sub(r"[^!-~]", "-", name),
        "lib_name": None,  # two commands of each connect that Redis 7.0 does not know
        "lib_version": None,
        "protocol": 2,  # RESP3 costs more and brings nothing here
        "known": known,
    }
    try:
        address, known.where = parse(url, ca), shown(url)
        if not address.unix:
            options["socket_keepalive"] = True
        if address.nodes:
            return cast("Client", _cluster(address, options | address.options, known))
        pool = _pool(address, options | address.options)
        connection = pool.make_connection()  # type: ignore[no-untyped-call]  # which says more of what it does not take
        if address.tls:
            connection.ssl_context.get()
    except LookupError:
        raise UnfitServerError(f"{setting}: redis+sentinel:// takes host:port[,host:port…]/service[/db]") from None
    except OSError as error:  # a file of certificates or keys; an `ssl.SSLError` is one, too
        said = error.strerror or getattr(error, "reason", "") or type(error).__name__
        file = f"KEEPSTREAM_REDIS_CA: {ca}" if ca is not None else f"{setting}: a file of its certificates"
        raise UnfitServerError(f"{file} cannot be used: {said}") from None
    except (ValueError, TypeError, AttributeError, RedisError):
        raise UnfitServerError(f"{setting} {_NO_URL}") from None  # what they say may quote the password
    made = timed(client)(connection_pool=pool)
    made.auto_close_connection_pool = True  # `aclose` closes what was opened through it
    return made


def _cluster(address: Address, options: dict[str, Any], whole: Server) -> Redis:
    """One pool for each node; who asks it is who tries again."""
    options |= {"retry": Retry(NoBackoff(), 0), "retry_on_error": []}
    kind = links.NodeTls if address.tls else links.Node

    def one(place: tuple[str, int], known: Server) -> Redis:
        bounds: dict[str, Any] = {"max_connections": POOL_SIZE, "timeout": POOL_WAIT_SECONDS}
        at = {"host": place[0], "port": place[1], "known": known}
        made = Redis(connection_pool=BlockingConnectionPool(connection_class=kind, **bounds | options | at))
        made.auto_close_connection_pool = True
        return made

    nodes = Nodes(whole, address.nodes, one)
    first = nodes.at(address.nodes[0]).client
    connection = first.connection_pool.make_connection()  # type: ignore[no-untyped-call]  # as above
    if address.tls:
        connection.ssl_context.get()
    return timed(Sharded)(nodes, first)


def _pool(address: Address, options: dict[str, Any]) -> BlockingConnectionPool:
    bounds: dict[str, Any] = {"max_connections": POOL_SIZE, "timeout": POOL_WAIT_SECONDS}
    if not address.sentinels:
        kind = links.Socket if address.unix else links.Tls if address.tls else links.Plain
        return BlockingConnectionPool(connection_class=kind, **bounds | options)
    asked = {
        "socket_timeout": COMMAND_SECONDS,
        "socket_connect_timeout": COMMAND_SECONDS,
        **address.sentinel_options,
    }
    sentinels = links.Sentinels(list(address.sentinels), sentinel_kwargs=asked)
    for sentinel in sentinels.sentinels:
        sentinel.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    found = links.FoundTls if address.tls else links.Found
    return links.FoundPool(  # type: ignore[no-untyped-call]
        address.service, sentinels, connection_class=found, check_connection=False, **bounds | options
    )
