"""No contender: the simplest source there is, which shows what the load generator itself can take.

Every connection is sent a token at each turn of the loop, one write each, as fast as they are taken. What it delivers
is what the generator can read one event at a time, or what this source can write, whichever is less.
"""

from __future__ import annotations

import asyncio
import sys
from time import time_ns
from typing import cast

import uvloop

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
FRAME = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",'
    b'"text":"%d; %d"}}\nid: 000000000-00000000\n\n'
)


class Sink(asyncio.Protocol):
    def __init__(self, sinks: set[Sink]) -> None:
        self._sinks = sinks
        self.number = 0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        del data
        self.transport.write(HEAD)
        self._sinks.add(self)

    def pause_writing(self) -> None:
        self._sinks.discard(self)

    def resume_writing(self) -> None:
        self._sinks.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._sinks.discard(self)


async def main() -> None:
    loop, sinks = asyncio.get_running_loop(), set[Sink]()
    await loop.create_server(lambda: Sink(sinks), "127.0.0.1", int(sys.argv[1]), backlog=4096)
    while True:
        now, frames = time_ns(), dict[int, bytes]()
        for sink in list(sinks):
            chunk = frames.get(sink.number)
            if chunk is None:
                frame = FRAME % (now, sink.number)
                chunk = frames[sink.number] = b"%x\r\n%b\r\n" % (len(frame), frame)
            sink.transport.write(chunk)
            sink.number += 1
        await asyncio.sleep(0 if sinks else 0.01)


if __name__ == "__main__":
    uvloop.run(main())
