"""A connection is taken between two requests, and given back as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from app.faces.native import push_states
from app.faces.native.push import LAST_CHUNK
from app.fanout.audience import PING
from app.http.connection.crowd import Seat
from app.http.connection.cycle import CYCLE
from app.http.connection.sockets import TRANSPORT_BYTES
from app.http.connection.takeover import give_back, take_over
from app.stream.endings import Outcome
from tests.app.served import Author, Served, until
from tests.app.taken import path, said, taken_over
from tests.patience import PATIENCE


class Uvicorns(asyncio.Protocol):
    """uvicorn's, on a connection whose client has not read the last answer."""

    config = server_state = app_state = seat = None

    def __init__(self) -> None:
        self.flow = SimpleNamespace(write_paused=True, resume_reading=lambda: None)

    def _unset_keepalive_if_required(self) -> None:
        """It has none."""


class Somebody(asyncio.Protocol):
    """Who has a connection, for an answer or after it."""

    next_protocol: Callable[[], asyncio.Protocol] | None = None
    seat: Seat | None = None
    transport: object = None
    full = False

    def connection_made(self, transport: object) -> None:
        self.transport = transport

    def pause_writing(self) -> None:
        self.full = True


class Wire:
    """A transport that holds so many bytes."""

    def __init__(self, protocol: asyncio.Protocol, waiting: int) -> None:
        self.protocol = protocol
        self._waiting = waiting

    def get_protocol(self) -> asyncio.Protocol:
        return self.protocol

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol

    def get_write_buffer_size(self) -> int:
        return self._waiting

    def is_closing(self) -> bool:
        return False


def test_a_connection_that_its_head_has_filled_is_taken_over_as_full() -> None:
    wire = Wire(Uvicorns(), TRANSPORT_BYTES + 1)
    cycle = SimpleNamespace(transport=wire, chunked_encoding=True, keep_alive=False, disconnected=False)
    taker = take_over({CYCLE: cycle}, lambda _transport, _chunked: Somebody())
    assert wire.protocol is taker
    assert taker.full
    assert taker.next_protocol is None
    assert cycle.disconnected


@pytest.mark.parametrize("waiting", [0, TRANSPORT_BYTES, TRANSPORT_BYTES + 1])
def test_who_goes_on_with_a_full_connection_is_told_so(waiting: int) -> None:
    wire, after = Wire(Somebody(), waiting), Somebody()
    give_back(cast("Any", wire), after)
    assert wire.protocol is after
    assert after.transport is wire
    assert after.full is (waiting > TRANSPORT_BYTES)


# --- on uvicorn's own connections


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
    async with asyncio.timeout(PATIENCE):
        stream, _, behind = (await reader.read(-1)).partition(b"\r\n0\r\n\r\n")
    assert stream.count(b"HTTP/1.1 ") == 1
    assert b"event: relay.end\n" in stream
    assert behind.startswith(b"HTTP/1.1 200 ")
    assert behind.endswith(b'{"status":"ok"}')
    writer.close()


async def test_a_connection_serves_other_requests_before_and_after_its_stream(front: Served, author: Author) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE, limits=httpx.Limits(max_connections=1)) as client:
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
    async with asyncio.timeout(PATIENCE):
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
    await until(lambda: one.state is push_states.PushState.GIVEN_BACK)
    one.leave(300)  # the drain took its list before
    one.aside(PING)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        behind = (await reader.read(-1)).partition(LAST_CHUNK)[2]
    assert behind.startswith(b"HTTP/1.1 200 ")
    assert behind.endswith(b'{"status":"ok"}')
    writer.close()
