"""What a connection may do, and how long: whatever a client sends, in whatever pieces, it is answered or closed."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from app.http.connection import bounds
from app.http.connection.bounds import AROUND_BYTES, Part, Phase, phase, seconds
from app.http.server import BoundedProtocol, listen, server
from tests.app.http.test_server import GET, PATIENCE, SOON, Application, Connection, connected, refusal_of, running
from tests.app.served import until

POST = b"POST / HTTP/1.1\r\nhost: x\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
ORIGIN = b"https://app.example.com"
# What a front may hold of a connection's head: the bound, and one read of the event loop's.
READ_BYTES = 256 * 1024


@pytest.fixture
def application() -> Application:
    return Application()


class Eager:
    """Answers at once, whatever of the body there is."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "REST_SECONDS", "LINGER_SECONDS"):
        monkeypatch.setattr(bounds, name, SOON)


@asynccontextmanager
async def eager() -> AsyncIterator[int]:
    listener = listen("127.0.0.1", 0)
    made = server(Eager(), [ORIGIN.decode()])
    task = asyncio.create_task(made.serve(sockets=[listener]))
    await until(lambda: made.started)
    try:
        yield listener.getsockname()[1]
    finally:
        made.should_exit = made.force_exit = True
        await task
        listener.close()


# --- the table


@pytest.mark.parametrize(
    ("part", "answering", "queued", "fresh", "expected"),
    [
        (Part.BETWEEN, False, False, True, Phase.HEAD),  # a new connection, or a stray line end
        (Part.HEAD, False, False, True, Phase.HEAD),
        (Part.HEAD, True, False, True, Phase.ANSWER),  # the next head comes before this answer
        (Part.BODY, True, False, True, Phase.BODY),
        (Part.BODY, True, True, True, Phase.ANSWER),
        (Part.BODY, False, False, True, Phase.REST),
        (Part.BETWEEN, True, False, False, Phase.ANSWER),
        (Part.BETWEEN, False, False, False, Phase.NEXT),
    ],
)
def test_whose_turn_it_is(part: Part, *, answering: bool, queued: bool, fresh: bool, expected: Phase) -> None:
    assert phase(part, answering=answering, queued=queued, fresh=fresh) is expected


def test_only_our_own_turn_has_no_end() -> None:
    assert [one for one in Phase if seconds(one) is None] == [Phase.ANSWER]
    for part, answering, queued, fresh in itertools.product(Part, *[(False, True)] * 3):
        if not answering and not queued:
            assert seconds(phase(part, answering=answering, queued=queued, fresh=fresh)) is not None


# --- bytes


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
    async with eager() if answered else running(application) as port, connected(port) as one:
        assert await flood(one, floods()[kind], limit) < limit
        await one.rest()
    assert not application.asked.is_set()


@pytest.mark.parametrize("kind", floods())
async def test_who_stops_in_time_reads_why(application: Application, kind: str) -> None:
    async with running(application) as port, connected(port) as one:
        pieces, sent = floods()[kind], 0
        while sent < 2 * AROUND_BYTES:
            piece = next(pieces)
            one.send(piece)
            sent += len(piece)
            await one.writer.drain()
            await asyncio.sleep(0)
        assert "larger than" in refusal_of(await one.rest(), 431)


async def test_chunks_of_a_byte_are_a_body_like_any_other(application: Application) -> None:
    async with running(application) as port, connected(port) as one:
        one.send(CHUNKED + b"1\r\nx\r\n" * 100_000 + b"0\r\nx-checksum: 5\r\n\r\n" + GET + b"\r\n")
        assert [await one.answer(), await one.answer()] == [b"100000", b"0"]


async def test_who_sends_a_million_chunks_lets_others_have_their_turns(application: Application) -> None:
    many = bounds.CHUNKS_A_TURN + 1
    async with running(application) as port, connected(port) as one:
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
    async with running(application) as port, connected(port) as one:
        for _ in range(2):
            one.send(head[:-cut])
            await one.writer.drain()
            await asyncio.sleep(0.01)
            one.send(head[-cut:] + b"x" * 300_000)
            assert await one.answer() == b"300000"


async def test_a_head_that_comes_whole_and_too_large_starts_nothing(application: Application) -> None:
    async with running(application) as port, connected(port) as one:
        one.send(POST + b"x-more: " + b"x" * AROUND_BYTES + b"\r\ncontent-length: 1\r\n\r\nx")
        assert refusal_of(await one.rest(), 431)
    assert not application.asked.is_set()


async def test_requests_that_wait_are_counted(application: Application) -> None:
    application.may.clear()
    async with running(application) as port, connected(port) as one:
        one.send((GET + b"\r\n") * 1000)
        await application.asked.wait()
        await asyncio.sleep(SOON)
        application.may.set()
        rest = await one.rest()
    assert rest.count(b"HTTP/1.1 200 ") == bounds.PIPELINED_MAX + 1
    assert rest.count(b"HTTP/1.1 400 ") == 1


# --- time


@pytest.mark.parametrize("stray", [b"\r\n", b"\r", b"\n\r\n", b"G"])
async def test_a_stray_byte_keeps_no_connection(soon: None, application: Application, stray: bytes) -> None:  # noqa: ARG001
    async with running(application) as port, connected(port) as one:
        one.send(GET + b"\r\n")
        assert await one.answer() == b"0"
        one.send(stray)
        assert await one.rest() == b""


async def test_a_connection_without_a_request_is_kept_longer(soon: None, application: Application) -> None:  # noqa: ARG001
    assert bounds.KEEP_ALIVE_SECONDS == 75
    async with running(application) as port, connected(port) as one:
        for _ in range(2):
            one.send(GET + b"\r\n")
            assert await one.answer() == b"0"
            await asyncio.sleep(3 * SOON)


async def test_keep_alive_has_an_end(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "KEEP_ALIVE_SECONDS", SOON)
    async with running(application) as port, connected(port) as one:
        one.send(GET + b"\r\n")
        assert await one.answer() == b"0"
        assert await one.rest() == b""


async def test_a_body_that_falls_silent_is_refused_as_any_request_is(
    soon: None,  # noqa: ARG001
    application: Application,
) -> None:
    listener = listen("127.0.0.1", 0)
    made = server(application, [ORIGIN.decode()])
    task = asyncio.create_task(made.serve(sockets=[listener]))
    await until(lambda: made.started)
    async with connected(listener.getsockname()[1]) as one:
        one.send(POST + b"origin: " + ORIGIN + b"\r\ncontent-length: 10\r\n\r\nabc")
        head, _, body = (await one.rest()).partition(b"\r\n\r\n")
    made.should_exit = made.force_exit = True
    await task
    listener.close()
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["error"]["type"] == "timeout_error"
    for field in (b"\r\ndate: ", b"\r\naccess-control-allow-origin: " + ORIGIN, b"\r\nconnection: close"):
        assert field in head.lower()


async def test_a_body_that_comes_slowly_is_served(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BODY_SECONDS", 5 * SOON)
    async with running(application) as port, connected(port) as one:
        one.send(POST + b"content-length: 10\r\n\r\n")
        for _ in range(10):
            await asyncio.sleep(SOON)
            one.send(b"x")
        assert await one.answer() == b"10"


async def test_the_framing_of_chunks_is_silence(soon: None, application: Application) -> None:  # noqa: ARG001
    async with running(application) as port, connected(port) as one:
        one.send(CHUNKED + b"1;")

        async def drip() -> None:
            while not one.writer.transport.is_closing():
                one.send(b"x")
                await asyncio.sleep(SOON / 10)

        dripping = asyncio.create_task(drip())
        answer = await one.rest()
        dripping.cancel()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_the_rest_of_a_body_that_nobody_reads_has_an_end(soon: None, method: bytes) -> None:  # noqa: ARG001
    async with eager() as port, connected(port) as one:
        one.send(method + b" / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n")
        assert await one.answer() == b"ok"

        async def drip() -> None:
            while not one.writer.transport.is_closing():
                one.send(b"x")
                await asyncio.sleep(SOON / 10)

        dripping = asyncio.create_task(drip())
        assert await one.rest() == b""
        dripping.cancel()


async def test_a_body_that_comes_after_its_answer_is_nobodys_request() -> None:
    async with eager() as port, connected(port) as one:
        for _ in range(3):
            inner = GET + b"\r\n"
            one.send(POST + b"content-length: %d\r\n\r\n" % len(inner))
            assert await one.answer() == b"ok"
            one.send(inner)
        one.send(GET + b"connection: close\r\n\r\n")
        assert (await one.rest()).count(b"HTTP/1.1 200 ") == 1


# --- odd and honest

H2C = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAA\r\n"


@pytest.mark.parametrize(
    "offer", [H2C, b"connection: upgrade\r\nupgrade: websocket\r\n", b"Upgrade: TLS/1.2\r\nCONNECTION: Upgrade\r\n"]
)
@pytest.mark.parametrize("size", [1, 7, 60, 10_000])
async def test_who_offers_another_protocol_keeps_its_body(application: Application, offer: bytes, size: int) -> None:
    sent = (
        POST + offer + b"content-length: 5\r\n\r\nhello" + GET + offer + b"\r\n"
        + POST + offer + b"transfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nt: r\r\n\r\n" + GET + b"\r\n"
    )  # fmt: skip
    async with running(application) as port, connected(port) as one:
        for n in range(0, len(sent), size):
            one.send(sent[n : n + size])
            if size < 10:
                await asyncio.sleep(0)
        assert [await one.answer() for _ in range(4)] == [b"5", b"0", b"3", b"0"]


@pytest.mark.parametrize("method", [b"CONNECT x:1", b"CONNECT /", b"PRI *"])
async def test_what_no_server_is_asked_is_refused(application: Application, method: bytes) -> None:
    async with running(application) as port, connected(port) as one:
        one.send(method + b" HTTP/1.1\r\nhost: x\r\n\r\n")
        assert refusal_of(await one.rest(), 400)


@pytest.mark.parametrize("requests", [1, 3])
async def test_who_has_closed_its_side_is_answered(application: Application, requests: int) -> None:
    application.may.clear()
    async with running(application) as port, connected(port) as one:
        one.send((POST + b"content-length: 2\r\n\r\nhi") * requests)
        one.writer.write_eof()
        await application.asked.wait()
        await asyncio.sleep(SOON)
        application.may.set()
        assert (await one.rest()).count(b"HTTP/1.1 200 ") == requests


@pytest.mark.parametrize("cut", [b"GET /", POST, POST + b"content-length: 9\r\n\r\nhalf"])
async def test_what_was_not_sent_whole_is_no_request(application: Application, cut: bytes) -> None:
    async with running(application) as port, connected(port) as one:
        one.send(cut)
        one.writer.write_eof()
        assert await one.rest() == b""
    assert not application.asked.is_set()


async def test_a_client_that_is_gone_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "POKES", (SOON,))
    gone = asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    listener = listen("127.0.0.1", 0)
    made = server(waiting)
    task = asyncio.create_task(made.serve(sockets=[listener]))
    await until(lambda: made.started)
    _, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
    writer.write(GET + b"\r\n")
    await asyncio.sleep(SOON)
    writer.close()
    async with asyncio.timeout(PATIENCE):
        await gone.wait()
    made.should_exit = made.force_exit = True
    await task
    listener.close()


async def test_a_refusal_waits_for_its_turn(application: Application) -> None:
    application.may.clear()
    async with running(application) as port, connected(port) as one:
        one.send(POST + b"content-length: 2\r\n\r\nhi" + GET + b"\r\n" + b"GARBAGE\r\n\r\n")
        await application.asked.wait()
        await asyncio.sleep(SOON)
        application.may.set()
        assert [await one.answer(), await one.answer()] == [b"2", b"0"]
        assert refusal_of(await one.rest(), 400)


# --- in whatever pieces

REQUESTS = {
    GET + b"\r\n": b"0",
    POST + b"content-length: 3\r\n\r\nabc": b"3",
    POST + b"content-length: 0\r\n\r\n": b"0",
    CHUNKED + b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n": b"5",
    CHUNKED + b"0\r\nsum: 1\r\n\r\n": b"0",
    POST + H2C + b"content-length: 4\r\n\r\nGET ": b"4",
    GET + H2C + b"\r\n": b"0",
    b"\r\n" + GET + b"\r\n": b"0",
}
ENDS = [b"", b"GARBAGE\r\n\r\n", b"GET /", POST + b"content-length: 9\r\n\r\nab", CHUNKED + b"x"]


@examples(max_examples=25)
@given(
    st.lists(st.sampled_from(list(REQUESTS)), min_size=1, max_size=6),
    st.sampled_from(ENDS),
    st.lists(st.integers(1, 90), max_size=12),
)
def test_requests_in_any_pieces_are_answered_in_their_order(sent: list[bytes], end: bytes, cuts: list[int]) -> None:
    async def talk() -> bytes:
        async with running(Application()) as port, connected(port) as one:
            data, rest = b"".join(sent) + end, iter(cuts)
            while data:
                size = next(rest, len(data))
                one.send(data[:size])
                data = data[size:]
                await asyncio.sleep(0.0005)
            assert [await one.answer() for _ in sent] == [REQUESTS[one_sent] for one_sent in sent]
            one.writer.write_eof()
            return await one.rest()

    left = asyncio.run(talk())
    assert left.startswith(b"HTTP/1.1 400 ") if end in (ENDS[1], ENDS[4]) else left == b""
