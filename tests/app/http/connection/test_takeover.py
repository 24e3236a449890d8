"""A reader on its own transport gets what any other would get, costs little when it stops, and comes to its end."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from redis.asyncio import Redis
from starlette.types import Scope

from app.faces.native import answer as sse
from app.faces.native import push_states
from app.faces.native.push import LAST_CHUNK, PushReader
from app.fanout.audience import PING
from app.fanout.drain import send_all_away
from app.fanout.hub import Hub
from app.fanout.parts import PART_BYTES
from app.fanout.shared_log import SharedLog
from app.fanout.tail import Tail
from app.http.connection.sockets import TRANSPORT_BYTES
from app.http.connection.takeover import CYCLE, can_take_over, take_over
from app.intake.prompt import Prompt
from app.stream.endings import Outcome, end_data
from app.stream.frames import Position, encode, encode_json, origin
from app.stream.log import Log, Read, State
from tests.app.served import Author, Served, served, until

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
    given_back = FullProtocol()
    reader.next_protocol = lambda: given_back
    transport.set_protocol = lambda _: None  # type: ignore[attr-defined]
    transport.get_write_buffer_size = lambda: 0  # type: ignore[attr-defined]
    await reader.begin(b"head", the_log(), ended=True)
    assert reader.state is push_states.State.BEHIND
    assert the_log() not in transport.written
    await taken(reader)  # the head
    await taken(reader)  # the log
    assert transport.written.count(the_log()) == 1
    assert transport.written.endswith(LAST_CHUNK)
    assert given_back.transport is not None


class FullProtocol(asyncio.Protocol):
    """uvicorn's, on a connection whose client has not read the last answer; or the one that follows on a stream."""

    config = server_state = app_state = None

    def __init__(self) -> None:
        self.transport: object = None
        self.flow = SimpleNamespace(write_paused=True, resume_reading=lambda: None)

    def connection_made(self, transport: object) -> None:
        self.transport = transport

    def _unset_keepalive_if_required(self) -> None:
        """It has none."""


def test_a_connection_that_its_head_has_filled_is_taken_over_as_full() -> None:
    protocols: list[Any] = [FullProtocol()]
    transport = FullTransport()
    transport.get_protocol = lambda: protocols[-1]  # type: ignore[attr-defined]
    transport.set_protocol = protocols.append  # type: ignore[attr-defined]
    cycle = SimpleNamespace(transport=transport, chunked_encoding=True, keep_alive=False, disconnected=False)
    reader = take_over({CYCLE: cycle}, cast("Hub", OneTail()), STREAM, origin(STREAM))
    assert protocols[-1] is reader
    assert reader.state is push_states.State.BEHIND


# --- on uvicorn's own connections


@pytest.fixture
async def front(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """Takes connections over but those of requests that have `x-plain`."""

    def not_when_asked(scope: Scope) -> bool:
        return (b"x-plain", b"1") not in scope["headers"] and can_take_over(scope)

    monkeypatch.setattr(sse, "can_take_over", not_when_asked)
    async with served(redis) as made:
        yield made


@pytest.fixture
async def author(front: Served) -> Author:
    prompt = Prompt(b"{}", "m", "restart", None, "digest")
    await front.front.streams.submit(prompt, "anonymous", {})
    return await front.author()


def path(author: Author) -> str:
    return f"/v1/streams/{author.stream_id}/events"


def taken_over(front: Served) -> list[PushReader]:
    return [reader for reader in front.hub.readers if isinstance(reader, PushReader)]


async def said(author: Author, *texts: str) -> None:
    await author.write(*(("content_block_delta", {"text": text}) for text in texts))


async def get(front: Served, author: Author, after: str, *, plain: bool) -> httpx.Response:
    headers = {"x-plain": "1"} if plain else {}
    async with httpx.AsyncClient(timeout=20) as client:
        return await client.get(f"{front.url}{path(author)}", params={"after": after}, headers=headers)


async def both(front: Served, author: Author, after: str = "") -> list[asyncio.Task[httpx.Response]]:
    """Two readers, one on each way, both there."""
    before = len(front.hub.readers)
    asked = [asyncio.create_task(get(front, author, after, plain=plain)) for plain in (False, True)]
    await until(lambda: len(front.hub.readers) == before + 2 and front.hub.is_open(author.stream_id))
    return asked


async def same(asked: list[asyncio.Task[httpx.Response]]) -> bytes:
    """The body that both got, under the same head."""
    taken, plain = [await task for task in asked]
    assert taken.content == plain.content
    for name in ("content-type", "cache-control", "x-accel-buffering", "transfer-encoding"):
        assert taken.headers.get(name) == plain.headers.get(name), name
    return taken.content


async def test_a_connection_that_was_taken_over_carries_the_same_bytes_as_any_other(
    front: Served, author: Author
) -> None:
    await said(author, "before", "anybody came")
    place = author.last_id
    await said(author, "and more")
    whole, rest = await both(front, author), await both(front, author, place)
    wrong = await both(front, author, "000000007-00000000")
    assert len(taken_over(front)) == 3
    for n in range(10):
        await said(author, f"live {n}", "Grüße, 世界 🌊")
    await author.restart()
    await said(author, "anew")
    await author.end(Outcome.COMPLETED)
    body = await same(whole)
    log = await front.front.redis.get(f"ks:{{{author.stream_id}}}:log")
    assert body.endswith(b"\n\n" + log)
    assert log.endswith((await same(rest)).partition(b"\n\n")[2])
    assert (await same(wrong)).count(b"event: relay.reset\n") == 2
    assert not front.hub.tails


async def test_it_is_told_the_same_when_its_front_drains_or_redis_forgets(
    redis: Redis, front: Served, author: Author
) -> None:
    await said(author, "a")
    first = await both(front, author)
    await redis.flushall()
    tail = front.hub.known(author.stream_id)
    assert tail is not None
    tail.repair()
    assert b'event: relay.reset\ndata: {"attempt":0,"reason":"lost"}\n\n' in await same(first)


async def test_a_drain_ends_both(front: Served, author: Author) -> None:
    await said(author, "a")
    asked = await both(front, author)
    await send_all_away(front.hub, 0)
    taken, plain = [re.sub(rb"retry: [0-9]+", b"retry", (await task).content) for task in asked]
    assert taken == plain
    assert taken.endswith(b"\n\nretry\n: come back\n\n")


async def test_a_request_behind_it_is_answered_after_the_stream(front: Served, author: Author) -> None:
    await said(author, "a")
    host, port = front.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET {path(author)} HTTP/1.1\r\nhost: localhost\r\n\r\n"
        f"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode()
    )
    await until(lambda: front.hub.readers)
    await author.end(Outcome.COMPLETED)
    async with asyncio.timeout(20):
        stream, _, behind = (await reader.read(-1)).partition(b"\r\n0\r\n\r\n")
    assert stream.count(b"HTTP/1.1 ") == 1
    assert b"event: relay.end\n" in stream
    assert behind.startswith(b"HTTP/1.1 200 ")
    assert behind.endswith(b'{"status":"ok"}')
    writer.close()


async def test_a_connection_serves_other_requests_before_and_after_its_stream(front: Served, author: Author) -> None:
    async with httpx.AsyncClient(timeout=20, limits=httpx.Limits(max_connections=1)) as client:
        ports = set()
        for n in range(3):
            async with client.stream("GET", f"{front.url}/healthz") as answer:
                ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
                assert await answer.aread() == b'{"status":"ok"}'
            async with client.stream("GET", front.url + path(author)) as answer:
                ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
                await (author.end(Outcome.COMPLETED) if n == 0 else asyncio.sleep(0))
                assert b"event: relay.end\n" in await answer.aread()
        assert len(ports) == 1
    assert not front.hub.tails


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
    async with asyncio.timeout(20):
        body = (await reader.read(-1)).partition(b"\r\n\r\n")[2]
    assert dechunked(body) == whole
    writer.close()


def dechunked(body: bytes) -> bytes:
    parts = []
    while (size := int(body.partition(b"\r\n")[0], 16)) > 0:
        start = body.index(b"\r\n") + 2
        parts.append(body[start : start + size])
        body = body[start + size + 2 :]
    return b"".join(parts)


# --- between two requests


async def talk(front: Served, *said: bytes, half_close: bool = False, then: Callable[[], Any] | None = None) -> bytes:
    """Says one thing after the other on one connection, and returns all that comes until it is closed."""
    host, port = front.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for part in said:
        writer.write(part)
        await writer.drain()
        if then is not None:
            await until(lambda: front.hub.readers)
            await then()
            then = None
    if half_close:
        writer.write_eof()
    async with asyncio.timeout(20):
        answer = await reader.read(-1)
    writer.close()
    return answer


def head(author: Author, *lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (f"GET {path(author)} HTTP/1.1", "host: localhost", *lines, "")).encode()


@pytest.mark.parametrize("lines", [["content-length: 47"], ["transfer-encoding: chunked"]])
async def test_a_late_body_never_becomes_the_next_request(front: Served, author: Author, lines: list[str]) -> None:
    smuggled = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx:1\r\n\r\n"
    assert len(smuggled) == 47
    late = smuggled if "length" in lines[0] else b"2f\r\n" + smuggled + b"\r\n0\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"

    async def end() -> None:
        assert not taken_over(front)
        await author.end(Outcome.COMPLETED)

    answer = await talk(front, head(author, *lines), late + last, then=end)
    assert answer.count(b"event: relay.end\n") == 1
    assert b'{"status":"ok"}' not in answer


async def test_what_was_read_of_the_next_request_is_not_lost(front: Served, author: Author) -> None:
    begun, rest = b"GET /heal", b"thz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    answer = await talk(front, head(author) + begun, rest, then=lambda: author.end(Outcome.COMPLETED))
    stream, _, behind = answer.partition(b"\r\n0\r\n\r\n")
    assert b"event: relay.end\n" in stream
    assert behind.endswith(b'{"status":"ok"}')


async def test_a_large_body_leaves_no_ear_closed(front: Served, author: Author) -> None:
    """One that stops the server's reading; a client that leaves must be heard all the same."""
    host, port = front.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(head(author, "content-length: 200000") + b"x" * 200_000)
    await until(lambda: front.hub.readers)
    for reader in taken_over(front):
        assert reader._transport.is_reading()
    writer.transport.abort()
    await until(lambda: not front.hub.tails)


async def test_a_client_that_closes_its_half_while_it_reads_gets_everything(front: Served, author: Author) -> None:
    async def half_closed() -> None:
        await said(author, "before")

    asked = asyncio.create_task(talk(front, head(author), half_close=True, then=half_closed))
    await until(lambda: taken_over(front) and taken_over(front)[0].next_protocol is None)
    await said(author, "after")
    await author.end(Outcome.COMPLETED)
    answer = await asked
    assert b'"after"' in answer
    assert b"event: relay.end\n" in answer
    assert answer.endswith(LAST_CHUNK)


async def test_a_drain_says_nothing_to_a_connection_that_was_given_back(front: Served, author: Author) -> None:
    host, port = front.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head(author))
    await until(lambda: taken_over(front))
    [one] = taken_over(front)
    await author.end(Outcome.COMPLETED)
    await until(lambda: one.state is push_states.State.GIVEN_BACK)
    one.leave(300)  # the drain took its list before
    one.aside(PING)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    async with asyncio.timeout(20):
        behind = (await reader.read(-1)).partition(LAST_CHUNK)[2]
    assert behind.startswith(b"HTTP/1.1 200 ")
    assert behind.endswith(b'{"status":"ok"}')
    writer.close()


async def test_whoever_joins_during_a_drain_is_told(front: Served, author: Author, monkeypatch: Any) -> None:
    """A request that waited for Redis when the drain began."""
    await said(author, "a")
    read = Log.read

    async def meanwhile(*args: Any, **options: Any) -> Read:
        found = await read(*args, **options)
        front.hub.draining = True
        return found

    monkeypatch.setattr(Log, "read", meanwhile)
    for plain in (False, True):
        front.hub.draining = False
        answer = (await get(front, author, "", plain=plain)).content
        assert re.search(rb"\n\nretry: [0-9]+\n: come back\n\n$", answer)
