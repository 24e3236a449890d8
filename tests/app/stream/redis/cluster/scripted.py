"""A cluster of nodes that answer as they are told, over real sockets: each way in which one can say no, and when."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import hiredis

from app.stream.redis.cluster.sharded import Sharded
from app.stream.redis.cluster.slots import SLOTS, slot_of
from app.stream.redis.connect import connect

Said = tuple[bytes, ...]


class Error(str):
    """An answer that is none."""

    __slots__ = ()


def encoded(value: Any) -> bytes:
    match value:
        case Error():
            return f"-{value}\r\n".encode()
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % value
        case str():
            return b"$%d\r\n%b\r\n" % (len(value.encode()), value.encode())
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(value), value)
        case list() | tuple():
            return b"*%d\r\n" % len(value) + b"".join(map(encoded, value))
    raise TypeError(value)


class ScriptedNode:
    """`refusals` are said first to who asks for a key, one each; `said` is what it was asked, but for greetings."""

    port: int

    def __init__(self, cluster: ScriptedCluster) -> None:
        self._cluster = cluster
        self.said: list[Said] = []
        self.refusals: deque[str] = deque()
        self.scripts: set[bytes] = set()
        self.slots: list[Any] = []  # where it believes something else
        self.info = "cluster_enabled:1\r\n"
        self.answer: Callable[[Said], Any] = lambda _: self.port
        self._writers: set[asyncio.StreamWriter] = set()
        self._listeners: set[asyncio.StreamWriter] = set()
        self._asking = self._queues = False

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Nobody is there any more."""
        self._server.close()
        for writer in [*self._writers]:
            writer.transport.abort()
        await asyncio.sleep(0)

    def say(self, *push: bytes | int) -> None:
        """To all who listen."""
        for writer in self._listeners:
            writer.write(encoded(push))

    def asked(self, verb: bytes) -> list[Said]:
        return [command for command in self.said if command[0] == verb]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        parser = hiredis.Reader()
        try:
            while data := await reader.read(65536):
                parser.feed(data)
                while (command := parser.gets()) is not False:
                    if command[0] == b"SSUBSCRIBE":
                        self._listeners.add(writer)
                    writer.write(self._reply(tuple(command)))
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            self._listeners.discard(writer)
            writer.close()

    def _reply(self, command: Said) -> bytes:
        verb = command[0]
        if verb == b"CLIENT":
            return b"+OK\r\n"
        self.said.append(command)
        asking, self._asking = self._asking, verb == b"ASKING"
        if self._queues and verb != b"DISCARD":
            return b"+QUEUED\r\n"
        match verb:
            case b"CLUSTER":
                return encoded(self.slots or self._cluster.slots())
            case b"INFO":
                return encoded(self.info)
            case b"MULTI" | b"DISCARD":
                self._queues = verb == b"MULTI"
                return b"+OK\r\n"
            case b"ASKING":
                return b"+OK\r\n"
            case b"PING":
                return encoded([b"pong", b""])
            case b"SCRIPT":
                self.scripts.add(sha := hashlib.sha1(command[2], usedforsecurity=False).hexdigest().encode())
                return encoded(sha)
            case b"PUBSUB":
                return encoded([part for name in command[2:] for part in (name, self.port)])
        return self._of_key(verb, command, asking=asking)

    def _of_key(self, verb: bytes, command: Said, *, asking: bool) -> bytes:
        slot = slot_of(command[3] if verb in (b"EVAL", b"EVALSHA") else command[1])
        owner = self._cluster.owner(slot)
        if self.refusals:
            return encoded(Error(self.refusals.popleft().replace("SLOT", str(slot))))
        if owner is not self and not asking:
            return encoded(Error(f"MOVED {slot} 127.0.0.1:{owner.port}"))
        if verb == b"EVALSHA" and command[1] not in self.scripts:
            return encoded(Error("NOSCRIPT No matching script."))
        if verb in (b"SSUBSCRIBE", b"SUNSUBSCRIBE"):
            return encoded([verb.lower(), command[1], 1])
        return encoded(self.answer(command))


class ScriptedCluster:
    """Each has an equal part of the slots; `moved` are those that changed hands, `known` what everybody is told."""

    def __init__(self, number: int) -> None:
        self.nodes = [ScriptedNode(self) for _ in range(number)]
        self.moved: dict[int, ScriptedNode] = {}
        self.told: list[ScriptedNode] | None = None

    def owner(self, slot: int) -> ScriptedNode:
        return self.moved.get(slot) or self.nodes[slot * len(self.nodes) // SLOTS]

    def slots(self) -> list[Any]:
        """As `CLUSTER SLOTS` says it."""
        found: list[Any] = []
        for slot in range(SLOTS):
            owner = self.owner(slot)
            if found and found[-1][2][1] == owner.port:
                found[-1][1] = slot
            else:
                found.append([slot, slot, [b"", owner.port, b"id"]])
        return found

    def of(self, node: ScriptedNode, count: int = 1) -> list[str]:
        """Keys that this one has."""
        names = (f"ks:{{st_{number}}}:meta" for number in range(10_000))
        return [name for name in names if self.owner(slot_of(name)) is node][:count]

    def give(self, key: str, to: ScriptedNode) -> None:
        """A slot changes hands."""
        self.moved[slot_of(key)] = to


@asynccontextmanager
async def scripted(number: int = 2) -> AsyncIterator[tuple[ScriptedCluster, Sharded]]:
    """A cluster, and a client that knows the first of its nodes."""
    cluster = ScriptedCluster(number)
    async with AsyncExitStack() as stack:
        for node in cluster.nodes:
            await node.start()
            stack.push_async_callback(node.stop)
        url = f"redis+cluster://127.0.0.1:{cluster.nodes[0].port}"
        client = connect(url, "tests", setting="STREAMS_REDIS_URL")
        stack.push_async_callback(client.aclose)
        assert isinstance(client, Sharded)
        yield cluster, client
