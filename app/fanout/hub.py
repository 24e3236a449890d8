"""All tails of one front: who is read here, the slow beat, pings, places in the line, and the drain.

The rule: one subscription per stream that somebody here reads; the last reader takes the tail and its subscription
along. Every `BEAT_SECONDS` one pipeline asks the last id of every live log, so that a channel that lies or sleeps can
delay and never lose.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.fanout.audience import Piece, Reader, come_back_ms
from app.fanout.reads import Reads
from app.fanout.tail import Tail
from app.stream import asides, keys
from app.stream.channel import Channel
from app.stream.concurrency.tasks import Supervised, end, every
from app.stream.frames import PROOF_LENGTH, Position, unlogged
from app.stream.log import Log, State
from app.stream.queue import Queue
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import Teller

logger = logging.getLogger(__name__)
_teller = Teller(logger)

BEAT_SECONDS = 2.0
# Proxies commonly close what is silent for a minute; half of that leaves room for one lost ping.
PING_SECONDS = 15.0
TICK_SECONDS = 1.0
PING = Piece(b": ping\n\n")
# Logs asked for in one pipeline.
BEAT_BATCH = 1000


class Hub:
    """The tails of this front, by stream id. `leave_by`: the loop's time at which a draining front has no more left."""

    def __init__(self, redis: Redis, log: Log, queue: Queue, channel: Channel) -> None:
        self.log = log
        self.queue = queue
        self.draining = False
        self.leave_by = 0.0
        self.reads = Reads(log)
        self._redis = redis
        self._channel = channel
        self._tails: dict[str, Tail] = {}
        self._opening: dict[str, asyncio.Task[None]] = {}
        self.work = (
            Supervised("hub-beat", lambda: every(BEAT_SECONDS, self._beat)),
            Supervised("hub-ping", lambda: every(TICK_SECONDS, self._ping)),
        )
        self._emptied = asyncio.Event()

    async def __aenter__(self) -> Self:
        for work in self.work:
            work.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for work in self.work:
            await work.stop()
        await end(*self._opening.values())
        for tail in tuple(self._tails.values()):
            tail.audience.each(tail.readers, self._send_away)
            tail.close()

    @property
    def tails(self) -> int:
        return len(self._tails)

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
            tail = self._tails[stream_id] = Tail(stream_id, self.log, reader.position, self.reads)
            tail.quiet_since = asyncio.get_running_loop().time()
            self._opening[stream_id] = asyncio.create_task(self._open(tail), name="tail-open")
        tail.attach(reader)
        if self.draining:  # the drain tells those that it found
            asyncio.get_running_loop().call_soon(tail.audience.each, (reader,), self._send_away)
        elif tail.state is State.QUEUED and tail.place is not None:
            reader.aside(Piece(status(tail.place)))
        elif tail.told is not None:
            reader.aside(Piece(asides.status(tail.told)))
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
        tail.detach(reader)
        if not tail.readers:
            del self._tails[stream_id]
            tail.close()
            opening = self._opening.pop(stream_id, None)
            if opening is not None:
                opening.cancel()
            self._channel.unsubscribe(keys.channel(stream_id))
            self._emptied.set()

    async def empty(self) -> None:
        """Returns when the last reader has gone."""
        while self._tails:
            self._emptied.clear()
            await self._emptied.wait()

    async def drain(self, seconds: float) -> None:
        """Sends every reader away, one by one over `seconds`, so that the other fronts are not stormed."""
        self.draining = True
        readers = [(stream_id, reader) for stream_id, tail in self._tails.items() for reader in tail.readers]
        random.shuffle(readers)
        loop = asyncio.get_running_loop()
        start = loop.time()
        for n, (stream_id, reader) in enumerate(readers):
            due = start + seconds * n / len(readers)
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            tail = self._tails.get(stream_id)
            if tail is not None and reader in tail.readers:
                tail.audience.each((reader,), self._send_away)

    @staticmethod
    def _send_away(reader: Reader) -> None:
        reader.leave(come_back_ms())

    async def _open(self, tail: Tail) -> None:
        stream_id = tail.stream_id
        try:
            await self._channel.subscribe(keys.channel(stream_id), tail)
            tail.repair()
            await tail.repaired()
            if tail.state is State.QUEUED:
                self._place(tail, await self.queue.position(stream_id))
            elif tail.state is State.RUNNING and (held := await asides.standing(self._redis, stream_id)) is not None:
                tail.message(asides.encode(held))
        except (RedisError, *AWAY) as error:
            _teller.tell("tail-open", error)
        except Exception as error:  # noqa: BLE001  # its readers are served by the slow beat
            logger.error("tail-open: failed: %s", type(error).__name__)  # noqa: TRY400  # no tracebacks with prompts
        finally:
            if self._opening.get(stream_id) is asyncio.current_task():
                del self._opening[stream_id]
        tail.wake()

    async def _ping(self) -> None:
        now = asyncio.get_running_loop().time()
        for tail in tuple(self._tails.values()):
            if now - tail.quiet_since >= PING_SECONDS:
                tail.quiet_since = now
                tail.audience.aside(PING)

    async def _beat(self) -> None:
        tails = [tail for stream_id, tail in self._tails.items() if stream_id not in self._opening]
        try:
            for start in range(0, len(tails), BEAT_BATCH):
                await self._check(tails[start : start + BEAT_BATCH])
        except (RedisError, *AWAY) as error:
            _teller.tell("beat", error)

    async def _check(self, tails: list[Tail]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for tail in tails:
                pipe.getrange(keys.log(tail.stream_id), -PROOF_LENGTH, -1)
                pipe.exists(keys.meta(tail.stream_id))
                if tail.state is State.QUEUED:
                    pipe.zrank(keys.JOBS, tail.stream_id)
            waiting = [tail.state is State.QUEUED for tail in tails]
            answers = iter(await pipe.execute(raise_on_error=False))
        for tail, queued in zip(tails, waiting, strict=True):
            last, there = next(answers), next(answers)
            rank = next(answers) if queued else None
            refused = next((answer for answer in (last, there, rank) if isinstance(answer, Exception)), None)
            if refused is not None:  # one stream's key may be whatever it is: the others' are looked at
                _teller.tell("beat", refused)
            elif not there:
                tail.repair()
            else:
                tail.check(last)
                self._place(tail, None if rank is None else rank + 1)

    def _place(self, tail: Tail, place: int | None) -> None:
        if place is None or place == tail.place:
            return
        tail.place = place
        tail.audience.aside(Piece(status(place)))


def status(place: int) -> bytes:
    """What a reader of a waiting stream is told."""
    return unlogged("relay.status", {"state": "queued", "position": place})


def start_position(tail: Tail, after: Position | None) -> Position | None:
    """Where a reader that comes with `after` begins, if the tail can prove it without asking Redis."""
    position = tail.base if after is None else after
    return position if position.offset and tail.splice.after(position) is not None else None
