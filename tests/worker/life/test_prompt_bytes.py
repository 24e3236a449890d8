"""A prompt is bytes to the worker: up as it was stored, whatever is in it, and nobody else's stream notices."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import anthropic
import httpx2
import pytest

from tests.worker.plain_upstream import PlainUpstream
from tests.worker.workshop import LIFE_MS, MODEL, Workshop
from worker.upstream.claude import Claude
from worker.upstream.request import Request
from worker.upstream.sse import Parser

HELD_SECONDS = 0.08
ROUNDS = 4  # a busy machine makes any turn longer, up to four times; who walks a prompt needs 0.2 s, always
FOUR_MIB = 4 * 1024 * 1024
_HEAD = b'{"model":"m","max_tokens":5,"messages":['


def prompt(what: str) -> bytes:
    """Bodies of 4 MiB, or near it, that cost a parser most, least, and as a long conversation does."""
    match what:
        case "objects":
            inner = b",".join([b"{}"] * (FOUR_MIB // 3))
        case "messages":
            inner = b",".join([b'{"role":"user","content":"hi"}'] * 60_000)
        case _:
            inner = b'{"role":"user","content":"%b"}' % (b"x" * FOUR_MIB)
    return _HEAD + inner + b'],"n":123456789012345678901234567890,"x":1E400}'


class Holds:
    """What one turn of the loop took at most, in seconds of this thread's own time: others of the machine count not."""

    longest = 0.0


@contextmanager
def holds() -> Iterator[Holds]:
    gc.collect()
    gc.disable()  # as good as in a worker, which keeps the collector off what lives long
    loop, found, last = asyncio.get_running_loop(), Holds(), time.thread_time()
    handle: asyncio.Handle | None = None

    def turn() -> None:
        nonlocal last, handle
        now = time.thread_time()
        found.longest = max(found.longest, now - last)
        last = now
        handle = loop.call_soon(turn)

    turn()
    try:
        yield found
    finally:
        gc.enable()
        assert handle is not None
        handle.cancel()


@pytest.mark.parametrize("what", ["objects", "messages", "text"])
async def test_a_prompt_goes_up_as_it_was_stored_and_nobody_walks_it(shop: Workshop, what: str) -> None:
    body = prompt(what)
    held = []
    with PlainUpstream() as upstream:
        async with shop.worker(anthropic_base_url=upstream.url):
            for number in range(ROUNDS):
                ids = [f"st_large_{number}_{n}" for n in range(10)]
                for stream_id in ids:
                    meta = {"owner": "me", "request": body, "model": MODEL, "on_interrupt": "restart"}
                    await shop.log.open(stream_id, meta)
                upstream.seen.clear()
                with holds() as found:  # without the test's own work on prompts
                    await asyncio.gather(*(shop.queue.submit(each, limit=1000, life_ms=LIFE_MS) for each in ids))
                    await shop.eventually(partial(_are_out, shop, len(ids) * (number + 1)))
                assert [seen.body for seen in upstream.seen] == [body[:-1] + b',"stream":true}'] * len(ids)
                assert {(await shop.look(each)).outcome for each in ids} == {"completed"}
                held.append(found.longest)
                if found.longest < HELD_SECONDS:
                    return
    raise AssertionError(held)


async def test_a_prompt_counts_for_what_a_worker_holds(shop: Workshop) -> None:
    async with shop.worker(worker_bytes=1_000_000) as parts:
        stream_id = await shop.submit(f"[[sim: stall-after=1 tokens=3]] {'x' * 1_000_000}")
        await shop.until(stream_id, lambda stream: bool(stream.frames))
        assert parts.pool.bytes_in_flight >= 1_000_000
        assert parts.pool.full


async def _are_out(shop: Workshop, count: int) -> bool:
    return bool(await shop.redis.xlen("ks:{queue}:outbox") == count)


async def test_what_goes_with_it_is_what_the_sdk_sends_and_what_the_client_sent() -> None:
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "a-2026,b"}
    query = "beta=true&x=a%20b%2Bc&empty="
    with PlainUpstream() as upstream:
        sdk = anthropic.AsyncAnthropic(
            api_key="key",
            base_url=upstream.url,
            max_retries=0,
            timeout=httpx2.Timeout(None, connect=10.0),
            http_client=anthropic.DefaultAioHttpClient(),
        )
        async with sdk:
            await sdk.messages.create(
                model=MODEL,
                max_tokens=5,
                messages=[],
                stream=True,
                extra_headers={**headers, "accept-encoding": "identity"},
                extra_query={"beta": "true", "x": "a b+c", "empty": ""},
            )
        claude, parser = Claude("key", upstream.url), Parser()
        async with claude.call(Request(MODEL, b'{"a":1}', headers, query)) as answer:
            events = [event async for chunk in answer.chunks for event in parser.feed(chunk)]
        await claude.close()
    assert events[-1][0] == b"message_stop"
    theirs, ours = upstream.seen
    assert ours.line == theirs.line
    assert ours.body == b'{"a":1,"stream":true}'
    assert ours.headers.pop(b"content-length") == b"21"
    del theirs.headers[b"content-length"]
    assert ours.headers == theirs.headers
    assert ours.headers[b"anthropic-version"] == b"2023-06-01"
