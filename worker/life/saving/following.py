"""The log of a stream that is being given the answer, read as it grows by those that asked the same.

The rule: what is read is what stands in that log, from its newest attempt's first byte; a message on its channel only
says that there may be more, and a slow beat looks without one. Where that stream begins again, ends without the whole
answer, or has no worker any more, the reading fails as a call does, and what follows is decided as after any call:
then whoever asks first makes one, and the others follow that.

Why the second follows the first, and no hidden stream runs the call for both: a stream of its own would need a slot of
a worker beside those of all who wait for it, and a fleet whose slots are full of those that wait would never get to it.
So who makes the call is a stream that has a worker already, and whoever finds it without one takes its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from app.stream import keys
from app.stream.channel import Listening
from app.stream.frames import Position, position_at_end, split, without_ids
from app.stream.log import READ_BYTES, Log, State
from app.stream.redis.refusals import NO_ANSWER, tell_refusal
from app.stream.saved.rest import Rests
from app.stream.saved.saved_calls import Running, Saved, Wanted
from worker.upstream.failure import Failure, UpstreamError

T = TypeVar("T")

AWAY_SECONDS = 0.2
# After these a log says nothing more of the attempt that was read.
END = "relay.end"
_OVER = frozenset({"relay.reset", END})
PARTED = Failure(
    "shared_call", "api_error", "the answer that was shared with another stream did not come to its end", 502
)
# The stream that was followed has ended.
ENDED = replace(PARTED, reason="shared_call_ended")


class Followings:
    """What the streams of this worker follow. `beat_seconds`: how often it is looked whether who is followed lives."""

    def __init__(self, log: Log, saved: Saved, rests: Rests, channel: Listening, beat_seconds: float) -> None:
        self.rests = rests
        self._log = log
        self._saved = saved
        self._channel = channel
        self._beat_seconds = beat_seconds
        self._followed: dict[str, _Followed] = {}

    async def frames(self, wanted: Wanted, stream_id: str, leader: str) -> AsyncGenerator[bytes, None]:
        """The upstream's frames of `leader`, without ids, for `stream_id`. Raises `UpstreamError` where they end."""
        of = _Following(wanted, stream_id, leader)
        async with self._heard(leader) as news:
            async for data in self._log_of(of, news):
                yield data
            async for data in self._rest_of(of, news):
                yield data
        raise UpstreamError(ENDED)

    async def _log_of(self, of: _Following, news: asyncio.Event) -> AsyncGenerator[bytes, None]:
        """What stands in the log, up to its ending."""
        after: Position | None = None
        size = READ_BYTES
        while True:
            news.clear()
            read = await _answered(lambda: self._log.peek(of.leader, after, size))  # noqa: B023  # is awaited right here
            if read.state in (State.GONE, State.UNKNOWN) or (after is not None and not read.proven):
                raise UpstreamError(PARTED)
            if data := read.whole():
                after, size = position_at_end(data), READ_BYTES
                if theirs := without_ids(data):
                    yield theirs
                over = _over(data)
                if over == END:
                    return
                if over is not None or after is None:
                    raise UpstreamError(PARTED)
            elif len(read.data) >= size:  # a frame that is larger than the piece
                size *= 2
            elif read.state is State.ENDED:
                return
            else:
                await self._hears(news, of)

    async def _rest_of(self, of: _Following, news: asyncio.Event) -> AsyncGenerator[bytes, None]:
        """What stands beside it, where it was cancelled and its call goes on for who reads along."""
        at = 0
        while True:
            news.clear()
            data, over = await _answered(lambda: self.rests.read(of.leader, at))  # noqa: B023  # is awaited right here
            if over:
                return
            if data:
                at += len(data)
                yield data
            else:
                await self._hears(news, of)

    @asynccontextmanager
    async def _heard(self, leader: str) -> AsyncIterator[asyncio.Event]:
        """Within, whoever is cancelled knows that it is followed; the event tells of news."""
        followed, news = self._followed.setdefault(leader, _Followed()), asyncio.Event()
        followed.followers.add(news)
        names = keys.followers(leader), keys.channel(leader)
        try:
            for name in names:
                await self._channel.subscribe(name, followed)
            yield news
        finally:
            followed.followers.discard(news)
            if not followed.followers:
                del self._followed[leader]
                for name in names:
                    self._channel.unsubscribe(name)

    async def _hears(self, news: asyncio.Event, of: _Following) -> None:
        """Returns when there may be more. Raises `UpstreamError` where who is followed has no worker."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._beat_seconds):
                await news.wait()
                return
        if await _answered(lambda: self._saved.ask(of.wanted, of.stream_id)) != Running(of.leader):
            raise UpstreamError(PARTED)


@dataclass(frozen=True, slots=True)
class _Following:
    """A stream that reads another one along."""

    wanted: Wanted
    stream_id: str
    leader: str


class _Followed:
    """Who follows one stream here: a message on its channel is for all of them."""

    def __init__(self) -> None:
        self.followers: set[asyncio.Event] = set()

    def message(self, _payload: bytes) -> None:
        self.gap()

    def settle(self) -> None:
        """One message says it all."""

    def gap(self) -> None:
        for news in self.followers:
            news.set()


def _over(data: bytes) -> str | None:
    return next((frame.name for frame in split(data) if frame.name in _OVER), None)


async def _answered(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer of `ask`: an outage is waited out."""
    while True:
        try:
            return await ask()
        except NO_ANSWER as error:
            if not tell_refusal("saved", error).passes:
                raise
        await asyncio.sleep(AWAY_SECONDS)
