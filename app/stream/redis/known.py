"""What this process knows of each server that it speaks to: whether somebody is there, and whether one was just left.

The rule: a server is known by what names it (the setting, or a node's address within that), so that all clients of one
share what is known of it. Told here, once for everybody: that nobody is there, and that somebody is again.
"""

from __future__ import annotations

import math
import time

from redis.asyncio import Redis

from app.stream.observing import RedisAway, RedisBack, tell
from app.stream.redis.refusals import Kind, refusal_of

# The server of the queue, and of the streams as well where no other is named.
QUEUE = "REDIS_URL"
# After a primary was left, everybody's subscriptions follow within so long: until then nobody's absence counts.
FOLLOW_SECONDS = 10.0


class Server:
    """`name` is what names it, `losses` how often nobody was found, or who was there was lost, since somebody was."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.where = ""  # its address, without user and password
        self.losses = 0
        self._left_at = -math.inf  # the time of the system's clock that only goes forward
        self._away_since: float | None = None  # likewise

    @property
    def shown(self) -> str:
        """As an operator is told of it."""
        return f"{self.name}={self.where}" if self.where else self.name

    @property
    def is_away(self) -> bool:
        """Whether nobody was found when a connection was last needed."""
        return self._away_since is not None

    @property
    def shaken(self) -> bool:
        """Whether a demoted primary was left a moment ago, so that subscribers may be at the old one still."""
        return time.monotonic() - self._left_at < FOLLOW_SECONDS

    def leave(self) -> None:
        """What was a primary is none any more."""
        self._left_at = time.monotonic()

    def lost(self, error: BaseException) -> None:
        """A connection found nobody."""
        if self._away_since is None and refusal_of(error).kind is Kind.AWAY:
            self._away_since, self.losses = time.monotonic(), self.losses + 1
            tell(RedisAway(type(error).__name__, self._other))

    def found(self) -> None:
        """A connection stands."""
        if self._away_since is not None:
            since, self._away_since = self._away_since, None
            tell(RedisBack(time.monotonic() - since, self._other))

    @property
    def _other(self) -> str:
        return "" if self.name == QUEUE else self.name


_servers: dict[str, Server] = {}


def server(name: str = QUEUE) -> Server:
    """The one of that name."""
    return _servers.setdefault(name, Server(name))


def server_of(redis: Redis) -> Server:
    """Which this is a client of."""
    found = getattr(redis, "known", None) or redis.connection_pool.connection_kwargs.get("known")
    return found if isinstance(found, Server) else server()


def shaken(redis: Redis) -> bool:
    """Whether subscribers of what `redis` is a client of may be elsewhere."""
    return server_of(redis).shaken
