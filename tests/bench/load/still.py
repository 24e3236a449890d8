"""Load that does not flow: idle readers, replays one after the other, and prompts at random moments."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping
from time import monotonic
from typing import Any

import orjson

from tests.bench.gauges import cpu_of, memory_of
from tests.bench.load.client import Client, post, prompt, send, submit
from tests.bench.load.live import WRONG_SHOWN, quantiles
from tests.bench.load.traffic import Stream, Target, check, drop, ended, open_stream, read_on

IDLE_TOKENS = 10
IDLE_RATE = 50
SETTLE_SECONDS = 2.0
# What a stream that was submitted may take until it has ended.
PATIENCE_SECONDS = 60.0


async def idle(
    target: Target,
    pids: Mapping[str, int],
    streams: int,
    readers: int,
    *,
    tokens: int = IDLE_TOKENS,
    rate: float = IDLE_RATE,
) -> dict[str, Any]:
    """Bytes for each of so many readers of streams that have fallen silent, after so many tokens."""
    also = f"stall-after={tokens}"
    load = {"rate": rate, "first": 0.2, "also": also}
    # The first ones pay for what is there once: code that was never run before, buffers that stay.
    opened = [await open_stream(target, tokens * 2, 5, **load) for _ in range(2)]
    await asyncio.sleep(SETTLE_SECONDS)
    before = memory_of(pids)
    opened += [await open_stream(target, tokens * 2, readers, **load) for _ in range(streams)]
    deadline = monotonic() + PATIENCE_SECONDS
    for client in (client for stream in opened for client in stream.readers):
        while not _silent(client, tokens) and monotonic() < deadline:
            await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLE_SECONDS)
    after = memory_of(pids)
    wrong = [
        found
        for stream in opened
        for client in stream.readers
        for found in (check(target, stream, client, whole=False)[1],)
        if found
    ]
    wrong += ["a reader did not come to the end" for s in opened for client in s.readers if not _silent(client, tokens)]
    drop(opened)
    growth = {role: (after[role] - before[role]) / (streams * readers) for role in pids}
    return {
        "bytes_per_reader": growth,
        "before": before,
        "after": after,
        "wrong": wrong[:WRONG_SHOWN],
        "wrong_count": len(wrong),
    }


def _silent(client: Client, tokens: int) -> bool:
    return b'; %d"' % (tokens - 1) in b"".join(client.parts[-20:])


async def replay(target: Target, pids: Mapping[str, int], tokens: int, seconds: float, least: int) -> dict[str, Any]:
    """A finished stream, read from its start again and again, by one client after the other."""
    pids = {**pids, "generator": os.getpid()}
    stream = await open_stream(target, tokens, 1, rate=0, first=0)
    await ended([stream], PATIENCE_SECONDS)
    await asyncio.sleep(0.5)
    for client in await read_on(target, stream, 3):
        await client.ended
    stream.readers.clear()
    before, start = cpu_of(pids), monotonic()
    while monotonic() - start < seconds or len(stream.readers) < least:
        (client,) = await read_on(target, stream, 1)
        await client.ended
    after, took = cpu_of(pids), monotonic() - start
    wrong = [found for c in stream.readers for found in (check(target, stream, c, whole=True)[1],) if found]
    count = len(stream.readers)
    return {
        "replays": count,
        "ms_each": took * 1000 / count,
        "cpu_ms_each": {role: (after[role] - before[role]) * 1000 / count for role in pids},
        "wrong": wrong[:WRONG_SHOWN],
        "wrong_count": len(wrong),
    }


async def starts(target: Target, count: int, seconds: float) -> dict[str, Any]:
    """From the moment a POST is sent to the moment at which the upstream sees the call that it leads to.

    The upstream answers at once with one token that says when; so this is what a user waits for that is not the model.
    Prompts come at random moments, whether or not the earlier ones have been answered.
    """
    loop = asyncio.get_running_loop()
    begin = loop.time() + 0.1
    moments = sorted(random.uniform(0, seconds) for _ in range(count))  # noqa: S311 - no secret
    body = orjson.dumps({**prompt(1, rate=0, first=0), **target.extra})

    async def one(at: float) -> tuple[int, Stream]:
        await asyncio.sleep(max(0.0, begin + at - loop.time()))
        stream = Stream(1)
        if target.direct:
            client = await send(target.port, post(target.path, body))
            stream.readers.append(client)
            await client.ended
            return client.sent, stream
        stream.events_path, sent = await submit(target.port, target.path, body)
        return sent, stream

    opened = await asyncio.gather(*(one(at) for at in moments))
    if not target.direct:
        await asyncio.sleep(1.0)
        for _, stream in opened:
            await read_on(target, stream, 1)
        await ended([stream for _, stream in opened], PATIENCE_SECONDS)
    took, wrong = [], []
    for sent, stream in opened:
        got, found = check(target, stream, stream.readers[0], whole=True)
        took += [seen - sent for seen in got.sent]
        wrong += [found] if found else []
    return {
        "ms": quantiles(took, count),
        "sent": [(stream.id if stream.events_path else "", sent) for sent, stream in opened],
        "wrong": wrong[:WRONG_SHOWN],
        "wrong_count": len(wrong),
    }
