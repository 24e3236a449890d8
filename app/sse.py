"""The SSE answer: its headers, its opening, and the stream's frames until the ending.

On uvicorn the connection is taken over (`takeover.py`); anywhere else (another server, a test client, a middleware that
wraps the transport) the same steps are sent through ASGI.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.hub import PING, Hub
from app.readers import Aside, Data, Leave, Lost, PullReader, Reset
from app.stream.frames import Position
from app.takeover import can_take_over, leave_block, reset_event, take_over

SSE_HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
# A connection that was taken over is not uvicorn's any more when the stream ends, so it is not reused.
LIVE_HEADERS = SSE_HEADERS | {"connection": "close"}
RETRY_MS = 1000


class StreamResponse(Response):
    """The events of one stream, from `position` on, after `opening`."""

    def __init__(self, hub: Hub, stream_id: str, position: Position, opening: bytes) -> None:
        super().__init__(headers=LIVE_HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._stream_id = stream_id
        self._position = position
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
        elif can_take_over(scope):
            reader = take_over(scope, self._hub, self._stream_id, self._position)
            reader.write(self._opening)
            await reader.begin()
        else:
            await _until_gone(receive, self._send_all(send))

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.body", "body": self._opening, "more_body": True})
        async for data in native(self._hub, self._stream_id, self._position):
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class WholeResponse(Response):
    """A short SSE answer that is known in full."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body, headers=SSE_HEADERS)


async def native(hub: Hub, stream_id: str, position: Position) -> AsyncIterator[bytes]:
    """The native view: the log's own bytes, and a front's asides."""
    async with contextlib.aclosing(PullReader(position).steps(hub, stream_id)) as steps:
        async for step in steps:
            match step:
                case Data(data):
                    yield data
                case Aside(data):
                    yield data
                case Reset(reason, attempt):
                    yield reset_event(reason, attempt)
                case Lost():
                    yield reset_event("lost", 0)
                case Leave(retry_ms):
                    yield leave_block(retry_ms)


async def _until_gone(receive: Receive, work: object) -> None:
    """Runs `work` until it ends or the client leaves."""
    sending = asyncio.ensure_future(work)  # type: ignore[call-overload]
    listening = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        listening.cancel()
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def opening(stream_id: str, retry_ms: int = RETRY_MS) -> bytes:
    """How every answer begins: one block, because some clients see an event in a `retry:` of its own."""
    return b"retry: %d\n: stream %b\n\n" % (retry_ms, stream_id.encode())


__all__ = ["PING", "RETRY_MS", "SSE_HEADERS", "StreamResponse", "WholeResponse", "native", "opening"]
