"""What the tests of tails, hub and readers share: a stream written by hand, a front's insides, a client to watch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self, cast

from redis.asyncio import Redis

from app.faces.native.push import PushReader
from app.fanout.beat import Beat
from app.fanout.catchup import Data, Reset, Step
from app.fanout.hub import Hub
from app.fanout.reader import Aside, Leave, PullReader
from app.stream import keys
from app.stream.channel import Channel
from app.stream.endings import Outcome, end_data
from app.stream.frames import Position, encode, encode_json, origin, split
from app.stream.log import Claim, Log, Status
from app.stream.queue import Queue
from tests.app.served import until
from tests.patience import PATIENCE

LIFE_MS = 600_000
OWNER = "me"
STREAM = "st_followed"
SOON = 0.02
NEVER = 3600.0


@dataclass
class Stream:
    """A running stream, and its holder's hand. `written` is the log as it has to be."""

    redis: Redis
    log: Log
    claim: Claim
    position: Position
    written: bytes = b""
    places: list[Position] = field(default_factory=list)

    @classmethod
    async def begin(cls, redis: Redis, stream_id: str, **fields: str) -> Self:
        log, claim = Log(redis), Claim(stream_id, 1, "author/1")
        await log.open(stream_id, {"owner": OWNER, "attempt": "1", **fields})
        await log.keep(stream_id, LIFE_MS)
        await log.begin(claim)
        return cls(redis, log, claim, origin(stream_id), places=[origin(stream_id)])

    @property
    def id(self) -> str:
        return self.claim.stream_id

    def frame(self, text: str) -> bytes:
        """The next frame, for who gets it by other ways."""
        raw, *after = encode(b"told", text.encode(), *self.position)
        self._take(raw, Position(*after))
        return raw

    def forge(self, name: str, data: bytes) -> bytes:
        """As `frame`, of an event that an upstream calls what it likes."""
        raw, *after = encode(name.encode(), data, *self.position)
        self._take(raw, Position(*after))
        return raw

    async def publish(self) -> None:
        """Appends what stands written and not yet in the log, and publishes it."""
        at = await self.redis.strlen(keys.log(self.id))
        await self._append(at, self.written[at:])

    async def write(self, *texts: str) -> None:
        """Appends and publishes events, in one piece."""
        at = self.position.offset
        await self._append(at, b"".join([self.frame(text) for text in texts]))

    async def write_unheard(self, *texts: str) -> None:
        """As `write`, but what was published got lost."""
        await self.redis.append(keys.log(self.id), b"".join([self.frame(text) for text in texts]))
        await self.redis.pexpire(keys.log(self.id), LIFE_MS)

    async def restart(self) -> None:
        """A new attempt."""
        at = self.position.offset
        raw, after = encode_json("relay.reset", {"attempt": 2, "reason": "worker_lost"}, self.position)
        self._take(raw, after)
        await self._append(at, raw, {"base": str(after.offset), "attempt": "2"})

    async def end(self, outcome: Outcome = Outcome.COMPLETED) -> None:
        at = self.position.offset
        raw, after = encode_json("relay.end", end_data(outcome, attempts=1), self.position)
        self._take(raw, after)
        await self._append(at, raw, {"outcome": outcome.value}, LIFE_MS)

    async def lose(self, frames: int) -> bytes:
        """Redis loses all but the first frames; returns what it lost."""
        kept = self.places[frames].offset
        await self.redis.set(keys.log(self.id), self.written[:kept], keepttl=True)
        return self.written[kept:]

    async def forget(self, frames: int) -> None:
        """As `lose`, and so does the holder: it writes another history from there on."""
        await self.lose(frames)
        self.places = self.places[: frames + 1]
        self.position = self.places[-1]
        self.written = self.written[: self.position.offset]

    def _take(self, raw: bytes, after: Position) -> None:
        self.written += raw
        self.position = after
        self.places.append(after)

    async def _append(
        self, at: int, raw: bytes, fields: dict[str, str | bytes | int] | None = None, life_ms: int | None = None
    ) -> None:
        assert (await self.log.append(self.claim, at, raw, fields, life_ms)).status is Status.OK


@dataclass
class Inside:
    """A front without HTTP."""

    hub: Hub
    beat: Beat
    channel: Channel
    queue: Queue
    log: Log


@asynccontextmanager
async def inside(redis: Redis, log: Log | None = None) -> AsyncIterator[Inside]:
    log, queue = log or Log(redis), Queue(redis)
    async with Channel(redis) as channel, Hub(redis, log, queue, channel) as hub, Beat(redis, hub) as beat:
        yield Inside(hub, beat, channel, queue, log)


class Client:
    """A client on a transport of its own, that reads what it is sent until it stops."""

    def __init__(self, hub: Hub, stream_id: str, position: Position | None = None, *, chunked: bool = False) -> None:
        self.body = b""
        self.closed = False
        self.reader = PushReader(
            cast("Any", self), hub, stream_id, origin(stream_id) if position is None else position, chunked=chunked
        )

    async def begin(self) -> Self:
        await self.reader.begin()
        return self

    def stop(self) -> None:
        """Reads no more: what is sent now would have to wait."""
        self.reader.pause_writing()

    def go_on(self) -> None:
        self.reader.resume_writing()

    def go_away(self) -> None:
        self.closed = True
        self.reader.connection_lost(None)

    @property
    def frames(self) -> bytes:
        """What it was sent of the log."""
        return b"".join(block + b"\n\n" for block in self.body.split(b"\n\n") if b"\nid: " in block)

    @property
    def beside(self) -> list[tuple[str | None, bytes]]:
        """What a front told it beside the log: names and data of events, comments without a name."""
        blocks = [block for block in self.body.split(b"\n\n") if block and b"\nid: " not in block]
        return [_event(block) for block in blocks]

    # --- the transport's side

    def write(self, data: bytes) -> None:
        assert not self.closed, "written to a connection that was closed"
        self.body += data

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.reader.connection_lost(None)

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, *, high: int) -> None:
        """It says by itself when it stops."""

    def get_extra_info(self, name: str) -> None:
        """There is no socket."""


def _event(block: bytes) -> tuple[str | None, bytes]:
    if not block.startswith(b"event: "):
        return None, block
    name, _, data = block.partition(b"\ndata: ")
    return name.removeprefix(b"event: ").decode(), data


def texts(log: bytes) -> list[str]:
    return [frame.data.decode() for frame in split(log)]


class Asking:
    """Asks for one step after the other, and keeps them."""

    def __init__(self, front: Inside, position: Position | None = None) -> None:
        self.reader = PullReader(origin(STREAM) if position is None else position)
        self.steps: list[Step | Aside | Leave] = []
        self._front = front

    @property
    def data(self) -> bytes:
        """What was given since the last reset."""
        given = b""
        for step in self.steps:
            given = given + step.data if isinstance(step, Data) else b"" if isinstance(step, Reset) else given
        return given

    @property
    def beside(self) -> list[Step | Aside | Leave]:
        return [step for step in self.steps if not isinstance(step, Data)]

    async def run(self) -> None:
        async with contextlib.aclosing(self.reader.steps(self._front.hub, STREAM)) as steps:
            async for step in steps:
                self.steps.append(step)


@asynccontextmanager
async def asking(front: Inside, position: Position | None = None) -> AsyncIterator[tuple[Asking, asyncio.Task[None]]]:
    one = Asking(front, position)
    task = asyncio.create_task(one.run())
    yield one, task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def over(task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(PATIENCE):
        await task


async def has(client: Client, stream: Stream) -> None:
    await until(lambda: client.frames == stream.written)
