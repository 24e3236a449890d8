"""A call whose answer others read along: their stream's own cancel does not take it from them.

The rule: who is cancelled ends at once, as ever; and where nobody reads along, so does the call. Else the life goes on
behind its ending, in its slot and under its lease: what the upstream says goes into the rest, until it has said all, or
nobody is left. Only then is the stream out of the queue, with the whole of the call on its ledger, for it asked first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from app.stream.concurrency.tasks import end
from app.stream.ledger.usage import values
from app.stream.log import Status
from app.stream.redis.connect import AWAY
from app.stream.saved.rest import COMES, FIELD, Rests
from worker.life import decide
from worker.life.ending import relay_end
from worker.life.interrupt import Interrupt, Why
from worker.life.record import Record
from worker.life.until_answered import until_answered
from worker.log.writer import FullLogError

# How often it is looked whether anybody is left, and how long frames gather on their way.
LOOK_SECONDS = 0.5
GATHER_SECONDS = 0.02


class Share:
    """One call of one stream, that others may read along. `left`: its stream has its ending, and the call goes on."""

    def __init__(self, record: Record, rests: Rests, interrupt: Interrupt, *, life_ms: int, most_bytes: int) -> None:
        self._record = record
        self._rests = rests
        self._interrupt = interrupt
        self._life_ms = life_ms
        self._most_bytes = most_bytes
        self.left = False
        self._over = False
        self._leaving: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._pending: list[bytes] = []
        self._at = self._size = 0

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Within, the stream's cancel is asked here."""
        self._record.share = self
        try:
            yield
        finally:
            self._record.share = None
            self._over = True

    def put(self, name: bytes | None, data: bytes) -> None:
        """A frame of the answer. Raises `FullLogError`."""
        if not self.left:
            self._record.writer.frame(name, data)
            return
        lines = b"data: " + data.replace(b"\n", b"\ndata: ") + b"\n\n"
        raw = lines if name is None else b"event: %b\n%b" % (name, lines)
        self._size += len(raw)
        if self._size > self._most_bytes:
            raise FullLogError
        self._pending.append(raw)

    def cancel(self) -> None:
        """The stream is to be cancelled: may be asked again."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave(), name="leave-call")

    async def has_left(self) -> bool:
        """Whether the stream has had its ending here, now that the call is over."""
        if self._leaving is not None:
            await self._ended.wait()
        return self.left

    async def finish(self) -> None:
        """What is left of the answer, and what all of it cost. Raises `Interruption` where the stream is to be left."""
        await self.close()
        calls = self._record.ledger.final
        frames, fields = b"".join(self._pending), relay_end.costs(calls)
        await until_answered(
            self._interrupt, lambda: self._rests.write(self._record.claim, self._at, frames, fields, over=True)
        )

    async def close(self) -> None:
        """Nobody is waited for any more."""
        if self._leaving is not None:
            await end(self._leaving)

    async def _leave(self) -> None:
        stream_id = self._record.claim.stream_id
        try:
            if await self._rests.is_followed(stream_id) and await self._end():
                while await self._rests.is_followed(stream_id):
                    await self._write_for(LOOK_SECONDS)
        except (RedisError, *AWAY) as error:
            self._record.chronicle.fault(error)
        finally:
            self._ended.set()
        self._interrupt.stop(Why.CANCELLED)

    async def _end(self) -> bool:
        """Ends the stream; False where that is not to be done here."""
        record, reading = self._record, self._record.reading
        if reading is None or self._over or record.writer.refusal is not None:
            return False
        self.left = True
        writer, attempts = record.writer, record.account_attempts
        brought = reading.message.brought(whole=False)
        calls = record.ledger.so_far(brought)
        fields = relay_end.fields(decide.CANCELLED, attempts, reading.message, brought, calls, content=reading.content)
        try:
            writer.last("relay.end", relay_end.frame_data(decide.CANCELLED, attempts, brought, calls.cost_usd))
            writer.mark({**fields, FIELD: COMES}, self._life_ms)
            await writer.flush()
        except FullLogError:
            self.left = False
            return False
        if writer.refusal is not None:  # whoever hears that knows what to do
            self.left = False
            return False
        writer.close(Status.ENDED)
        record.chronicle.ended(decide.CANCELLED, attempts, brought.stop_reason, values(brought.used), calls.cost_usd)
        self._ended.set()
        return True

    async def _write_for(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            if self._pending:
                frames, self._pending = b"".join(self._pending), []
                if not await self._write(frames):
                    return
            await asyncio.sleep(GATHER_SECONDS)

    async def _write(self, frames: bytes) -> bool:
        while True:
            try:
                written = await self._rests.write(self._record.claim, self._at, frames, {}, over=False)
            except AWAY:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            except asyncio.CancelledError:
                self._pending.insert(0, frames)  # it may stand: then it is recognised
                raise
            self._at += len(frames)
            return written
