"""The two Redis that scripts and stores are tested on: the real Valkey, and fakeredis, which needs no process.

The rule: a test that runs on both says the same of both. What fakeredis has not is in `LACKS`, and a test that needs it
is marked with that word: there it has to fail, and in that way, as long as it is marked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import ResponseError

from app.stream.errors import UnfitServerError
from app.stream.redis.connect import connect

_SLOWER = 10  # a script takes a millisecond
_FLAGS = re.compile(r"\A#!lua[^\n]*")


@dataclass(frozen=True, slots=True)
class Lack:
    """`raises` is how a test that needs it fails on fakeredis."""

    why: str
    raises: type[BaseException]


LACKS = {
    "info": Lack("INFO, by which a server is judged, is unknown", UnfitServerError),
    "maxmemory": Lack("there is room for everything: no command is refused", pytest.fail.Exception),
    "memory": Lack("MEMORY USAGE is unknown", ResponseError),
}


def lacking(word: str) -> pytest.MarkDecorator:
    """What a test that needs this is on fakeredis."""
    lack = LACKS[word]
    return pytest.mark.xfail(strict=True, raises=lack.raises, reason=f"fakeredis: {lack.why}")


class Server(Protocol):
    def connect(self, name: str) -> Redis: ...

    def examples(self, number: int) -> int:
        """How many there is time for where a real one has time for so many."""


@dataclass(frozen=True, slots=True)
class RealServer:
    url: str

    def connect(self, name: str) -> Redis:
        return connect(self.url, name)

    def examples(self, number: int) -> int:
        return number


class InMemoryServer:
    """Has keys and channels of its own."""

    def __init__(self) -> None:
        self._server = FakeServer(server_type="valkey", version=(8,))

    def connect(self, _name: str) -> Redis:
        return InMemoryRedis(server=self._server)

    def examples(self, number: int) -> int:
        return -(-number // _SLOWER)


class InMemoryRedis(FakeAsyncRedis):  # type: ignore[misc]  # fakeredis has no types for mypy here
    """Knows scripts with flags: they say what may run without room, and here is always room."""

    def register_script(self, script: Any) -> AsyncScript:
        return super().register_script(_FLAGS.sub("", script))
