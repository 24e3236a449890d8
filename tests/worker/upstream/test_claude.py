"""The one call of the upstream: what becomes of its connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import orjson
import pytest

from app.dev.simulator import serving
from app.stream.concurrency.tasks import end
from tests.harness.network.proxy import Proxy
from tests.patience import PATIENCE
from tests.worker.workshop import AT_ONCE, MODEL
from worker.upstream.claude import Claude
from worker.upstream.request import Request
from worker.upstream.sse import Parser


class Upstream(Proxy):
    """Counts the connections that were ever made."""

    made = 0

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        await super()._accept(reader, writer)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with serving(pace=AT_ONCE) as url, Upstream("127.0.0.1", urlsplit(url).port or 0) as proxy:
        yield proxy


@pytest.fixture
async def claude(upstream: Upstream) -> AsyncIterator[Claude]:
    client = Claude("key", f"http://127.0.0.1:{upstream.port}")
    yield client
    await client.close()


def ask(directive: str = "") -> Request:
    body = {
        "model": MODEL,
        "max_tokens": 9,
        "messages": [{"role": "user", "content": f"[[sim: tokens=3 {directive}]]"}],
    }
    return Request(MODEL, orjson.dumps(body), {}, "")


async def read(claude: Claude, directive: str = "") -> None:
    """As a call is read: until `message_stop`, and no further."""
    parser = Parser()
    async with claude.call(ask(directive)) as answer:
        async for chunk in answer.chunks:
            if any(name == b"message_stop" for name, _ in parser.feed(chunk)):
                return
    raise AssertionError("no message_stop")


async def ended(claude: Claude) -> None:
    async with asyncio.timeout(PATIENCE):
        while claude._ending:
            await asyncio.wait(claude._ending)


async def gone(upstream: Upstream) -> None:
    async with asyncio.timeout(PATIENCE):
        while upstream.connections:
            await asyncio.sleep(0.01)


async def test_a_connection_is_used_again_after_a_whole_answer(claude: Claude, upstream: Upstream) -> None:
    for _ in range(5):
        await read(claude)
        await ended(claude)
    assert upstream.made == 1


async def test_calls_at_once_have_a_connection_each(claude: Claude, upstream: Upstream) -> None:
    await asyncio.gather(*(read(claude, "first=0.1") for _ in range(5)))
    assert upstream.made == 5


async def test_who_leaves_early_closes_the_connection_at_once(claude: Claude, upstream: Upstream) -> None:
    begun = asyncio.Event()

    async def interrupted() -> None:
        async with claude.call(ask("stall-after=1")) as answer:
            await anext(answer.chunks)
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(interrupted())
    await begun.wait()
    await end(task)
    await gone(upstream)
    await read(claude)
    assert upstream.made == 2


async def test_a_body_that_does_not_end_after_its_message_is_closed(
    claude: Claude, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.upstream.claude.LAST_BYTES_SECONDS", 0.05)
    async with claude.call(ask("stall-after=1")) as answer:  # whoever leaves so says that this was all
        await anext(answer.chunks)
    assert upstream.connections == 1
    await ended(claude)
    await gone(upstream)


async def test_a_connection_that_was_closed_while_nobody_called_is_no_failure(
    claude: Claude, upstream: Upstream
) -> None:
    for _ in range(3):
        await read(claude)
        await ended(claude)
        upstream.reset()
        await gone(upstream)
    assert upstream.made == 3


async def test_close_waits_for_no_last_bytes(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.upstream.claude.LAST_BYTES_SECONDS", 2 * PATIENCE)
    claude = Claude("key", f"http://127.0.0.1:{upstream.port}")
    async with claude.call(ask("stall-after=1")) as answer:
        await anext(answer.chunks)
    async with asyncio.timeout(PATIENCE):
        await claude.close()
