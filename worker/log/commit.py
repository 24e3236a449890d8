"""Group commit: all appends of a process over one connection, a batch at a time.

Everything that carries appends to Redis must live here. The rule: while a batch is under way, what comes gathers and
leaves with the next; so latency is lowest when idle and cost is lowest under load. A batch whose answers did not come
is sent again, for ever, over a new connection: `append.lua` recognises what stands. redis-py opens the connection (TLS,
credentials, Sentinel); the bytes are packed and read by hiredis. Knows nothing of what is appended.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Self

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection

from app.stream.concurrency.tasks import Supervised
from app.stream.counts.distribution import Distribution
from app.stream.counts.timing import took
from app.stream.log import Status, appended
from app.stream.observing import tell
from app.stream.redis.refusals import NO_ANSWER, Kind, tell_refusal
from app.watch.events import of_processes
from app.watch.events.subjects import Subject
from worker.log.sending import Scripts
from worker.log.writer import Append, Writer

# A connection that owes an answer for so long is dead; a large batch may take longer.
SILENCE_SECONDS = 2.0
BYTES_PER_SECOND = 4 * 1024 * 1024
WATCH_SECONDS = 0.25
RECONNECT_SECONDS = 0.05
RECONNECT_SECONDS_MAX = 1.0
# Who was connected for so long comes back at once. One append that was taken is no sign that all is well: a server may
# take again what stands, and refuse whatever is new.
STEADY_SECONDS = 2.0
# What a full Redis refuses is tried again at this beat.
FULL_SECONDS = 0.2
# One batch; the rest waits for the next, so that no batch holds up the others for long.
BATCH_BYTES = 4 * 1024 * 1024
READ_BYTES = 256 * 1024
# Where batches follow closely, one in so many seconds is measured, and counts for those before it: to measure each
# would cost a thirtieth of what writing costs.
MEASURE_SECONDS = 0.01
# As which it is counted how many frames a batch has.
BATCH_FRAMES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)

Item = tuple[Writer, Append]


class Committer:
    """The one way of this process into the logs, as an async context. `batch_frames`: what went together."""

    def __init__(self, redis: Redis, scripts: Scripts | None = None, batch_frames: Distribution | None = None) -> None:
        self._redis = redis
        self._scripts = scripts or Scripts.of()
        self.batch_frames = Distribution(BATCH_FRAMES) if batch_frames is None else batch_frames
        self._measured_at = 0.0
        self._unmeasured = self._unmeasured_appends = 0
        self._ready: list[Writer] = []
        self._unanswered: list[Item] = []
        self._refused: list[Item] = []  # for now, and asked again at `_again_at`
        self._again_at = 0.0
        self._idle: asyncio.Future[None] | None = None
        self._work = Supervised("commit", self._supervise)
        self._due: float | None = None  # when the answers under way are late
        self._broken_since: float | None = None

    @property
    def broken_for(self) -> float:
        """For how many seconds nothing has been written for a fault of our own: no outage, and no refusal of Redis'.

        Who cannot write must not keep others from it: its leases are not to be renewed then.
        """
        if self._broken_since is None:
            return 0.0
        return asyncio.get_running_loop().time() - self._broken_since

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self) -> Self:
        self._work.start()
        return self

    async def stop(self) -> None:
        await self._work.stop()

    def ready(self, writer: Writer) -> None:
        """The writer is asked for its append with the next batch."""
        self._ready.append(writer)
        self._stir()

    async def _supervise(self) -> None:
        """Connects, commits, and starts over for as long as the process lives."""
        loop, pause = asyncio.get_running_loop(), 0.0
        while True:
            since = loop.time()
            try:
                await self._session()
            except (hiredis.HiredisError, *NO_ANSWER) as error:
                tell_refusal("commit", error)
            except Exception as error:  # noqa: BLE001  # no fault of one stream may stop the writing of all
                tell(of_processes.Fault.met("commit", error))
                if self._broken_since is None:
                    self._broken_since = asyncio.get_running_loop().time()
            if loop.time() - since >= STEADY_SECONDS:
                pause = 0.0
            await asyncio.sleep(pause)
            pause = min(max(pause * 2, RECONNECT_SECONDS), RECONNECT_SECONDS_MAX)

    async def _session(self) -> None:
        """Commits over one connection until it ends."""
        connection: AbstractConnection = self._redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with Supervised("commit-watch", lambda: self._watch(connection)):
                await connection.connect()  # type: ignore[no-untyped-call]
                for text in self._scripts.texts:
                    await connection.send_command("SCRIPT", "LOAD", text)
                    await connection.read_response()
                await self._commit(connection)
        finally:
            _abort(connection)

    async def _commit(self, connection: AbstractConnection) -> None:
        loop = asyncio.get_running_loop()
        reader, out = connection._reader, connection._writer  # noqa: SLF001  # redis-py is pinned, see channel.py
        if reader is None or out is None:
            raise ConnectionResetError
        parser = hiredis.Reader()
        while True:
            batch = self._gather()
            if not batch:  # and nobody is kept from writing
                self._broken_since = None
                await self._wait()
                continue
            packed = self._pack(batch)
            if not packed:
                continue
            if out.transport.is_closing():  # lost while idle; uvloop would raise where asyncio only warns
                raise ConnectionResetError("closed by Redis")
            now = loop.time()
            self._due = now + SILENCE_SECONDS + len(packed) / BYTES_PER_SECOND
            began = perf_counter() if self._is_measured(now, batch) else None
            out.write(packed)
            try:
                await self._hear(reader, parser, batch)
            finally:
                self._due = None
            if began is not None:
                took(self._scripts.digest, perf_counter() - began, self._unmeasured_appends)
                self._unmeasured_appends = 0
            self._broken_since = None

    def _is_measured(self, now: float, batch: list[Item]) -> bool:
        """Whether it is to be timed; its frames are counted then."""
        self._unmeasured += 1
        self._unmeasured_appends += len(batch)
        if now - self._measured_at < MEASURE_SECONDS:
            return False
        self.batch_frames.add(sum([append.frames for _, append in batch]), self._unmeasured)
        self._measured_at, self._unmeasured = now, 0
        return True

    async def _wait(self) -> None:
        """Until something is to be written, or what was refused is to be tried again."""
        loop = asyncio.get_running_loop()
        idle = self._idle = loop.create_future()
        again = loop.call_at(self._again_at, self._stir) if self._refused else None
        try:
            await idle
        finally:
            if again is not None:
                again.cancel()

    def _stir(self) -> None:
        if self._idle is not None:
            if not self._idle.done():
                self._idle.set_result(None)
            self._idle = None

    def _gather(self) -> list[Item]:
        """The next batch: what has no answer yet, what was refused a while ago, then what has come since.

        What was refused holds up nobody else: a full Redis takes endings.
        """
        items = self._unanswered
        if self._refused and asyncio.get_running_loop().time() >= self._again_at:
            items, self._refused = items + self._refused, []
        batch = [item for item in items if item[0].refusal is None]
        size = sum(len(append.data) for _, append in batch)
        taken = 0
        for writer in self._ready:
            if size > BATCH_BYTES:
                break
            taken += 1
            try:
                append = writer.take()
            except Exception as error:  # noqa: BLE001  # one stream's fault is its own
                refuse(writer, error)
                continue
            if append is not None:
                batch.append((writer, append))
                size += len(append.data)
        del self._ready[:taken]
        self._unanswered = batch
        return batch

    def _pack(self, batch: list[Item]) -> bytes:
        """What to send of a batch. An append that cannot be packed is refused, and leaves the batch."""
        parts, sent = [], []
        for writer, append in batch:
            try:
                parts.append(self._scripts.packed(writer, append))
            except Exception as error:  # noqa: BLE001  # one stream's fault is its own
                refuse(writer, error)
            else:
                sent.append((writer, append))
        batch[:] = sent
        return b"".join(parts)

    async def _hear(self, reader: asyncio.StreamReader, parser: hiredis.Reader, batch: list[Item]) -> None:
        """Takes the answers of a batch in order. What has none, or a passing refusal, is kept."""
        refused: list[Item] = []
        heard = 0
        try:
            while heard < len(batch):
                data = await reader.read(READ_BYTES)
                if not data:
                    raise ConnectionResetError("closed by Redis")
                parser.feed(data)
                while (reply := parser.gets()) is not False:
                    writer, _ = batch[heard]
                    if type(reply) is not list:
                        if self._is_kept(batch[heard], reply):
                            refused.append(batch[heard])
                    else:
                        try:
                            if reply[0] == b"ok" and not reply[2]:
                                writer.answered()
                            else:
                                writer.settle(appended(reply))
                        except Exception as error:  # noqa: BLE001  # one stream's fault is its own
                            refuse(writer, error)
                    heard += 1
        finally:
            self._unanswered = batch[heard:]
            if refused and not self._refused:
                self._again_at = asyncio.get_running_loop().time() + FULL_SECONDS
            self._refused += refused

    def _is_kept(self, item: Item, error: Exception) -> bool:
        """Whether what Redis has not taken is to be sent again; what it never takes is the end of its writer."""
        if _is_passing(error):
            return True
        refuse(item[0], error)
        return False

    async def _watch(self, connection: AbstractConnection) -> None:
        """Ends a connection that is open and dead."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._due is not None and loop.time() > self._due:
                tell(of_processes.CommitsUnanswered())
                self._due = None
                _abort(connection)  # which ends the session, and this with it


def refuse(writer: Writer, error: Exception) -> None:
    """Ends the writing of one stream, whatever is wrong with it."""
    try:
        writer.refuse(Status.REFUSED, type(error).__name__)
    except Exception as again:  # noqa: BLE001  # as above
        tell(of_processes.Fault.met("appends", again, Subject(writer.claim.stream_id)))


def _is_passing(error: Exception) -> bool:
    """Whether Redis may take the very same append in a while. Raises where another connection is needed for it."""
    refusal = tell_refusal("appends", error)
    if refusal.kind is Kind.FOR_NOW and refusal.code != "LOADING":
        return True
    if refusal.passes:  # by another server, or by this one to who comes with the script, or with other rights
        raise ConnectionResetError(refusal.code)
    return False


def _abort(connection: AbstractConnection) -> None:
    stream = connection._writer  # noqa: SLF001  # redis-py is pinned, see channel.py
    if stream is not None:
        stream.transport.abort()
    connection._close()  # type: ignore[no-untyped-call]  # noqa: SLF001  # or it warns that nobody did
