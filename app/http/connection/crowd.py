"""How many connections a front has: as many as it may serve, and a few more, to tell who comes that it is full.

The rule: a connection has one seat from when it is accepted until it is gone, whoever has the connection meanwhile.
Beyond the seats of those who are told there is no word for anybody: to say one would take what is not there.
"""

from __future__ import annotations

import resource

from app.stream.observing import tell
from app.watch.events.of_fronts import Crowded

CONNECTIONS_MAX = 20_000
# Who is told to come again, and whoever asks after our health.
SURPLUS = 256
# What a process has open besides: connections to Redis and to the upstream, files, the loop's own.
DESCRIPTORS_BESIDE = 256

# In a scope: its connection is one too many.
ONE_TOO_MANY = "keepstream.one_too_many"


class Seat:
    """Of one connection. `surplus`: it is one too many."""

    __slots__ = ("_crowd", "surplus")

    def __init__(self, crowd: Crowd, *, surplus: bool) -> None:
        self._crowd: Crowd | None = crowd
        self.surplus = surplus

    def leave(self) -> None:
        """The connection is gone. Once more changes nothing."""
        if self._crowd is not None:
            self._crowd.left()
            self._crowd = None


class Crowd:
    """The connections of one front, of which `most` may be served at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._here = 0
        self._told = False

    @property
    def here(self) -> int:
        return self._here

    def come(self) -> Seat | None:
        """A seat for one that was accepted; None where not even a word can be said to it."""
        if self._here >= self._most and not self._told:
            self._told = True
            tell(Crowded(self._most))
        if self._here >= self._most + SURPLUS:
            return None
        self._here += 1
        return Seat(self, surplus=self._here > self._most)

    def left(self) -> None:
        self._here -= 1
        # Told again once it was clearly over: at the edge each that comes would be news.
        if self._here < self._most * 0.9:
            self._told = False


def room_for(connections: int) -> int:
    """How many connections of those wanted the process can have; takes the file descriptors that it may for them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SURPLUS + DESCRIPTORS_BESIDE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
        except (OSError, ValueError):  # macOS has bounds of its own
            pass
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    return max(1, soft - SURPLUS - DESCRIPTORS_BESIDE)
