"""A reader on its own transport comes to its end, however the transport stops it on the way."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from app.hub import Hub
from app.stream.endings import Outcome, end_data
from app.stream.frames import encode, encode_json, origin
from app.stream.log import Log
from app.tail import Tail
from app.takeover import LAST_CHUNK, PushReader

STREAM = "st_takeover"


class FullTransport:
    """Tells its protocol to pause at every write, as a transport does whose peer does not read."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False
        self.reader: PushReader

    def write(self, data: bytes) -> None:
        self.written += data
        if data != LAST_CHUNK:
            self.reader.pause_writing()

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def set_write_buffer_limits(self, *, high: int) -> None:
        """As it likes."""

    def get_extra_info(self, name: str) -> None:
        """Nothing is known."""


class OneTail:
    """A hub of one tail."""

    def __init__(self) -> None:
        self.tail = Tail(STREAM, cast("Log", None), origin(STREAM))

    def join(self, _: str, reader: PushReader) -> Tail:
        self.tail.attach(reader)
        return self.tail

    async def opened(self, _: str) -> None:
        """It is."""

    def leave(self, _: str, reader: PushReader) -> None:
        self.tail.detach(reader)


def a_reader(hub: OneTail) -> tuple[PushReader, FullTransport]:
    transport = FullTransport()
    reader = PushReader(cast("Any", transport), cast("Hub", hub), STREAM, origin(STREAM), chunked=True)
    transport.reader = reader
    return reader, transport


def the_log() -> bytes:
    frame, offset, crc = encode(b"message_stop", b"{}", *origin(STREAM))
    ending, _ = encode_json("relay.end", end_data(Outcome.COMPLETED, attempts=1), type(origin(STREAM))(offset, crc))
    return frame + ending


def publish(tail: Tail, data: bytes) -> None:
    tail.message(b"0:" + data)
    tail.settle()


async def taken(reader: PushReader) -> None:
    """The client has read what was written."""
    reader.resume_writing()
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_is_stopped_by_the_last_bytes_while_catching_up_is_sent_away_after_them() -> None:
    hub = OneTail()
    publish(hub.tail, the_log())
    reader, transport = a_reader(hub)
    await reader.begin()
    assert the_log() in transport.written
    assert not transport.closed
    await taken(reader)
    assert transport.written.endswith(LAST_CHUNK)
    assert transport.closed


async def test_who_is_stopped_by_the_last_bytes_while_live_is_sent_away_after_them() -> None:
    hub = OneTail()
    reader, transport = a_reader(hub)
    await reader.begin()
    publish(hub.tail, the_log())
    assert the_log() in transport.written
    assert not transport.closed
    await taken(reader)
    assert transport.written.endswith(LAST_CHUNK)
    assert transport.closed
