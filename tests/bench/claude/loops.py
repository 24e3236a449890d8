"""What a loop of tools costs beside the model: from a turn's end to the next one's beginning, as a reader has it.

    python -m tests.bench.claude.loops

A stream of five turns, each with a call of `clock` that the worker runs. From a turn's `message_stop` to the next one's
first events lie the tool, its result's way into the log, and the next call. Beside it, in turns, the same call made
directly: from its POST to its first events. The difference of the medians is ours. Exits 1 where the figure is not
reached.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
from time import perf_counter
from typing import Any

import httpx

from tests.bench.messages import print_line, quantile
from tests.harness.relay import Relay

ADDED_P50_MS = 5.0
TURNS = 5
WARM_UP = 5
HEADERS = {"x-api-key": "bench", "anthropic-version": "2023-06-01"}
CLOCK = {"name": "clock", "description": "What time it is", "input_schema": {"type": "object", "properties": {}}}


def prompt() -> str:
    """No two are the same, so that nothing on the way can be kept."""
    return f"[[sim: tool=clock tool-rounds={TURNS - 1} rate=0 first=0]] {random.random()}"  # noqa: S311 - not a secret


async def loop(http: httpx.AsyncClient) -> list[float]:
    """Seconds between the turns of one stream."""
    body = {"prompt": prompt(), "relay": {"tools": ["clock"]}}
    submitted = (await http.post("/v1/streams", json=body)).raise_for_status().json()
    gaps, stopped, turns = [], 0.0, 0
    async with http.stream("GET", submitted["events_url"]) as events:
        async for line in events.aiter_lines():
            if line == "event: message_start":
                turns += 1
                if stopped:
                    gaps.append(perf_counter() - stopped)
            elif line == "event: message_stop":
                stopped = perf_counter()
    assert turns == TURNS, turns
    return gaps


async def call(http: httpx.AsyncClient) -> float:
    """Seconds to the first events of a call."""
    body: dict[str, Any] = {"model": "claude-sonnet-5", "max_tokens": 4096, "stream": True, "tools": [CLOCK]}
    body["messages"] = [{"role": "user", "content": prompt()}]
    began, first = perf_counter(), 0.0
    async with http.stream("POST", "/v1/messages", json=body, headers=HEADERS) as events:
        async for line in events.aiter_lines():
            if line == "event: content_block_start":  # with which a log shows the message's start
                first = first or perf_counter() - began
    return first


async def measure(direct: str, relayed: str, rounds: int) -> bool:
    async with httpx.AsyncClient(base_url=direct) as claude, httpx.AsyncClient(base_url=relayed) as relay:
        gaps: list[float] = []
        calls: list[float] = []
        for number in range(WARM_UP + rounds):
            if number == WARM_UP:
                gaps, calls = [], []
                gc.collect()
                gc.freeze()
            gaps += await loop(relay)
            calls += [await call(claude) for _ in range(TURNS - 1)]
    added = quantile(gaps, 0.5) - quantile(calls, 0.5)
    print_line(f"{rounds} streams of {TURNS} turns, {len(gaps)} turns after the first, and as many calls made directly")
    for name, times in (("between two turns", gaps), ("a call directly", calls)):
        print_line(f"  {name:18} p50 {quantile(times, 0.5):6.2f} ms   p99 {quantile(times, 0.99):6.2f} ms")
    print_line(f"  {'added':18} p50 {added:6.2f} ms   (below {ADDED_P50_MS})")
    return added < ADDED_P50_MS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.claude.loops", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="streams (default: 100)")
    options = parser.parse_args()
    with Relay(KEEPSTREAM_LOG_LEVEL="warning") as relay:
        return 0 if asyncio.run(measure(relay.claude, relay.url, options.rounds)) else 1


if __name__ == "__main__":
    sys.exit(main())
