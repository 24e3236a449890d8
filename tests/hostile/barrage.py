"""Odd requests sent to a front, some at a time, and what came of each: judged here, and by how the process fares.

The rule: whatever is sent, something ends it. An answer that a client is right to wait for (an event stream) counts
from its head on. A 5xx is a fault of ours, unless it passes on what the upstream said or says when to come again.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from tests.hostile.odd import Asked
from tests.patience import PATIENCE

TOGETHER = 16
_STATUS = re.compile(rb"(?:^|\r\n|})HTTP/1\.[01] (\d{3})")
PASSED_ON = re.compile(rb"[A-Z]+ [^ ]*/v1/(?:models|messages/count_tokens)")


@dataclass
class Outcome:
    """`faults` are requests that were answered as none may be, or not at all, each with what came."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[tuple[Asked, bytes]] = field(default_factory=list)


async def barrage(host: str, port: int, asked: Iterator[Asked], times: int) -> Outcome:
    outcome, left = Outcome(), islice(asked, times)

    async def go_on() -> None:
        for one in left:
            try:
                async with asyncio.timeout(PATIENCE):
                    heard = await _send(host, port, one)
            except TimeoutError:
                outcome.faults.append((one, b"nothing within the time"))
                continue
            statuses = [int(status) for status in _STATUS.findall(heard)]
            outcome.statuses.update(statuses or [0])
            if any(not _may_be(one, status, heard) for status in statuses):
                outcome.faults.append((one, heard))

    await asyncio.gather(*(go_on() for _ in range(TOGETHER)))
    return outcome


def _may_be(asked: Asked, status: int, heard: bytes) -> bool:
    if status < 500:
        return True
    return bool(PASSED_ON.match(asked.whole)) if status != 503 else b"retry-after" in heard.lower()


async def _send(host: str, port: int, asked: Asked) -> bytes:
    """What comes back until the other side ends it, or an event stream has begun."""
    reader, writer = await asyncio.open_connection(host, port)
    heard = b""
    try:
        for piece in asked.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        writer.write_eof()
        while piece := await reader.read(65_536):
            heard += piece
            if b"text/event-stream" in heard and b"\r\n\r\n" in heard and not asked.pipelined:
                break
    except ConnectionError:
        pass  # who has said enough may be cut off
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return heard
