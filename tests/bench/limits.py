"""What an owner's limits cost a POST: CPU of the front's part beside reading the prompt, and of the script's in Redis.

    python -m tests.bench.limits [--times 5000]

One process and a Valkey. The front's part is all between the caller and the submit, and the headers of the answer; the
script is run for an owner without limits and for one that has each of them, and the ratio is of Redis' own CPU.
Exits 1 where the front's part takes more than 0.3 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson
from redis.asyncio import Redis

from app.access.caller import Caller
from app.access.limits import may
from app.access.limits.asked import asked_of
from app.access.limits.demand import demand_of
from app.access.limits.limits_file import limits_of
from app.dev.embedded import EmbeddedValkey
from app.http.remaining import rate_headers
from app.intake.prompt import fields_of, prompt_of
from app.prices import Prices
from app.stream.accounts import NO_DEMAND, Demand, Rate, Standing, words_of
from app.stream.queue import Queue
from app.stream.redis.connect import connect

MOST_SECONDS = 0.0003
LIFE_MS = 600_000
# No limit is reached.
LIMITS = """
[default]
models = ["claude-*"]
max_tokens = 32000
betas = ["*"]
server_tools = true
requests_per_minute = 1000000
burst = 1000000
concurrent_streams = 1000000
open_readers = 200
output_tokens_per_minute = 80000
usd_per_day = 1000000
usd_per_month = 1000000
[user]
requests_per_minute = 1000000
usd_per_day = 1000000
"""
BODY = orjson.dumps(
    {
        "model": "claude-sonnet-4-5",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": "word " * 400}, {"role": "assistant", "content": "word " * 200}] * 2,
        "tools": [{"name": f"tool_{n}", "input_schema": {"type": "object", "properties": {}}} for n in range(5)],
    }
)
STANDING = Standing(Rate(60, 9, 1_800_000_000_000), Rate(80_000, 80_000, 1_800_000_000_000))


def seconds_of(work: Callable[[], object], times: int) -> float:
    """CPU of one call."""
    for _ in range(times // 10):
        work()
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times


async def redis_seconds(redis: Redis, demand: Demand, times: int) -> float:
    """Redis' CPU of one submit."""
    queue = Queue(redis)
    await redis.flushall()
    await redis.config_resetstat()
    for n in range(times):
        await queue.submit(f"st_{n}", limit=10**6, life_ms=LIFE_MS, demand=demand)
    stats = await redis.info("commandstats")
    return sum(float(one["usec"]) for name, one in stats.items() if name.endswith("_eval")) / times / 1e6


async def measure(times: int) -> int:
    limits, prices = limits_of(LIMITS), Prices()

    def judge(caller: Caller) -> Demand:
        granted = limits.of(caller)
        asked = asked_of("claude-sonnet-4-5", BODY, "a-1, b-2")
        may.check(granted, asked)
        demand = demand_of(granted, asked, prices)
        words_of(demand)
        rate_headers(STANDING)
        return demand

    bob = Caller("acme", "bob", claims={"delegate": True, "usd_per_day": 900_000, "models": ["claude-*"]})
    read = seconds_of(lambda: prompt_of(fields_of(BODY), None), times)
    judged = {
        name: seconds_of(lambda c=caller: judge(c), times)
        for name, caller in (("owner", Caller("a")), ("user with a token's limits", bob))
    }  # type: ignore[misc]
    sys.stdout.write(f"front: a prompt of {len(BODY)} bytes is read in {read * 1e6:.0f} µs\n")
    for name, seconds in judged.items():
        sys.stdout.write(f"front: limits of an {name}: {seconds * 1e6:.0f} µs, ratio {seconds / read:.2f}\n")
    with tempfile.TemporaryDirectory() as directory:
        valkey = await asyncio.to_thread(EmbeddedValkey.start, Path(directory))
        redis = connect(valkey.url, "bench")
        plain = await redis_seconds(redis, NO_DEMAND, times // 2)
        for name, caller in (("owner", Caller("a")), ("user", bob)):
            limited = await redis_seconds(redis, judge(caller), times // 2)
            sys.stdout.write(
                f"redis: {name}: {limited * 1e6:.0f} µs beside {plain * 1e6:.0f}, ratio {limited / plain:.2f}\n"
            )
        await redis.aclose()
        valkey.stop()
    return int(max(judged.values()) > MOST_SECONDS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.limits")
    parser.add_argument("--times", type=int, default=5000)
    sys.exit(asyncio.run(measure(parser.parse_args().times)))
