"""A client that has closed its half is written to now and then, and never into the middle of an event."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from app.http.connection import bounds
from app.http.envelope import Door, Envelope
from tests.app.served import listening
from tests.patience import PATIENCE

SOON = 0.01
HEADERS = [(b"content-type", b"text/event-stream")]
PARTS = (b"event: a\ndata: 1\n\n", b"event: b\nda", b"ta: " + b"x" * 40_000, b"\n", b"\nevent: c\n", b"data: 3\n\n")
PING = b": ping\n\n"


class Slow:
    """An answer in parts, between which there is time for some pokes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # an ASGI application's
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        for part in (b"", *PARTS, b""):
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(5 * SOON)
        await send({"type": "http.response.body", "body": b""})


async def test_pokes_stand_between_events_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "POKES", (SOON,))
    body = b""
    async with listening(Envelope(Slow(), Door(), lambda path: path == "/")) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            await reader.readuntil(b"\r\n\r\n")
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
        writer.close()
    blocks = [block + b"\n\n" for block in body.split(b"\n\n")[:-1]]
    assert PING in blocks
    assert b"".join(block for block in blocks if block != PING) == b"".join(PARTS)
