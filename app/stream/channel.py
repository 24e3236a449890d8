"""The one pub/sub connection of a process: fast, supervised, and trusted with nothing.

The rule: a channel may lose, delay or double a message and say nothing; `gap` tells a receiver that it may have, and
whoever needs certainty reads the log. It reconnects by itself, and a connection that falls silent is noticed by a PING
that stays unanswered. redis-py opens the connection (TLS, credentials, Sentinel); the bytes are read by hiredis
directly, which costs a fifth of `PubSub.listen()` per message.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from app.stream.concurrency.tasks import Pause, Supervised
from app.stream.observing import ChannelSilent, ReceiverFailed, tell
from app.stream.redis.refusals import tell_refusal

# Silence of one PING_SECONDS asks, of a second one reconnects. Meanwhile the slow beat keeps readers going.
PING_SECONDS = 2.0
RECONNECT_SECONDS = 0.05
RECONNECT_SECONDS_MAX = 1.0
# A connection that held for so long was a good one: the next is tried at once.
STEADY_SECONDS = 5.0
# A connection that listens has brought an answer within so many seconds; without one it does not, whatever it is.
DEAF_SECONDS = 10.0
# One read's worth: some thousand tokens.
READ_BYTES = 256 * 1024
# Names per SUBSCRIBE when a new connection takes over the old one's subscriptions.
SUBSCRIBE_BATCH = 500
_REFUSAL = hiredis.ReplyError
_NOTHING: tuple[bytes, bytes, Any] = b"", b"", None


class Receiver(Protocol):
    """Who listens to one channel. None of these may block or raise."""

    def message(self, payload: bytes) -> None:
        """One published payload."""

    def settle(self) -> None:
        """All that one read of the socket brought has been given: a good moment to write."""

    def gap(self) -> None:
        """The connection was replaced: anything may have been missed."""


class Listening(Protocol):
    """Where one may subscribe: see `Channel`."""

    @property
    def connected(self) -> bool: ...
    async def subscribe(self, name: str, receiver: Receiver) -> None: ...
    def unsubscribe(self, name: str) -> None: ...
    def reconnect(self) -> None: ...


class Channel:
    """Subscriptions of one process, over one connection."""

    name = "channel"
    # How Redis is told, and what it says.
    subscribe_word, unsubscribe_word = b"SUBSCRIBE", b"UNSUBSCRIBE"
    message_word, subscribed_word = b"message", b"subscribe"

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._receivers: dict[bytes, Receiver] = {}
        self._confirmed: set[bytes] = set()
        # SUBSCRIBEs without an answer yet: only the last one's answer proves that we listen (an UNSUBSCRIBE may stand
        # between two of them).
        self._asked: Counter[bytes] = Counter()
        self._waiting: dict[bytes, list[asyncio.Future[None]]] = {}
        self._connection: AbstractConnection | None = None
        self._heard = 0.0
        self._answered = 0.0
        self._work = Supervised(self.name, self._supervise)

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self) -> Self:
        self._answered = asyncio.get_running_loop().time()
        self._work.start()
        return self

    async def stop(self) -> None:
        await self._work.stop()

    @property
    def subscriptions(self) -> int:
        """How many channels are listened to."""
        return len(self._receivers)

    @property
    def connected(self) -> bool:
        return self._connection is not None

    @property
    def alive(self) -> bool:
        """Whether it listens, or did until a moment ago."""
        return self._work.alive and asyncio.get_running_loop().time() - self._answered < DEAF_SECONDS

    async def subscribe(self, name: str, receiver: Receiver) -> None:
        """Listens to `name`; returns once Redis has confirmed it: what is published from now on is delivered.

        One receiver per name. Who gives up waiting must `unsubscribe`.
        """
        key = name.encode()
        self._receivers[key] = receiver
        if key in self._confirmed:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        self._ask([key])
        await future

    def reconnect(self) -> None:
        """Subscribes to everything anew, over a new connection."""
        if self._connection is not None:
            _abort(self._connection)

    def unsubscribe(self, name: str) -> None:
        """Stops listening at once; Redis is told without waiting."""
        key = name.encode()
        if self._receivers.pop(key, None) is not None:
            self._confirmed.discard(key)
            for future in self._waiting.pop(key, ()):
                future.cancel()
            self._send(self.unsubscribe_word, key)

    def _ask(self, names: list[bytes]) -> None:
        if self._connection is not None:
            self._asked.update(names)
            self._send(self.subscribe_word, *names)

    def _send(self, *command: bytes) -> None:
        if self._connection is None:
            return
        writer = self._connection._writer  # noqa: SLF001 - pinned, see the module's text
        # uvloop raises where asyncio only warns; a connection that is closing is about to be replaced.
        if writer is not None and not writer.transport.is_closing():
            writer.write(hiredis.pack_command(command))  # type: ignore[arg-type]  # its stub wants a 1-tuple

    async def _supervise(self) -> None:
        """Connects, listens, and starts over, each time after a pause, for as long as the process lives."""
        loop = asyncio.get_running_loop()
        pause = Pause(RECONNECT_SECONDS, RECONNECT_SECONDS_MAX)
        while True:
            since = loop.time()
            try:
                await self._hold()
            except (RedisError, OSError, TimeoutError, hiredis.HiredisError) as error:
                tell_refusal(self.name, error)
            if loop.time() - since >= STEADY_SECONDS:
                pause.reset()
            await pause.wait()

    async def _hold(self) -> None:
        """One connection, from its beginning to its end. Raises why it ended."""
        connection = await self._connect()
        try:
            async with Supervised("channel-watch", lambda: self._watch(connection)):
                await self._listen(connection)
        finally:
            self._connection = None
            self._confirmed.clear()
            self._asked.clear()
            _abort(connection)
            connection._close()  # type: ignore[no-untyped-call]  # noqa: SLF001 - or it warns that nobody did

    async def _connect(self) -> AbstractConnection:
        connection: AbstractConnection = self._redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        await connection.connect()  # type: ignore[no-untyped-call]
        return connection

    async def _listen(self, connection: AbstractConnection) -> None:
        reader = connection._reader  # noqa: SLF001 - pinned, see the module's text
        if reader is None:
            raise ConnectionResetError
        parser = hiredis.Reader()
        self._connection = connection
        self._heard = asyncio.get_running_loop().time()
        again = list(self._receivers)
        for start in range(0, len(again), SUBSCRIBE_BATCH):
            self._ask(again[start : start + SUBSCRIBE_BATCH])
        taken_over = set(again)
        loop = asyncio.get_running_loop()
        while data := await reader.read(READ_BYTES):
            self._heard = loop.time()
            parser.feed(data)
            self._deliver(_replies(parser), taken_over)
            self._answered = self._heard  # and not with an error
        raise ConnectionResetError

    def _deliver(self, replies: Iterable[Any], taken_over: set[bytes]) -> None:
        touched: dict[Receiver, None] = {}
        message, subscribed = self.message_word, self.subscribed_word
        try:
            for reply in replies:
                if isinstance(reply, _REFUSAL):
                    self._refused(reply)
                    continue
                kind, name, payload = reply if isinstance(reply, list) and len(reply) == 3 else _NOTHING  # noqa: PLR2004
                if kind == message:
                    receiver = self._receivers.get(name)
                    if receiver is None:
                        continue
                    touched[receiver] = None
                    try:  # as `_tell`, without a function more: this is the way of every event
                        receiver.message(payload)
                    except Exception as error:  # noqa: BLE001  # as there
                        _failed(receiver, error)
                elif kind == subscribed:
                    self._confirm(name, gap=name in taken_over)
                else:
                    self._other(kind, name)
        finally:  # whatever stood between them: who was given a message is told that it is a good moment
            for receiver in touched:
                _tell(receiver, receiver.settle)

    def _refused(self, refusal: hiredis.ReplyError) -> None:
        """An answer that is none: the connection is replaced."""
        raise refusal

    def _other(self, kind: bytes, name: bytes) -> None:
        """What else is said."""

    def _confirm(self, name: bytes, *, gap: bool) -> None:
        self._asked[name] -= 1
        if self._asked[name] > 0:
            return
        del self._asked[name]
        receiver = self._receivers.get(name)
        if receiver is None:
            return
        self._confirmed.add(name)
        waiting = self._waiting.pop(name, ())
        for future in waiting:
            if not future.done():
                future.set_result(None)
        if gap and not waiting:
            _tell(receiver, receiver.gap)

    async def _watch(self, connection: AbstractConnection) -> None:
        """Notices a connection that is open and dead."""
        loop = asyncio.get_running_loop()
        asked = math.inf
        while True:
            await asyncio.sleep(PING_SECONDS)
            now = loop.time()
            # Only an unanswered PING counts: mere silence of that length is what an idle channel is like.
            if self._heard < asked < now:
                tell(ChannelSilent(now - self._heard))
                _abort(connection)  # which ends who listens, and this with him
                self._heard = now
            asked = math.inf
            if now - self._heard >= PING_SECONDS / 2:
                self._send(b"PING")
                asked = now


def _tell(receiver: Receiver, word: Callable[[], None]) -> None:
    """One receiver's fault costs that receiver alone, and no more than a look at the log."""
    try:
        word()
    except Exception as error:  # noqa: BLE001  # whatever it is, the other streams' readers must not notice
        _failed(receiver, error, again=word != receiver.gap)


def _failed(receiver: Receiver, error: Exception, *, again: bool = True) -> None:
    tell(ReceiverFailed(type(error).__name__))
    if again:
        _tell(receiver, receiver.gap)


def _replies(parser: hiredis.Reader) -> Iterable[Any]:
    while (reply := parser.gets()) is not False:
        yield reply


def _abort(connection: AbstractConnection) -> None:
    writer = connection._writer  # noqa: SLF001 - pinned, see the module's text
    if writer is not None:
        writer.transport.abort()
