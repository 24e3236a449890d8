"""How long a connection may do what: who falls silent is answered or closed, who is slow is served."""

from __future__ import annotations

import asyncio
import json

import pytest

from app.http.connection import bounds
from tests.app.http.speaking import (
    CHUNKED,
    GET,
    ORIGIN,
    POST,
    SOON,
    Application,
    connected,
    eager,
)
from tests.app.served import listening


@pytest.mark.parametrize("stray", [b"\r\n", b"\r", b"\n\r\n", b"G"])
async def test_a_stray_byte_keeps_no_connection(soon: None, application: Application, stray: bytes) -> None:  # noqa: ARG001
    async with listening(application) as port, connected(port) as one:
        one.send(GET + b"\r\n")
        assert await one.answer() == b"0"
        one.send(stray)
        assert await one.rest() == b""


async def test_a_connection_without_a_request_is_kept_longer(soon: None, application: Application) -> None:  # noqa: ARG001
    assert bounds.KEEP_ALIVE_SECONDS == 75
    async with listening(application) as port, connected(port) as one:
        for _ in range(2):
            one.send(GET + b"\r\n")
            assert await one.answer() == b"0"
            await asyncio.sleep(3 * SOON)


async def test_keep_alive_has_an_end(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "KEEP_ALIVE_SECONDS", SOON)
    async with listening(application) as port, connected(port) as one:
        one.send(GET + b"\r\n")
        assert await one.answer() == b"0"
        assert await one.rest() == b""


async def test_a_body_that_falls_silent_is_refused_as_any_request_is(
    soon: None,  # noqa: ARG001
    application: Application,
) -> None:
    async with listening(application, [ORIGIN.decode()]) as port, connected(port) as one:
        one.send(POST + b"origin: " + ORIGIN + b"\r\ncontent-length: 10\r\n\r\nabc")
        head, _, body = (await one.rest()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["error"]["type"] == "timeout_error"
    for field in (b"\r\ndate: ", b"\r\naccess-control-allow-origin: " + ORIGIN, b"\r\nconnection: close"):
        assert field in head.lower()


async def test_a_body_that_comes_slowly_is_served(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BODY_SECONDS", 8 * SOON)
    async with listening(application) as port, connected(port) as one:
        one.send(POST + b"content-length: 10\r\n\r\n")
        for _ in range(10):
            await asyncio.sleep(SOON)
            one.send(b"x")
        assert await one.answer() == b"10"


async def test_the_framing_of_chunks_is_silence(soon: None, application: Application) -> None:  # noqa: ARG001
    async with listening(application) as port, connected(port) as one:
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
