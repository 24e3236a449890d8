"""The board as a stream of snapshots, one event for each, for as long as somebody watches.

The rule: what a slow watcher has not taken is never kept for it: it gets the newest next; one that takes nothing for
long (its machine sleeps) is let go, for nobody could tell it that the front drains. When it does the answer ends,
cleanly, and says when to come again.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncGenerator, Callable

import orjson
from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from app.faces.base.answer import SSE_HEADERS
from app.faces.board.gathering import Gathering
from app.http.connection.cycle import drop

RETRY_MS = 1000
# Those who watch a front that ends come to the others, and not all at once.
LEFT_MS = (1000, 3000)
# Who has taken nothing for so long is let go.
TAKES_SECONDS = 10.0
# To who comes while it cannot be said whether he is an operator.
COME_BACK = b"retry: %d\n: come back\n\n" % LEFT_MS[1]


class _Watching(EventSourceResponse):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            await drop(scope, receive)


def watching(gathering: Gathering, draining: Callable[[], bool]) -> EventSourceResponse:
    # `ping=0`: there is something each second. What is given is bytes, which go out as they are.
    events = events_of(gathering, draining)
    return _Watching(events, headers=SSE_HEADERS, ping=0, send_timeout=TAKES_SECONDS)


async def events_of(gathering: Gathering, draining: Callable[[], bool]) -> AsyncGenerator[bytes]:
    if not draining():
        yield b"retry: %d\n: the board\n\n" % RETRY_MS
    async with contextlib.aclosing(gathering.snapshots()) as snapshots:
        async for shown in snapshots:
            if draining():
                break
            yield b"data: " + orjson.dumps(shown) + b"\n\n"
    yield b"retry: %d\n: come back\n\n" % random.randint(*LEFT_MS)  # noqa: S311  # jitter, not a secret
