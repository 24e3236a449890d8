"""A reader on its own transport says all of it in its order, costs little when it stops, and comes to its end."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

from app.faces.native import push_states
from app.faces.native.push import LAST_CHUNK, PushReader
from app.fanout.audience import Sent
from app.fanout.hub import Hub
from app.fanout.parts import PART_BYTES
from app.fanout.shared_log import SharedLog
from app.fanout.tail import Tail
from app.http.connection.sockets import TRANSPORT_BYTES
from app.stream.endings import Outcome, end_data
from app.stream.frames import Position, encode, encode_json, origin
from app.stream.log import Log, Read, State
from tests.app.served import Author, Served, until
from tests.app.taken import dechunked, get, path, said, taken_over
from tests.patience import PATIENCE

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


class Ended:
    """The log of a stream that has its ending."""

    async def read(self, _: str, after: Position, limit: int, skip: int) -> Read:  # noqa: ARG002  # as the real one
        data = the_log()
        return Read(
            State.ENDED, "me", proven=True, start=after, data=data[after.offset :], length=len(data), base=0, attempt=1
        )


class OneTail:
    """A hub of one tail."""

    def __init__(self) -> None:
        self.tail = Tail(STREAM, SharedLog(cast("Log", Ended())), origin(STREAM))
        self.tail.seal = None
        self.sent = Sent()

    def join(self, _: str, reader: PushReader) -> Tail:
        self.tail.audience.add(reader)
        return self.tail

    async def opened(self, _: str) -> None:
        """It is."""

    def leave(self, _: str, reader: PushReader) -> None:
        self.tail.audience.remove(reader)


def a_reader(hub: OneTail) -> tuple[PushReader, FullTransport]:
    transport = FullTransport()
    reader = PushReader(cast("Any", transport), cast("Hub", hub), STREAM, origin(STREAM), chunked=True)
    transport.reader = reader
    return reader, transport


class Next(asyncio.Protocol):
    """What a connection goes on with."""

    transport: object = None

    def connection_made(self, transport: object) -> None:
        self.transport = transport


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
    for _ in range(10):
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


async def test_who_is_stopped_by_its_head_is_shown_nothing_until_there_is_room() -> None:
    hub = OneTail()
    publish(hub.tail, the_log())
    reader, transport = a_reader(hub)
    given_back = Next()
    reader.next_protocol = lambda: given_back
    transport.set_protocol = lambda _: None  # type: ignore[attr-defined]
    transport.get_write_buffer_size = lambda: 0  # type: ignore[attr-defined]
    await reader.begin(b"head", the_log(), ended=True)
    assert reader.state is push_states.PushState.BEHIND
    assert the_log() not in transport.written
    await taken(reader)  # the head
    await taken(reader)  # the log
    assert transport.written.count(the_log()) == 1
    assert transport.written.endswith(LAST_CHUNK)
    assert given_back.transport is not None


# --- on uvicorn's own connections


async def test_a_client_that_goes_away_is_forgotten(front: Served, author: Author) -> None:
    host, port = front.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path(author)} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    await until(lambda: taken_over(front))
    writer.transport.abort()
    await until(lambda: not front.hub.tails)
    await said(author, "a")


async def test_a_client_that_does_not_read_holds_little_and_loses_nothing(front: Served, author: Author) -> None:
    host, port = front.url.removeprefix("http://").split(":")
    sock = socket.create_connection((host, int(port)))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    sock.sendall(f"GET {path(author)} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
    await until(lambda: taken_over(front) and front.hub.is_open(author.stream_id))
    [slow] = taken_over(front)
    quick = asyncio.create_task(get(front, author, "", plain=False))
    await until(lambda: len(front.hub.readers) == 2)
    most = 0
    for _ in range(64):
        await said(author, *["x" * 8000] * 8)
        most = max(most, slow._transport.get_write_buffer_size())
    await author.end(Outcome.COMPLETED)
    whole = (await quick).content
    assert len(whole) > 4_000_000
    assert most <= TRANSPORT_BYTES + PART_BYTES + 64
    assert slow._transport.get_write_buffer_size() <= TRANSPORT_BYTES + PART_BYTES + 64
    reader, writer = await asyncio.open_connection(sock=sock)
    async with asyncio.timeout(PATIENCE):
        body = (await reader.read(-1)).partition(b"\r\n\r\n")[2]
    assert dechunked(body) == whole
    writer.close()
