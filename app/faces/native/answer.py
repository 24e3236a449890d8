"""The SSE answer: its headers, its opening, and the stream's frames until the ending.

On uvicorn the connection is taken over (`app.http.connection.takeover`); anywhere else (another server, a test client,
a pipelined request) sse-starlette sends the same bytes through ASGI.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from functools import partial

from sse_starlette import EventSourceResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.access.limits.open_readers import ReaderPlace
from app.faces.base.answer import SSE_HEADERS
from app.faces.native.push import PushReader
from app.faces.native.view import beside, crowded, leave_block, reset_event
from app.fanout.catchup import Data, Lost, Part, Reset
from app.fanout.hub import Hub
from app.fanout.reader import Aside, Leave, PullReader
from app.fanout.shaping.shaped_reader import ShapedReader
from app.http.connection.takeover import can_take_over, take_over
from app.stream.accounts import Over
from app.stream.frames import Position
from app.stream.observing import tell
from app.stream.readback.restarts import ends
from app.watch.events.of_fronts import ReaderTurnedAway
from app.watch.events.subjects import subject

Enter = Callable[[], ReaderPlace | Over]


class StreamResponse(Response):
    """The events of one stream, after `head`: `data`, which follows `position` and was read already, and what follows.

    `enter` counts the reader, unless it is one too many. `ended`: nothing follows. `resumed`: its client came with a
    place. `served` is called where it needs nothing more than `data`. `partials`: what its JSON says is shown too.
    """

    def __init__(
        self,
        hub: Hub,
        stream_id: str,
        position: Position,
        head: bytes,
        data: bytes = b"",
        *,
        enter: Enter,
        ended: bool = False,
        resumed: bool = False,
        partials: bool = False,
        served: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(headers=SSE_HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._stream_id = stream_id
        self._position = position
        self._head = head
        self._enter = enter
        self._data = data
        self._ended = ended
        self._resumed = resumed
        self._partials = partials
        self._served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        data, self._data = self._data, b""  # a client that does not read is not to hold it
        place = self._enter()
        if isinstance(place, Over):
            del data
            tell(ReaderTurnedAway(subject(self._stream_id), "native", "limited"))
            await WholeResponse(crowded())(scope, receive, send)
            return
        if self._partials or scope["method"] == "HEAD" or not can_take_over(scope):
            del data
            try:
                # `ping=0`: the hub pings. What is given is bytes, which go out as they are.
                await EventSourceResponse(self._all(), headers=SSE_HEADERS, ping=0)(scope, receive, send)
            finally:
                place.leave()
            return
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            reader = take_over(scope, partial(self._reader, place))
        except BaseException:
            place.leave()
            raise
        beginning = reader.begin(self._head, data, ended=self._ended)
        del data
        await beginning
        if not reader.has_joined:
            self._served()

    def _reader(self, place: ReaderPlace, transport: asyncio.Transport, chunked: bool) -> PushReader:  # noqa: FBT001 - as `take_over` calls it
        return PushReader(
            transport,
            self._hub,
            self._stream_id,
            self._position,
            chunked=chunked,
            resumed=self._resumed,
            left=place.leave,
        )

    async def _all(self) -> AsyncGenerator[bytes]:
        self._hub.sent.bytes += len(self._head)
        yield self._head
        frames = native(self._hub, self._stream_id, self._position, resumed=self._resumed, partials=self._partials)
        async with contextlib.aclosing(frames):
            async for data in frames:
                self._hub.sent.bytes += len(data)
                yield data


class WholeResponse(Response):
    """A short SSE answer that is known in full."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body, headers=SSE_HEADERS)


async def native(
    hub: Hub, stream_id: str, position: Position, *, resumed: bool, partials: bool = False
) -> AsyncGenerator[bytes]:
    """The native view: the log's own bytes, and a front's asides, but nothing of them behind an ending."""
    over = False
    if partials:
        reader: PullReader = ShapedReader(position, resumed=resumed)
    else:
        reader = PullReader(position, in_parts=True, resumed=resumed)
    async with contextlib.aclosing(reader.steps(hub, stream_id)) as steps:
        async for step in steps:
            match step:
                case Data(data):
                    over = ends(data)
                    yield data
                case Part(data):
                    over = False  # an ending comes whole
                    yield data
                case Aside() | Leave() if over:
                    pass
                case Aside(said):
                    yield beside(said)
                case Reset(reason, attempt):
                    over = False
                    yield reset_event(reason, attempt)
                case Lost():
                    yield reset_event("lost", 0)
                case Leave(retry_ms):
                    yield leave_block(retry_ms)
