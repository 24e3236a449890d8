"""redis-py's connections, as they have to be for somebody who writes: to a primary, or not at all.

The rule: behind an address that stays (a service, a managed endpoint) the primary can change while connections to the
old one live on, and a connection that was pooled then would refuse, or read what is old, for as long as its socket
lives. So each asks for the server's role when it connects and every `ROLE_SECONDS` of its use, drops itself when it
hears of a replica, and is away for whoever used it: the next try goes over a new one. What Redis refuses is told here,
once for everybody.
"""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio.connection import (
    AbstractConnection,
    BlockingConnectionPool,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from app.stream.redis.known import Server, server
from app.stream.redis.refusals import NO_ANSWER, OF_CLUSTERS, Kind, UnknownServiceError, refusal_of, tell_refusal

# A demoted primary is left by whoever only reads after so long.
ROLE_SECONDS = 5.0


class NoPrimaryError(RedisConnectionError):
    """What is there is a replica: nobody is, for whoever wants to write."""


class Writing(AbstractConnection):
    """A connection that was closed while it was about to be written to is away, whichever loop there is."""

    async def send_packed_command(self, *args: Any, **options: Any) -> None:
        try:
            await super().send_packed_command(*args, **options)
        except (RuntimeError, AttributeError) as error:  # uvloop's, and asyncio's since 3.12; redis-py knows neither
            if not self._is_closing():
                raise
            raise RedisConnectionError("Connection closed by server.") from error

    def _is_closing(self) -> bool:
        return self._writer is None or self._writer.transport.is_closing()


class ToPrimary(Writing):
    """What ours add to each kind of redis-py's connections. `known`: what is known of who is there."""

    def __init__(self, *args: Any, known: Server | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._known = known or server()
        self._trusted_until = 0.0

    async def connect(self) -> None:
        try:
            await super().connect()  # type: ignore[no-untyped-call]
        except NO_ANSWER as error:
            self._known.lost(error)
            tell_refusal("connecting", error)
            raise

    async def on_connect(self) -> None:
        await super().on_connect()
        await self._demand_primary()
        self._known.found()

    async def check_health(self) -> None:
        """Called by redis-py before each command of a connection that stands."""
        if asyncio.get_running_loop().time() >= self._trusted_until:
            await self._demand_primary()

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*args, **options)
        except ResponseError as error:
            refusal = refusal_of(error)
            if refusal.kind is Kind.BUG or refusal.code == "NOSCRIPT":
                raise
            tell_refusal("answers", error)
            if refusal.kind is Kind.ELSEWHERE:
                self._known.leave()
                await self.disconnect(nowait=True)
                raise NoPrimaryError(refusal.words) from None
            raise
        except NO_ANSWER as error:  # told here, whoever makes nothing of it
            self._known.lost(error)
            tell_refusal("answers", error)
            raise

    async def _demand_primary(self) -> None:
        self._trusted_until = asyncio.get_running_loop().time() + ROLE_SECONDS
        await self.send_command("ROLE", check_health=False)
        try:
            role = (await super().read_response())[0]
        except ResponseError:
            return  # not ours to ask here: a write will tell
        if role != b"master":
            self._known.leave()
            await self.disconnect(nowait=True)
            raise NoPrimaryError(f"READONLY {role.decode()} instead of a primary")


class Plain(ToPrimary, Connection):
    pass


class Tls(ToPrimary, SSLConnection):
    pass


class Socket(ToPrimary, UnixDomainSocketConnection):
    pass


class ToNode(ToPrimary):
    """To a node of a cluster: that another one has what was asked for is for who asked, and no trouble. A replica sends
    everybody to its primary by itself, and knows as well as others who that is.
    """

    async def _demand_primary(self) -> None:
        """Nobody is asked."""

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await super(ToPrimary, self).read_response(*args, **options)
        except ResponseError as error:
            refusal = refusal_of(error)
            if refusal.code not in OF_CLUSTERS and refusal.code != "NOSCRIPT" and refusal.kind is not Kind.BUG:
                tell_refusal("answers", error)
            raise
        except NO_ANSWER as error:
            self._known.lost(error)
            tell_refusal("answers", error)
            raise


class Node(ToNode, Connection):
    pass


class NodeTls(ToNode, SSLConnection):
    pass


class Found(ToPrimary, SentinelManagedConnection):
    pass


class FoundTls(ToPrimary, SentinelManagedSSLConnection):
    pass


class Asked(Writing, Connection):
    """To a Sentinel."""


class AskedTls(Writing, SSLConnection):
    """As above."""


class FoundPool(SentinelConnectionPool, BlockingConnectionPool):
    """To the primary that the Sentinels name; who finds all connections in use waits in line."""

    async def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002  # redis-py's signature
        await super().disconnect(inuse_connections)
        if inuse_connections:  # those to the Sentinels are ours to close, too
            for sentinel in self.sentinel_manager.sentinels:
                await sentinel.connection_pool.disconnect()


class Sentinels(Sentinel):
    """Asks one after the other. What they refuse is not mistaken for a primary that is away."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]
        for sentinel in self.sentinels:
            pool = sentinel.connection_pool
            pool.connection_class = AskedTls if issubclass(pool.connection_class, SSLConnection) else Asked

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        refused: Exception | None = None
        heard = known = False
        for number, sentinel in enumerate(self.sentinels):
            try:
                masters = await sentinel.sentinel_masters()  # type: ignore[no-untyped-call]
            except NO_ANSWER as error:
                if refused is None or refusal_of(error).kind is Kind.UNFIT:
                    refused = error
                continue
            heard = True
            state = masters.get(service_name)
            known = known or state is not None
            if state and self.check_master_state(state, service_name):
                self.sentinels[0], self.sentinels[number] = sentinel, self.sentinels[0]
                return state["ip"], state["port"]
        if refused is not None and (isinstance(refused, RedisError) and refusal_of(refused).kind is Kind.UNFIT):
            raise refused
        if heard and not known:
            raise UnknownServiceError(f"no Sentinel knows the service {service_name!r}")
        why = f": {refused}" if refused is not None else ""
        raise MasterNotFoundError(f"no Sentinel names a primary of {service_name!r}{why}")
