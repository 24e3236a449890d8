"""A prompt is bytes to the worker: up as it was stored, whatever is in it, and nobody else's stream notices."""

from __future__ import annotations

from functools import partial

import anthropic
import httpx2
import pytest

from tests.harness.heap import heap
from tests.worker.plain_upstream import PlainUpstream
from tests.worker.workshop import LIFE_MS, MODEL, Workshop
from worker.upstream.claude import Claude
from worker.upstream.request import Request
from worker.upstream.sse import Parser

# Whole ones of a prompt at once, in the worker and in the upstream that is in this process, too. Its values take more.
COPIES = 6
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


@pytest.mark.parametrize("what", ["objects", "messages", "text"])
async def test_a_prompt_goes_up_as_it_was_stored_and_nobody_builds_it(shop: Workshop, what: str) -> None:
    """How long others wait meanwhile is measured in tests/bench/prompts.py."""
    body = prompt(what)
    meta = {"owner": "me", "request": body, "model": MODEL, "on_interrupt": "restart"}
    with PlainUpstream() as upstream:
        async with shop.worker(anthropic_base_url=upstream.url):
            await shop.run("a first one, by which all is loaded")
            await shop.log.open("st_large", meta)
            with heap() as found:
                await shop.queue.submit("st_large", limit=1000, life_ms=LIFE_MS)
                await shop.eventually(partial(_is_out, shop))  # which reads nothing of it
            assert upstream.seen[1].body == body[:-1] + b',"stream":true}'
            assert (await shop.look("st_large")).outcome == "completed"
    assert found.most / len(body) < COPIES


async def test_a_prompt_counts_for_what_a_worker_holds(shop: Workshop) -> None:
    async with shop.worker(worker_bytes=1_000_000) as parts:
        stream_id = await shop.submit(f"[[sim: stall-after=1 tokens=3]] {'x' * 1_000_000}")
        await shop.until(stream_id, lambda stream: bool(stream.frames))
        assert parts.pool.bytes_in_flight >= 1_000_000
        assert parts.pool.full


async def _is_out(shop: Workshop) -> bool:
    return bool(await shop.redis.xlen("ks:{queue}:outbox") == 2)


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
