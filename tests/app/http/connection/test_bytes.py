"""How much may stand around a body, and how much of what nobody asked for is read."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import Iterator

import pytest

from app.http.connection import bounds
from app.http.connection.bounds import AROUND_BYTES
from app.http.connection.protocol import BoundedProtocol
from tests.app.http.speaking import CHUNKED, GET, POST, SOON, Application, Connection, connected, eager, refusal_of
from tests.app.served import listening, until
from tests.patience import PATIENCE

# What a front may hold of a connection's head: the bound, and one read of the event loop's.
READ_BYTES = 256 * 1024


def floods() -> dict[str, Iterator[bytes]]:
    """What comes after a head, without end."""
    return {
        "trailers": itertools.chain([CHUNKED + b"0\r\n"], itertools.repeat(b"a: b\r\n" * 2000)),
        "one trailer": itertools.chain([CHUNKED + b"0\r\na: "], itertools.repeat(b"x" * 16_000)),
        "one trailer's name": itertools.chain([CHUNKED + b"0\r\n"], itertools.repeat(b"x" * 16_000)),
        "an extension": itertools.chain([CHUNKED + b"1;"], itertools.repeat(b"x" * 16_000)),
        "small chunks with extensions": itertools.chain(
            [CHUNKED], itertools.repeat(b"1;" + b"x" * 1000 + b"\r\nx\r\n")
        ),
        "trailers of a GET": itertools.chain(
            [GET + b"transfer-encoding: chunked\r\n\r\n0\r\n"], itertools.repeat(b"a: b\r\n" * 2000)
        ),
        "small fields of a head": itertools.chain([GET], itertools.repeat(b"a: b\r\n" * 2000)),
        "an address": itertools.chain([b"GET /"], itertools.repeat(b"x" * 16_000)),
    }


async def flood(one: Connection, pieces: Iterator[bytes], limit: int) -> int:
    """How many bytes were taken until the server had enough; at most `limit`."""
    sent = 0
    try:
        async with asyncio.timeout(PATIENCE):
            for piece in pieces:
                one.send(piece)
                await one.writer.drain()
                sent += len(piece)
                if sent > limit or one.reader.at_eof():
                    break
                await asyncio.sleep(0)
    except ConnectionError:
        pass
    return sent


@pytest.mark.parametrize("kind", floods())
@pytest.mark.parametrize("answered", [False, True])
async def test_what_stands_around_a_body_has_a_bound(application: Application, kind: str, *, answered: bool) -> None:
    limit = 16 * 1024 * 1024
    async with eager() if answered else listening(application) as port, connected(port) as one:
        assert await flood(one, floods()[kind], limit) < limit
        await one.rest()
    assert not application.asked.is_set()


@pytest.mark.parametrize("kind", floods())
async def test_who_stops_in_time_reads_why(application: Application, kind: str) -> None:
    async with listening(application) as port, connected(port) as one:
        pieces, sent = floods()[kind], 0
        while sent < 2 * AROUND_BYTES:
            piece = next(pieces)
            one.send(piece)
            sent += len(piece)
            await one.writer.drain()
            await asyncio.sleep(0)
        assert "larger than" in refusal_of(await one.rest(), 431)


async def test_chunks_of_a_byte_are_a_body_like_any_other(application: Application) -> None:
    async with listening(application) as port, connected(port) as one:
        one.send(CHUNKED + b"1\r\nx\r\n" * 100_000 + b"0\r\nx-checksum: 5\r\n\r\n" + GET + b"\r\n")
        assert [await one.answer(), await one.answer()] == [b"100000", b"0"]


async def test_who_sends_a_million_chunks_lets_others_have_their_turns(application: Application) -> None:
    many = bounds.CHUNKS_A_TURN + 1
    async with listening(application) as port, connected(port) as one:
        one.send(GET + b"\r\n")
        await one.answer()
        gc.collect()
        [protocol] = [each for each in gc.get_objects() if type(each) is BoundedProtocol and each.loop.is_running()]
        protocol.data_received(CHUNKED)
        for _ in range(3):
            protocol.data_received(b"1\r\nx\r\n" * (many - 1))
            assert protocol.transport.is_reading()
            protocol.data_received(b"1\r\nx\r\n" * many)
            assert not protocol.transport.is_reading()
            await until(protocol.transport.is_reading)
        one.send(b"0\r\n\r\n")
        assert await one.answer() == b"%d" % (3 * (2 * many - 1))


@pytest.mark.parametrize("cut", [1, 2, 3])
async def test_a_large_body_behind_a_head_whose_end_is_cut_is_none_of_the_head(
    application: Application, cut: int
) -> None:
    head = POST + b"content-length: 300000\r\n\r\n"
    async with listening(application) as port, connected(port) as one:
        for _ in range(2):
            one.send(head[:-cut])
            await one.writer.drain()
            await asyncio.sleep(0.01)
            one.send(head[-cut:] + b"x" * 300_000)
            assert await one.answer() == b"300000"


async def test_a_head_that_comes_whole_and_too_large_starts_nothing(application: Application) -> None:
    async with listening(application) as port, connected(port) as one:
        one.send(POST + b"x-more: " + b"x" * AROUND_BYTES + b"\r\ncontent-length: 1\r\n\r\nx")
        assert refusal_of(await one.rest(), 431)
    assert not application.asked.is_set()


async def test_requests_that_wait_are_counted(application: Application) -> None:
    application.may.clear()
    async with listening(application) as port, connected(port) as one:
        one.send((GET + b"\r\n") * 1000)
        await application.asked.wait()
        await asyncio.sleep(SOON)
        application.may.set()
        rest = await one.rest()
    assert rest.count(b"HTTP/1.1 200 ") == bounds.PIPELINED_MAX + 1
    assert rest.count(b"HTTP/1.1 400 ") == 1
