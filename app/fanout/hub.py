"""The registry of a front's tails: who is read here, who joins and who leaves.

The rule: one subscription per stream that somebody here reads; the last reader takes the tail and its subscription
along. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.fanout.audience import Reader, Sent, send_away
from app.fanout.shared_log import SharedLog
from app.fanout.tail import Tail
from app.stream import asides, keys
from app.stream.channel import Listening
from app.stream.concurrency.tasks import end
from app.stream.frames import Position
from app.stream.log import Log, State
from app.stream.observing import tell
from app.stream.queue import Queue
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal
from app.watch.events import of_fronts, of_processes
from app.watch.events.subjects import Trace, subject


class Hub:
    """The tails of this front, by stream id.

    `draining`: nobody new stays. `leave_by`: the loop's time at which a draining front has no more readers left.
    `sent` counts what readers are handed.
    """

    def __init__(self, redis: Redis, log: Log, queue: Queue, channel: Listening) -> None:
        self.log = SharedLog(log)
        self.draining = False
        self.leave_by = 0.0
        self.sent = Sent()
        self._redis = redis
        self._queue = queue
        self._channel = channel
        self._tails: dict[str, Tail] = {}
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._emptied = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await end(*self._opening.values())
        for tail in self.tails:
            tail.audience.each(tail.readers, send_away)
            tail.close()

    @property
    def tails(self) -> Collection[Tail]:
        return tuple(self._tails.values())

    @property
    def readers(self) -> list[Reader]:
        return [reader for tail in self._tails.values() for reader in tail.readers]

    def known(self, stream_id: str) -> Tail | None:
        """The tail of a stream that is read here and whose end is up to date."""
        tail = self._tails.get(stream_id)
        return tail if tail is not None and stream_id not in self._opening and not tail.gone else None

    def join(self, stream_id: str, reader: Reader) -> Tail:
        """Attaches `reader` to the stream's tail, which may still be opening. Whoever joins must `leave`."""
        tail = self._tails.get(stream_id)
        if tail is None or tail.gone:  # what was lost is there again for who comes now; its old readers end as they are
            tail = self._tails[stream_id] = Tail(stream_id, self.log, reader.position)
            tail.quiet_since = asyncio.get_running_loop().time()
            tail.audience.sent = self.sent
            self._opening[stream_id] = asyncio.create_task(self._open(tail), name="tail-open")
        tail.audience.add(reader)
        if self.draining:  # the drain tells those that it found
            asyncio.get_running_loop().call_soon(tail.audience.each, (reader,), send_away)
        elif (status := tail.status()) is not None:
            reader.aside(status)
        for asked in tail.asks:
            reader.aside(asked)
        return tail

    async def opened(self, stream_id: str) -> None:
        """Returns once the channel is confirmed and the tail is up to date; at once for a tail that was left."""
        opening = self._opening.get(stream_id)
        if opening is not None:
            await asyncio.wait({opening})

    def is_open(self, stream_id: str) -> bool:
        return stream_id not in self._opening

    def leave(self, stream_id: str, reader: Reader) -> None:
        tail = self._tails.get(stream_id)
        if tail is None:
            return
        since = tail.readers.get(reader)
        tail.audience.remove(reader)
        if since is not None:
            seconds = asyncio.get_running_loop().time() - since
            why = self._why(tail, reader)
            of = subject(stream_id, tail.owner, Trace(tail.traceparent))
            tell(of_fronts.ReaderLeft(of, reader.face, why, seconds, len(tail.readers), reader.resumed))
        if not tail.readers:
            del self._tails[stream_id]
            tail.close()
            opening = self._opening.pop(stream_id, None)
            if opening is not None:
                opening.cancel()
            self._channel.unsubscribe(keys.channel(stream_id))
            self._emptied.set()

    def _why(self, tail: Tail, reader: Reader) -> str:
        """Why a reader leaves, in a word."""
        if tail.gone:
            return "lost"
        if tail.ended and reader.position == tail.splice.end:
            return "ended"
        return "drained" if self.draining else "left"

    async def empty(self) -> None:
        """Returns when the last reader has gone."""
        while self._tails:
            self._emptied.clear()
            await self._emptied.wait()

    async def tell_places(self, tails: Sequence[Tail]) -> None:
        """Where these stand in the line. Raises Redis' errors."""
        places = await self._queue.positions([tail.stream_id for tail in tails])
        for tail, place in zip(tails, places, strict=True):
            tail.stands_at(place)

    async def _open(self, tail: Tail) -> None:
        stream_id = tail.stream_id
        try:
            await self._channel.subscribe(keys.channel(stream_id), tail)
            tail.repair("opened")
            await tail.repaired()
            if tail.state is State.QUEUED:
                await self.tell_places([tail])
            elif tail.state is State.WAITING:
                tail.message(asides.encode(asides.Awaiting()))
            elif tail.state is State.RUNNING:
                if (held := await asides.standing(self._redis, stream_id)) is not None:
                    tail.message(asides.encode(held))
                tail.tell_on()
        except (RedisError, *AWAY) as error:
            tell_refusal("tail-open", error)
        except Exception as error:  # noqa: BLE001  # its readers are served by the slow beat
            tell(of_processes.Fault.met("tail-open", error, subject(stream_id)))
        finally:
            if self._opening.get(stream_id) is asyncio.current_task():
                del self._opening[stream_id]
        tail.wake()


def start_position(tail: Tail, after: Position | None) -> Position | None:
    """Where a reader that comes with `after` begins, if the tail can prove it without asking Redis."""
    position = tail.base if after is None else after
    return position if position.offset and tail.splice.after(position) is not None else None
