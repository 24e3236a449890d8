"""The clock: tokens keep to it, and to who reads."""

import asyncio
from typing import cast

import pytest
from anthropic import AsyncAnthropic

from app.dev.simulator.calls import Calls
from app.dev.simulator.directives import Directives
from app.dev.simulator.player import Player, Wheel
from app.dev.simulator.reply import Stream
from tests.app.dev.simulator.claude import AT_ONCE, asking, raw_call, said, streamed, text_deltas


async def test_tokens_keep_to_the_schedule(claude: AsyncAnthropic) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    stream = await claude.messages.create(**asking("[[sim: rate=200 first=0.1 tokens=41 stamp]]"), stream=True)
    deltas = text_deltas([event async for event in stream])
    assert loop.time() - began >= 0.1 + 40 / 200
    stamps = [int(delta.partition(";")[0]) / 1e9 for delta in deltas]
    assert stamps == sorted(stamps)
    # A late token does not push the others back: the last is as late as its own tick, not as the sum of all.
    assert stamps[-1] - stamps[0] < 2
    assert "".join(delta.partition(";")[2] for delta in deltas) == said("[[sim: tokens=41]]")


async def test_a_whole_answer_takes_as_long_as_its_stream(claude: AsyncAnthropic) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await claude.messages.create(**asking("[[sim: rate=100 first=0.1 tokens=11]]"))
    assert loop.time() - began >= 0.2


async def test_a_client_that_does_not_read_is_waited_for() -> None:
    class Transport:
        written = 0

        def write(self, data: bytes) -> None:
            self.written += len(data)

    transport, done = Transport(), asyncio.Event()
    frames = iter([(b"data: %06d\n\n" % number, 1) for number in range(10_000)])
    stream = Stream(frames, AT_ONCE, Directives(), [], 0.0, Calls().begin(None, "200"))
    wheel = Wheel(asyncio.get_running_loop())
    player = Player(cast("asyncio.Transport", transport), stream, wheel, done.set, chunked=False)
    player.begin()
    while not done.is_set():
        player.pause()
        before = transport.written
        await asyncio.sleep(0)
        assert transport.written == before
        player.resume()
        await asyncio.sleep(0)
        assert 0 <= transport.written - before < 1000
    assert transport.written == 140_000


async def test_nothing_is_written_for_a_client_that_left(
    url: str, claude: AsyncAnthropic, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await raw_call(url, "[[sim: rate=1000 tokens=9000]]")
    await reader.readuntil(b"text_delta")
    writer.transport.abort()
    await streamed(claude, "[[sim: first=0.1 text=meanwhile]]")
    assert not caplog.records  # asyncio warns of writes to a closed connection
