"""The server's own bounds: who says too little or too much is closed, and who behaves is served."""

from __future__ import annotations

import asyncio
import signal
import socket

import pytest

from app.http.connection import bounds
from app.http.connection.bounds import AROUND_BYTES as HEAD_BYTES
from app.http.connection.server import address, listen
from app.settings import SettingsError
from tests.app.http.speaking import GET, SOON, Application, Connection, connected, refusal_of
from tests.app.served import listening, until
from tests.patience import PATIENCE


@pytest.mark.parametrize("head", [b"", b"G", GET, GET + b"x-more: " + b"x" * 1000])
async def test_who_does_not_finish_a_head_is_closed(
    application: Application, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "HEAD_SECONDS", SOON)
    async with listening(application) as port, connected(port) as one:
        one.send(head)
        assert await one.rest() == b""


async def test_saying_it_byte_by_byte_does_not_help(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HEAD_SECONDS", SOON)

    async def go_on(one: Connection) -> None:
        while not one.writer.transport.is_closing():
            one.send(b"x")
            await asyncio.sleep(SOON / 20)

    async with listening(application) as port, connected(port) as one:
        one.send(GET + b"x-more: ")
        going_on = asyncio.create_task(go_on(one))
        assert await one.rest() == b""
        going_on.cancel()


async def test_the_next_head_on_a_connection_is_bounded_too(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "HEAD_SECONDS", SOON)
    async with listening(application) as port, connected(port) as one:
        one.send(GET + b"\r\n")
        assert await one.answer() == b"0"
        one.send(GET)
        assert await one.rest() == b""


async def test_who_waits_for_an_answer_or_sends_a_long_body_has_time(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "HEAD_SECONDS", SOON)
    application.may.clear()
    async with listening(application) as port, connected(port) as one:
        one.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab")
        begun = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() > begun + 2 * SOON)
        one.send(b"cd")
        async with asyncio.timeout(PATIENCE):
            await application.asked.wait()
        begun = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() > begun + 2 * SOON)
        application.may.set()
        assert await one.answer() == b"4"


async def test_a_head_that_is_too_large_is_refused(application: Application) -> None:
    async with listening(application) as port:
        for piece in (HEAD_BYTES, HEAD_BYTES // 4):
            async with connected(port) as one:
                one.send(GET + b"x-more: ")
                for _ in range(HEAD_BYTES // piece):
                    await asyncio.sleep(0.002)  # or they would come in one
                    one.send(b"x" * piece)
                    await one.writer.drain()
                assert refusal_of(await one.rest(), 431) == f"the head is larger than {HEAD_BYTES} bytes"
    assert not application.asked.is_set()


@pytest.mark.parametrize(
    "garbage", [b"GARBAGE\r\n\r\n", b"FOO /v1/messages HTTP/1.1\r\nhost: x\r\n\r\n", b"\x16\x03\x01" * 20]
)
async def test_what_is_no_request_is_refused_in_the_shape_of_any_error(
    application: Application, garbage: bytes
) -> None:
    async with listening(application) as port, connected(port) as one:
        one.send(garbage)
        assert refusal_of(await one.rest(), 400) == "this is not a valid HTTP request"
    assert not application.asked.is_set()


async def test_a_large_head_within_the_bound_is_served_time_and_again(application: Application) -> None:
    async with listening(application) as port, connected(port) as one:
        for _ in range(8):
            for piece in (GET, b"x-more: ", *[b"x" * (HEAD_BYTES // 4)] * 3, b"\r\n\r\n"):
                one.send(piece)
                await one.writer.drain()
                await asyncio.sleep(0.002)  # or they would come in one
            assert await one.answer() == b"0"


async def test_a_body_is_not_part_of_the_head(application: Application) -> None:
    async with listening(application) as port, connected(port) as one:
        for _ in range(2):
            one.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n" + b"x" * 300_000)
            assert await one.answer() == b"300000"


async def test_requests_that_come_at_once_are_answered_in_their_order(application: Application) -> None:
    async with listening(application) as port, connected(port) as one:
        one.send(b"".join(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % n + b"x" * n for n in range(5)))
        assert [await one.answer() for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]


async def test_it_leaves_the_signals_to_whoever_runs_it(application: Application) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    async with listening(application):
        assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_a_free_port_is_taken_and_told() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert address(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_an_address_of_ipv6_is_told_as_it_is_typed() -> None:
    try:
        listener = listen("::1", 0)
    except SettingsError:
        pytest.skip("there is no IPv6 here")
    with listener:
        assert address(listener) == f"http://[::1]:{listener.getsockname()[1]}"


def test_an_address_that_cannot_be_had_is_told_with_what_to_do() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{port}: .*--port"):
            listen("127.0.0.1", port)
    with pytest.raises(SettingsError, match="0 to 65535"):
        listen("127.0.0.1", 70_000)


async def test_a_second_write_does_not_wait_for_the_first_one_to_be_acknowledged() -> None:
    """asyncio sees to it where a socket says that it is TCP's, and what is accepted says what its listener does."""
    listener = listen("127.0.0.1", 0)
    accepted = asyncio.get_running_loop().create_future()

    class Noting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.set_result(transport)

    server = await asyncio.get_running_loop().create_server(Noting, sock=listener)
    with socket.create_connection(listener.getsockname()):
        transport = await accepted
        assert transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        transport.close()
    server.close()
