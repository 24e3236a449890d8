"""HTTP itself, by bytes."""

import asyncio
import json

import anthropic
import pytest
from anthropic import AsyncAnthropic

from tests.app.dev.simulator.claude import address, asking, chunks_of, error_of, request_bytes, text_in


async def test_one_connection_serves_many_requests(url: str) -> None:
    reader, writer = await asyncio.open_connection(*address(url))
    for _ in range(3):
        writer.write(request_bytes("[[sim: text=again]]"))
        await reader.readuntil(b"\r\n\r\n")
        body = b"".join([chunk async for chunk in chunks_of(reader)])
        assert body.endswith(b'{"type":"message_stop"}\n\n')
    writer.write(request_bytes("[[sim: text=a]]") * 5)
    for _ in range(5):
        await reader.readuntil(b"0\r\n\r\n")
    writer.close()


async def test_chunked_bodies_and_expect_continue(url: str) -> None:
    reader, writer = await asyncio.open_connection(*address(url))
    body = json.dumps(asking("[[sim: text=yes]]")).encode()
    head = b"POST /v1/messages HTTP/1.1\r\nx-api-key: x\r\nanthropic-version: 1\r\n"
    writer.write(head + b"expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    for start in range(0, len(body), 10):
        part = body[start : start + 10]
        writer.write(b"%x\r\n%b\r\n" % (len(part), part))
    writer.write(b"0\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()


async def test_a_body_of_31_mb_is_read_and_one_of_33_is_refused(claude: AsyncAnthropic) -> None:
    fits = asking("[[sim: text=fits]] " + "x" * 31_000_000)
    assert text_in(await claude.messages.create(**fits)) == "fits"
    with pytest.raises(anthropic.APIStatusError) as caught:
        await claude.messages.create(**asking("x" * 34_000_000))
    assert caught.value.status_code == 413
    assert error_of(caught.value)["type"] == "request_too_large"


async def test_what_is_not_http_is_refused(url: str) -> None:
    for garbage in (b"\x16\x03\x01 no tls here\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 50_000):
        reader, writer = await asyncio.open_connection(*address(url))
        writer.write(garbage)
        assert (await reader.read(20)).startswith(b"HTTP/1.1 400")
        writer.close()


async def test_http_1_0_gets_a_plain_body(url: str) -> None:
    reader, writer = await asyncio.open_connection(*address(url))
    writer.write(request_bytes("[[sim: text=old]]").replace(b"HTTP/1.1", b"HTTP/1.0"))
    answer = await reader.read(-1)
    assert b"transfer-encoding" not in answer
    assert answer.endswith(b'{"type":"message_stop"}\n\n')
    writer.close()
