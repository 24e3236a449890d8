"""The two servers that a process speaks to: the queue's, and that of the streams; one and the same where the settings
name one.

The rule: what carries the tag of a stream or a conversation, or an owner's digest, is at `logs`, and what carries
`{queue}` at `queue` (`app.stream.keys`). No script touches both, nothing is sent to both in one trip, and a time that
the one has told is never compared with one of the other's. Who listens to a channel does so where its key's server is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from redis.asyncio import Redis

from app.stream import keys
from app.stream.channel import Channel, Listening
from app.stream.concurrency.tasks import Supervised
from app.stream.redis.accord import Accord
from app.stream.redis.cluster.sharded import Sharded
from app.stream.redis.cluster.subscribed import ShardedChannel
from app.stream.redis.cluster.wholeness import until_whole
from app.stream.redis.connect import connect
from app.stream.redis.fitness import Part, until_fit

LOGS = "STREAMS_REDIS_URL"

Client = TypeVar("Client", bound=Redis)


class Named(Protocol):
    """Settings, as far as they name servers."""

    @property
    def redis_url(self) -> str: ...
    @property
    def streams_redis_url(self) -> str | None: ...
    @property
    def redis_ca(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Servers(Generic[Client]):
    """Clients of both."""

    queue: Client
    logs: Redis

    @property
    def apart(self) -> bool:
        return self.logs is not self.queue

    async def until_fit(self) -> None:
        """Returns when both are there and fit. Raises `UnfitServerError` for one that is there and is not."""
        if not self.apart:
            return await until_fit(self.queue)
        logs = until_whole(self.logs) if isinstance(self.logs, Sharded) else until_fit(self.logs, Part.LOGS)
        asked = [asyncio.ensure_future(one) for one in (until_fit(self.queue, Part.QUEUE), logs)]
        try:
            await asyncio.gather(*asked)
        finally:
            for one in asked:
                one.cancel()

    async def aclose(self) -> None:
        await self.queue.aclose()
        if self.apart:
            await self.logs.aclose()


def servers(named: Named, name: str, client: type[Client] = Redis, *, retries: int = 3) -> Servers[Client]:  # type: ignore[assignment]
    """Nothing is contacted yet. Raises `UnfitServerError` for an address that cannot be one."""
    queue = connect(named.redis_url, name, client, retries=retries, ca=named.redis_ca)
    if named.streams_redis_url in (None, named.redis_url):
        return Servers(queue, queue)
    return Servers(queue, logs_of(named, name, retries=retries))


def logs_of(named: Named, name: str, *, retries: int = 3) -> Redis:
    """A client of the streams' server alone."""
    if named.streams_redis_url is None:
        return connect(named.redis_url, name, retries=retries, ca=named.redis_ca)
    return connect(named.streams_redis_url, name, retries=retries, ca=named.redis_ca, setting=LOGS)


@dataclass(frozen=True, slots=True)
class Heard:
    """The channels of both, and what lives for them. `accord` says how late that of the streams is."""

    queue: Channel
    logs: Listening
    accord: Accord
    work: tuple[Channel | ShardedChannel | Supervised, ...]


@asynccontextmanager
async def listening(of: Servers[Client], name: str) -> AsyncIterator[Heard]:
    """Listens, for the process of this name, while inside."""
    async with AsyncExitStack() as stack:
        queue = await stack.enter_async_context(Channel(of.queue))
        logs: Channel | ShardedChannel = queue
        accords = [Accord(of.queue, queue, keys.accord(name))]
        work: list[Channel | ShardedChannel | Supervised] = [queue]
        if isinstance(of.logs, Sharded):
            work.append(await stack.enter_async_context(Supervised("topology", of.logs.nodes.watch)))
            logs = await stack.enter_async_context(ShardedChannel(of.logs))
        elif of.apart:
            logs = await stack.enter_async_context(Channel(of.logs))
        if of.apart:
            work.append(logs)
            accords.append(Accord(of.logs, logs, keys.hearing(name)))
        work += [await stack.enter_async_context(Supervised("accord", accord.watch)) for accord in accords]
        yield Heard(queue, logs, accords[-1], tuple(work))
