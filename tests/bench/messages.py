"""What the relay adds to the Claude API's own call: the official SDK through `/v1/messages`, beside the SDK directly.

    python -m tests.bench.messages

Both call the same simulated Claude, in turns, in one run: the time to the first token of short answers, and the whole
time of long ones. Exits 1 where a figure is not reached.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import statistics
import sys
from dataclasses import dataclass, field
from time import perf_counter

from anthropic import AsyncAnthropic

from tests.harness.relay import Relay

ADDED_P50_MS = 8.0
ADDED_P99_MS = 30.0
TOTAL_RATIO = 1.02
# Both sides open their connections and run their code for the first time here.
WARM_UP = 20


@dataclass
class Times:
    """Seconds, of each answer."""

    first: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)


async def answer(claude: AsyncAnthropic, times: Times, tokens: int, rate: int, first: float) -> None:
    """One streamed answer, measured from the call."""
    # No two prompts are the same, so that nothing on the way can be kept.
    prompt = f"[[sim: tokens={tokens} rate={rate} first={first}]] {random.random()}"  # noqa: S311 - not a secret
    began, first_at, seen = perf_counter(), 0.0, 0
    async with claude.messages.stream(
        model="claude-sonnet-5", max_tokens=4096, messages=[{"role": "user", "content": prompt}]
    ) as stream:
        async for _ in stream.text_stream:
            seen += 1
            first_at = first_at or perf_counter()
    assert seen == tokens
    times.first.append(first_at - began)
    times.total.append(perf_counter() - began)


async def compare(clients: tuple[AsyncAnthropic, AsyncAnthropic], rounds: int, *what: float) -> tuple[Times, Times]:
    """So many answers of each, in turns."""
    both = Times(), Times()
    for _ in range(rounds):
        turns = list(zip(clients, both, strict=True))
        random.shuffle(turns)  # whoever comes second finds the machine as the first left it
        for client, times in turns:
            await answer(client, times, int(what[0]), int(what[1]), what[2])
    return both


async def at_once(clients: tuple[AsyncAnthropic, AsyncAnthropic], streams: int, *what: float) -> tuple[Times, Times]:
    """So many answers of each at the same time, one side after the other."""
    both = Times(), Times()
    for client, times in zip(clients, both, strict=True):
        async with asyncio.TaskGroup() as group:
            for _ in range(streams):
                group.create_task(answer(client, times, int(what[0]), int(what[1]), what[2]))
    return both


def quantile(values: list[float], part: float) -> float:
    """In milliseconds."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)] * 1000


async def measure(direct_url: str, relayed_url: str, rounds: int, long_rounds: int, streams: int) -> bool:
    async with (
        AsyncAnthropic(base_url=direct_url, api_key="bench", max_retries=0) as direct,
        AsyncAnthropic(base_url=relayed_url, api_key="bench", max_retries=0) as relayed,
    ):
        clients = direct, relayed
        await compare(clients, WARM_UP, 5, 0, 0.0)
        gc.collect()
        gc.freeze()
        straight, through = await compare(clients, rounds, 5, 0, 0.05)
        added = [quantile(through.first, part) - quantile(straight.first, part) for part in (0.5, 0.99)]
        print_line(f"time to first token, {rounds} calls each, in turns (the simulator takes 50 ms)")
        for name, times in (("direct", straight), ("relayed", through)):
            print_line(
                f"  {name:8} p50 {quantile(times.first, 0.5):6.1f} ms   p99 {quantile(times.first, 0.99):6.1f} ms"
            )
        print_line(
            f"  added    p50 {added[0]:6.1f} ms   p99 {added[1]:6.1f} ms   (below {ADDED_P50_MS} and {ADDED_P99_MS})"
        )
        straight, through = await compare(clients, long_rounds, 500, 80, 0.3)
        ratio = statistics.median(through.total) / statistics.median(straight.total)
        print_line(f"answers of 500 tokens at 80/s, {long_rounds} each, in turns")
        print_line(
            f"  direct {statistics.median(straight.total):.3f} s, relayed {statistics.median(through.total):.3f} s"
        )
        print_line(f"  ratio of the medians {ratio:.4f}   (below {TOTAL_RATIO})")
        straight, through = await at_once(clients, streams, 500, 80, 0.3)
        crowd = statistics.median(through.total) / statistics.median(straight.total)
        print_line(f"{streams} answers of 500 tokens at once: ratio {crowd:.4f}")
    return added[0] < ADDED_P50_MS and added[1] < ADDED_P99_MS and ratio < TOTAL_RATIO


def print_line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.messages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300, help="short answers of each (default: 300)")
    parser.add_argument("--long", type=int, default=5, help="long answers of each (default: 5)")
    parser.add_argument("--streams", type=int, default=20, help="long answers at once (default: 20)")
    options = parser.parse_args()
    with Relay(KEEPSTREAM_LOG_LEVEL="warning") as relay:
        reached = asyncio.run(measure(relay.claude, relay.url, options.rounds, options.long, options.streams))
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
