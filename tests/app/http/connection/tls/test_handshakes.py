"""Connections that speak TLS with a front itself: they are like any other, and who does not speak it is let go."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from app.http.connection import bounds
from app.http.connection.crowd import SURPLUS
from app.http.envelope import TRANSPORT_SECURITY
from app.settings import Settings
from app.stream.endings import Outcome
from tests.app.http.speaking import SOON
from tests.app.served import Author, Served, served, until
from tests.app.taken import path, said, taken_over
from tests.harness.network.tls import certificate
from tests.patience import PATIENCE

PLAIN = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("certificate"), "127.0.0.1")


@pytest.fixture
def trusting(pair: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=pair[0])


@pytest.fixture
async def front(redis: Redis, pair: tuple[Path, Path]) -> AsyncIterator[Served]:
    settings = Settings(tls_cert=str(pair[0]), tls_key=str(pair[1]), connections_max=3)
    async with served(redis, settings) as made:
        assert made.url.startswith("https://")
        yield made


async def submitted(front: Served, http: httpx.AsyncClient) -> Author:
    assert (await http.post("/v1/streams", json={"prompt": "hello"})).status_code == 202
    return await front.author()


async def test_a_connection_is_taken_over_and_given_back(front: Served, trusting: ssl.SSLContext) -> None:
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(base_url=front.url, verify=trusting, limits=limits, timeout=PATIENCE) as http:
        author = await submitted(front, http)
        await said(author, "x" * 300_000)  # more than fits into what lies between
        async with http.stream("GET", path(author)) as answer:
            assert answer.headers["strict-transport-security"] == TRANSPORT_SECURITY
            await until(lambda: taken_over(front))
            await said(author, "b")
            await author.end(Outcome.COMPLETED)
            body = await answer.aread()
        assert body.endswith(f"id: {author.last_id}\n\n".encode())
        assert body.count(b"x") >= 300_000
        assert (await http.get("/healthz")).status_code == 200
        assert front.crowd.here == 1
    await until(lambda: front.crowd.here == 0)
    assert not front.hub.tails


async def test_who_closes_its_half_has_left(front: Served, trusting: ssl.SSLContext) -> None:
    """Python's TLS cannot keep the other half: it is the client's next try that goes on."""
    host, port = front.url.removeprefix("https://").split(":")
    async with httpx.AsyncClient(base_url=front.url, verify=trusting, timeout=PATIENCE) as http:
        author = await submitted(front, http)
    reader, writer = await asyncio.open_connection(host, int(port), ssl=trusting)
    writer.write(f"GET {path(author)} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    await until(lambda: taken_over(front))
    writer.close()  # its goodbye comes first
    await until(lambda: not front.hub.readers and front.crowd.here == 0)
    del reader


@pytest.mark.parametrize(
    "said", [b"", b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\xff" * 9000]
)
async def test_who_does_not_speak_tls_is_let_go(front: Served, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HEAD_SECONDS", SOON)
    host, port = front.url.removeprefix("https://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await until(lambda: front.crowd.here == 1)
    writer.write(said)
    try:
        async with asyncio.timeout(PATIENCE):
            assert b"HTTP" not in await reader.read()
    except ConnectionError:
        pass  # with something unread
    await until(lambda: front.crowd.here == 0)
    writer.close()


async def test_who_says_nothing_counts_and_holds_up_no_end(
    front: Served, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = front.url.removeprefix("https://").split(":")
    silent = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
    await until(lambda: front.crowd.here == 3)
    async with httpx.AsyncClient(base_url=front.url, verify=trusting, timeout=PATIENCE) as http:
        assert (await http.get("/v1/models")).status_code == 503
        assert (await http.get("/healthz")).status_code == 200
    await until(lambda: front.crowd.here == 3)
    monkeypatch.setattr("app.http.connection.crowd.SURPLUS", 0)
    assert SURPLUS > 0
    reader, writer = await asyncio.open_connection(host, int(port))
    assert await reader.read() == b""
    for _, one in (*silent, (reader, writer)):
        one.close()
