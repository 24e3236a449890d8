"""What large prompts cost those who share a front's or a worker's loop, beside what it costs to build their values.

    python -m tests.bench.prompts

The yardstick is taken in the same run: orjson, in C, building the values of a body of 4 MiB that has as many as fit.
The rows: a body of the same size taken in by a front (checked, cut into fields, digested), whatever it is made of; the
most that is ever built of one; and the longest turn of a worker's loop while ten such prompts go up. CPU of the thread
that has the loop; the best of some rounds, as others' work on the machine only adds. Exits 1 where a ratio is not
reached.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import orjson

from app.dev.embedded import EmbeddedValkey
from app.intake.prompt import prompt_of
from app.intake.raw_json import WEIGHT_MAX, Raw, built, fields_of
from app.stream.redis.connect import connect
from tests.app.intake.bodies import DICTS, UNITS, messages_of, of_units, weighing
from tests.worker.plain_upstream import PlainUpstream
from tests.worker.workshop import LIFE_MS, MODEL, Workshop, workshop

SIZE = 4 * 1024 * 1024
ROUNDS = 5
PROMPTS = 10
# Of the yardstick: what is taken in, what is built of one at the most, and what one turn of a worker takes.
TAKEN_MOST, BUILT_MOST, TURN_MOST = 0.5, 0.5, 0.5
WORST = b"{},"


def cpu(work: Callable[[], Any]) -> float:
    """Seconds, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        gc.collect()
        begun = time.thread_time()
        work()
        best = min(best, time.thread_time() - begun)
    return best


@contextmanager
def turns() -> Iterator[list[float]]:
    """The longest turn of the loop, in the end."""
    gc.collect()
    loop, last, longest = asyncio.get_running_loop(), time.thread_time(), [0.0]
    handle: asyncio.Handle | None = None

    def turn() -> None:
        nonlocal last, handle
        now = time.thread_time()
        longest[0] = max(longest[0], now - last)
        last = now
        handle = loop.call_soon(turn)

    gc.disable()  # as good as in a worker, which keeps the collector off what lives long
    turn()
    try:
        yield longest
    finally:
        gc.enable()
        if handle is not None:
            handle.cancel()


@asynccontextmanager
async def shop() -> AsyncIterator[Workshop]:
    with tempfile.TemporaryDirectory() as directory, EmbeddedValkey.start(Path(directory)) as valkey:
        redis = connect(valkey.url, "bench")
        async with workshop(redis, valkey.url) as made:
            yield made
        await redis.aclose()


async def longest_turn(body: bytes) -> float:
    """Of a worker, while as many such prompts go up."""
    found = []
    async with shop() as made:
        with PlainUpstream() as upstream:
            async with made.worker(anthropic_base_url=upstream.url):
                for number in range(ROUNDS):
                    ids = [f"st_{number}_{n}" for n in range(PROMPTS)]
                    meta = {"owner": "me", "request": body, "model": MODEL, "on_interrupt": "restart"}
                    for stream_id in ids:
                        await made.log.open(stream_id, meta)
                    upstream.seen.clear()
                    with turns() as longest:
                        await asyncio.gather(*(made.queue.submit(one, limit=1000, life_ms=LIFE_MS) for one in ids))
                        while await made.redis.xlen("ks:{queue}:outbox") < PROMPTS * (number + 1):
                            await asyncio.sleep(0.005)
                    found.append(longest[0])
    return min(found)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main() -> int:
    failed = 0
    worst = of_units(WORST, SIZE)
    yardstick = cpu(lambda: orjson.loads(worst))

    def told(what: str, seconds: float, most: float) -> None:
        nonlocal failed
        failed += seconds > most * yardstick
        say(f"| {what} | {seconds * 1000:.1f} ms | {seconds / yardstick:.2f} | {most} |")

    say("| what | CPU | of the yardstick | at the most |")
    say("| --- | ---: | ---: | ---: |")
    say(f"| the yardstick: the values of 4 MiB of `{WORST.decode()}` | {yardstick * 1000:.1f} ms | 1 | |")
    for unit in [*UNITS, b'"' + b"x" * 1024 * 1024 + b'",']:
        body = of_units(unit, SIZE)
        told(f"4 MiB of `{shown(unit)}` taken in", cpu(lambda body=body: prompt_of(fields_of(body), None)), TAKEN_MOST)
    body = messages_of(b'{"role":"user","content":"x"},', SIZE)
    told("4 MiB of messages taken in", cpu(lambda: prompt_of(fields_of(body), None)), TAKEN_MOST)
    for unit in [*UNITS, *DICTS]:
        value = Raw(weighing(unit, WEIGHT_MAX - 8))
        told(f"the most of `{shown(unit)}` that is built", cpu(lambda value=value: built("z", value)), BUILT_MOST)
    for name, prompt in (("objects", worst), ("messages", body)):
        told(f"a worker's longest turn, ten prompts of {name}", await longest_turn(prompt), TURN_MOST)
    return 1 if failed else 0


def shown(unit: bytes) -> str:
    return unit.decode() if len(unit) < 20 else f"{unit[:4].decode()}…"


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
