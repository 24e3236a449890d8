"""The board as a stream of snapshots, one event for each, for as long as somebody watches.

The rule: what a slow watcher has not taken is never kept for it: it gets the newest next. When the front drains the
answer ends, cleanly, and says when to come again.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncGenerator, Callable

import orjson
from sse_starlette import EventSourceResponse

from app.faces.base.answer import SSE_HEADERS
from app.faces.board.gathering import Gathering

RETRY_MS = 1000
# Those who watch a front that ends come to the others, and not all at once.
LEFT_MS = (1000, 3000)
# To who comes while it cannot be said whether he is an operator.
COME_BACK = b"retry: %d\n: come back\n\n" % LEFT_MS[1]


def watching(gathering: Gathering, draining: Callable[[], bool]) -> EventSourceResponse:
    # `ping=0`: there is something each second. What is given is bytes, which go out as they are.
    return EventSourceResponse(events_of(gathering, draining), headers=SSE_HEADERS, ping=0)


async def events_of(gathering: Gathering, draining: Callable[[], bool]) -> AsyncGenerator[bytes]:
    if not draining():
        yield b"retry: %d\n: the board\n\n" % RETRY_MS
    async with contextlib.aclosing(gathering.snapshots()) as snapshots:
        async for shown in snapshots:
            if draining():
                break
            yield b"data: " + orjson.dumps(shown) + b"\n\n"
    yield b"retry: %d\n: come back\n\n" % random.randint(*LEFT_MS)  # noqa: S311  # jitter, not a secret
