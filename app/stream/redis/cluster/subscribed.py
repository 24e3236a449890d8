"""Subscriptions of one process to a cluster: sharded ones, over one connection for each node.

The rule: as of `app.stream.channel`, with more ways to miss something. A slot that goes to another node takes its
subscriptions along: the old node says so, or refuses to take them; whatever was heard last, the receiver is told of a
gap when it listens again. A node that is away costs those whose slots it has, and nobody else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol, Self

import hiredis

from app.stream.channel import RECONNECT_SECONDS, RECONNECT_SECONDS_MAX, Channel, Receiver
from app.stream.concurrency.tasks import Pause, Supervised, end
from app.stream.redis.cluster.nodes import Node
from app.stream.redis.cluster.sharded import Sharded
from app.stream.redis.cluster.slots import Answer, Redirection, redirection_of, slot_of

_PING = b"PING"
_Waiting = list["asyncio.Future[None]"]


class Astray(Protocol):
    def __call__(self, name: bytes, said: Redirection | None = None) -> None:
        """A name is not heard where it was; `said`: where its node says it is."""


class Link(Channel):
    """What is listened to at one node. `astray`: it does not serve this name; `trouble`: the connection has ended."""

    subscribe_word, unsubscribe_word = b"SSUBSCRIBE", b"SUNSUBSCRIBE"
    message_word, subscribed_word, unsubscribed_word = b"smessage", b"ssubscribe", b"sunsubscribe"

    def __init__(self, node: Node, astray: Astray, trouble: Callable[[Node], None]) -> None:
        super().__init__(node.client)
        self._node = node
        self._tell_astray = astray
        self._tell_trouble = trouble
        # What was sent and is not answered yet: an error has no name, and is of the first of these.
        self._owed: deque[tuple[bytes, bytes]] = deque()
        self._moved: set[bytes] = set()

    def release(self, name: bytes) -> tuple[Receiver, _Waiting]:
        """Listens to `name` no more, for whoever does instead."""
        receiver, waiting = self._receivers.pop(name), self._waiting.pop(name, [])
        self._confirmed.discard(name)
        self._moved.discard(name)
        self._send(self.unsubscribe_word, name)
        return receiver, waiting

    def adopt(self, name: bytes, receiver: Receiver, waiting: Iterable[asyncio.Future[None]]) -> None:
        """Listens to `name` from now on, who was listened to elsewhere, and may have missed something."""
        self._receivers[name] = receiver
        if waiting := list(waiting):
            self._waiting.setdefault(name, []).extend(waiting)
        self._moved.add(name)
        self._ask([name])

    def again(self, name: bytes) -> None:
        """Asks for what is not heard once more."""
        if name in self._receivers and name not in self._confirmed and not self._asked[name]:
            self._moved.add(name)
            self._ask([name])

    def _send(self, *command: bytes) -> None:
        if self._connection is None:
            return
        verb, *names = command
        for name in names or (b"",):  # one each: names of several slots are refused
            super()._send(verb, *((name,) if name else ()))
            self._owed.append((verb, name))

    async def _hold(self) -> None:
        try:
            await super()._hold()
        finally:
            self._owed.clear()
            self._tell_trouble(self._node)

    def _confirm(self, name: bytes, *, gap: bool) -> None:
        self._answered_to(self.subscribe_word, name)
        moved = name in self._moved
        self._moved.discard(name)
        super()._confirm(name, gap=gap or moved)

    def _other(self, kind: bytes, name: bytes) -> None:
        if kind == self.unsubscribed_word:
            if not self._answered_to(self.unsubscribe_word, name) and name in self._receivers:
                self._confirmed.discard(name)
                self._tell_astray(name)
        else:
            self._answered_to(_PING, b"")

    def _refused(self, refusal: hiredis.ReplyError) -> None:
        said = redirection_of(refusal, self._node.place)
        verb, name = self._owed[0] if self._owed else (_PING, b"")
        if said is not None and said.answer is Answer.MOVED and (verb == _PING or slot_of(name) != said.slot):
            return  # of a name that the node had let go by itself as it was asked to: that was taken for the answer
        if self._owed:
            self._owed.popleft()
        if verb == self.unsubscribe_word:
            return  # it is heard there no more
        if verb == _PING or said is None:
            raise refusal
        self._asked[name] -= 1
        if not self._asked[name]:
            del self._asked[name]
        self._tell_astray(name, said)

    def _answered_to(self, verb: bytes, name: bytes) -> bool:
        if self._owed and self._owed[0] == (verb, name):
            self._owed.popleft()
            return True
        return False


class ShardedChannel:
    """As a `Channel`, of a cluster. Its nodes are learnt by `redis`, which is to be watched."""

    name = "channel"

    def __init__(self, redis: Sharded) -> None:
        self._nodes = redis.nodes
        self._links: dict[Node, Link] = {}
        self._at: dict[bytes, Link] = {}
        # Those whose slot nobody has.
        self._nowhere: dict[bytes, tuple[Receiver, _Waiting]] = {}
        self._astray: set[bytes] = set()
        self._troubled = asyncio.Event()
        self._ending: set[asyncio.Task[None]] = set()
        self._work = Supervised("channel-nodes", self._mend)

    async def __aenter__(self) -> Self:
        self._nodes.tell(self._settle)
        self._troubled.set()
        self._work.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._work.stop()
        links, self._links = self._links, {}
        await asyncio.gather(*(link.stop() for link in links.values()))
        await end(*self._ending)

    @property
    def subscriptions(self) -> int:
        return len(self._at) + len(self._nowhere)

    @property
    def connected(self) -> bool:
        """Whether all is heard that is listened to."""
        return not self._nowhere and all(link.connected for link in self._links.values() if link.subscriptions)

    @property
    def alive(self) -> bool:
        """A node that is away is no reason to send readers to others, who have the same nodes."""
        return self._work.alive and (not self._links or any(link.alive for link in self._links.values()))

    async def subscribe(self, name: str, receiver: Receiver) -> None:
        key = name.encode()
        link = self._at.get(key) or self._link_of(key)
        if link is not None:
            self._at[key] = link
            await link.subscribe(name, receiver)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        _, waiting = self._nowhere.setdefault(key, (receiver, []))
        waiting.append(future)
        self._nowhere[key] = receiver, waiting
        self._troubled.set()
        await future

    def unsubscribe(self, name: str) -> None:
        key = name.encode()
        self._astray.discard(key)
        if (link := self._at.pop(key, None)) is not None:
            link.unsubscribe(name)
        elif (nowhere := self._nowhere.pop(key, None)) is not None:
            for future in nowhere[1]:
                future.cancel()

    def reconnect(self) -> None:
        for link in self._links.values():
            link.reconnect()

    def _link_of(self, name: bytes) -> Link | None:
        node = self._nodes.of_slot(slot_of(name))
        return None if node is None else self._link(node)

    def _link(self, node: Node) -> Link:
        if node not in self._links:
            self._links[node] = Link(node, self._gone_astray, self._trouble).start()
        return self._links[node]

    def _trouble(self, node: Node) -> None:
        self._nodes.doubt(node)
        self._troubled.set()

    def _gone_astray(self, name: bytes, said: Redirection | None = None) -> None:
        self._astray.add(name)
        self._troubled.set()
        if said is not None and said.answer is Answer.MOVED:
            self._nodes.moved(said.slot, said.place)

    async def _mend(self) -> None:
        """Whatever is not heard where it was: learns who has what, and listens there."""
        pause = Pause(RECONNECT_SECONDS, RECONNECT_SECONDS_MAX)
        while True:
            if not self._troubled.is_set():
                pause.reset()
            await self._troubled.wait()
            self._troubled.clear()
            await self._nodes.learn()
            self._settle()
            astray, self._astray = self._astray, set()
            for name in astray:
                if (link := self._at.get(name)) is not None:
                    link.again(name)
            if self._nowhere:
                self._troubled.set()
            await pause.wait()

    def _settle(self) -> None:
        """Everybody listens where the slot is now."""
        for node in (primaries := self._nodes.primaries):
            self._link(node)
        for name, link in [*self._at.items()]:
            there = self._link_of(name)
            if there is not None and there is not link:
                there.adopt(name, *link.release(name))
                self._at[name] = there
        for name in [*self._nowhere]:
            if (there := self._link_of(name)) is not None:
                there.adopt(name, *self._nowhere.pop(name))
                self._at[name] = there
        for node in self._links.keys() - set(primaries):
            if not self._links[node].subscriptions:
                ending = asyncio.create_task(self._links.pop(node).stop(), name="channel-node-end")
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)
