"""One connection of a probe: asked once, read to its end, to a cut at a chosen byte, or to the end of our patience.

The rule: whatever a server does, this ends, and holds one event at the most. What a server says is handed on as bytes;
of a refusal only the status, for the rest may be anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import httpx

from app.terminal.probe.seen.arrivals import Arrivals
from app.terminal.probe.seen.sse_blocks import Block, Blocks, TooLargeError

CONNECT_SECONDS = 10.0
# How long a connection may stay open behind the ending.
CLOSING_SECONDS = 5.0
EVENTS = "text/event-stream"


class How(StrEnum):
    """How a reading ended."""

    CUT = "we cut it"
    ENOUGH = "we had enough"
    CLEAN = "it ended"
    OPEN = "it stays open behind the ending"
    NOTHING = "nothing follows"
    BROKEN = "the connection broke"
    SILENT = "nothing came any more"
    LATE = "the time was up"
    REFUSED = "it was refused"
    UNREACHABLE = "nobody is there"
    TOO_LARGE = "an event is too large"


class Go(StrEnum):
    """What a block means to who reads."""

    ON = "on"
    ENDED = "ended"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Asked:
    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


@dataclass(slots=True)
class Reading:
    """`amid`: it ended in the middle of an event; `retry`: the last thing it said was when to come back."""

    arrivals: Arrivals
    how: How = How.LATE
    status: int = 0
    kind: str = ""
    coding: str = ""
    bytes: int = 0
    amid: bool = False
    retry: bool = False
    ended: bool = False


@asynccontextmanager
async def a_client(headers: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Each reading has a connection of its own, and nobody is followed elsewhere with what opens the server."""
    async with httpx.AsyncClient(
        headers={"accept": EVENTS, "accept-encoding": "identity", "cache-control": "no-store", **headers},
        follow_redirects=False,
        limits=httpx.Limits(max_keepalive_connections=0),
    ) as http:
        yield http


async def read(
    http: httpx.AsyncClient,
    asked: Asked,
    take: Callable[[Block], Go],
    *,
    until: float,
    silence: float,
    cut: int | None = None,
    on_head: Callable[[], None] = lambda: None,
) -> Reading:
    """Reads until a time of the loop's clock; `cut`: after so many bytes; `silence`: seconds within which something has
    to come.
    """
    reading = Reading(Arrivals(asyncio.get_running_loop().time()))
    timeout = httpx.Timeout(CONNECT_SECONDS, read=silence)
    headers = [(name.encode(), value.encode()) for name, value in asked.headers.items()]
    try:
        async with (
            asyncio.timeout_at(until) as patience,
            http.stream(asked.method, asked.url, headers=headers, content=asked.content, timeout=timeout) as answer,
        ):
            async for _ in _pieces(answer, reading, take, cut, on_head):
                if reading.ended:  # it is to close now
                    patience.reschedule(min(until, asyncio.get_running_loop().time() + CLOSING_SECONDS))
    except TimeoutError:
        reading.how = How.OPEN if reading.ended else How.LATE
    except (httpx.ConnectError, httpx.ConnectTimeout):
        reading.how = How.UNREACHABLE
    except httpx.ReadTimeout:
        reading.how = How.SILENT
    except httpx.HTTPError:
        reading.how = How.BROKEN
    except TooLargeError:
        reading.how = How.TOO_LARGE
    return reading


async def _pieces(
    answer: httpx.Response, reading: Reading, take: Callable[[Block], Go], cut: int | None, on_head: Callable[[], None]
) -> AsyncIterator[None]:
    """Reads a piece at each step."""
    reading.arrivals.head = asyncio.get_running_loop().time()
    reading.status = answer.status_code
    reading.kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    reading.coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if answer.status_code == httpx.codes.NO_CONTENT:
        reading.how = How.NOTHING
        return
    if answer.status_code != httpx.codes.OK or reading.kind != EVENTS or reading.coding != "identity":
        reading.how = How.REFUSED
        return
    on_head()
    blocks = Blocks()
    async for piece in answer.aiter_raw():
        last = cut is not None and reading.bytes + len(piece) >= cut
        seen = piece[: cut - reading.bytes] if cut is not None and last else piece
        reading.bytes += len(seen)
        if not _take(blocks.feed(seen), reading, take):
            reading.how = How.ENOUGH
            return
        if last:
            reading.how = How.CUT
            return
        yield
    _take(blocks.end(), reading, take)
    reading.how, reading.amid = How.CLEAN, blocks.amid


def _take(blocks: list[Block], reading: Reading, take: Callable[[Block], Go]) -> bool:
    """False where who reads has enough."""
    events = sum(block.data is not None for block in blocks)
    reading.arrivals.took(asyncio.get_running_loop().time(), events)
    for block in blocks:
        reading.retry = block.retry
        match take(block):
            case Go.ENDED:
                reading.ended = True
            case Go.STOP:
                return False
            case Go.ON:
                pass
    return True
