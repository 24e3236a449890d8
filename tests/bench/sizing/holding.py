"""Memory: of a reader, of a stream in each process, and of what Redis keeps of one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
from redis import Redis

from app.stream import keys
from tests.bench.gauges import memory_of
from tests.bench.sizing.formula import Figures
from tests.bench.stacks import Stack, Upstream
from tests.bench.table.bench import KEEPSTREAM
from tests.bench.table.runs import measure

READERS_STREAMS, READERS_EACH = 10, 1000
STREAMS, TOKENS, RATE = 200, 1000, 250


@contextlib.contextmanager
def fresh() -> Iterator[Stack]:
    """Keepstream, just started; it holds nothing yet."""
    upstream = Upstream()
    try:
        stack = Stack(KEEPSTREAM, upstream.url).start()
        try:
            yield stack
        finally:
            stack.stop()
    finally:
        upstream.stop()


def run(kind: str, stack: Stack, **options: Any) -> dict[str, Any]:
    """Raises `RuntimeError` where a reader saw something wrong: then nothing that was measured counts."""
    result = measure(kind, stack.target, stack.pids, **options)
    if result["wrong_count"]:
        raise RuntimeError(f"{kind}: {result['wrong']}")
    return result


def readers(_: Figures) -> Figures:
    """10,000 of them that wait, on one front."""
    with fresh() as stack:
        empty = memory_of(stack.pids)
        result = run("idle", stack, streams=READERS_STREAMS, readers=READERS_EACH)
    more = (result["after"]["front"] - empty["front"]) / 1e6
    return {
        "front_mb": empty["front"] / 1e6,
        "worker_mb": empty["worker"] / 1e6,
        "reader_kb": result["bytes_per_reader"]["front"] / 1e3,
        "front_readers_mb": more,
    }


def streams(known: Figures) -> Figures:
    """Streams in flight, a thousand tokens long by now, one reader each."""
    with fresh() as stack:
        growth = run("idle", stack, streams=STREAMS, readers=1, tokens=TOKENS, rate=RATE)["bytes_per_reader"]
        redis = Redis.from_url(f"redis://127.0.0.1:{stack.redis_port}")
        logs = [key.decode() for key in redis.scan_iter("ks:{st_*:log")]
        slack = sum(redis.memory_usage(key, samples=0) or 0 for key in logs) / sum(redis.strlen(key) for key in logs)
        redis.close()
    return {
        "tail_kb": max(0.0, growth["front"] / 1e3 - known["reader_kb"]),
        "worker_stream_kb": growth["worker"] / 1e3,
        "running_slack": slack,
    }


def kept(_: Figures) -> Figures:
    """A stream that has ended, as Claude's are: nothing in it that a load generator wants."""
    with fresh() as stack, httpx.Client(base_url=f"http://127.0.0.1:{stack.target.port}", timeout=60) as client:
        prompt = f"[[sim: tokens={TOKENS} rate=0 first=0]]"
        submitted = client.post("/v1/streams?wait=30", json={"prompt": prompt}).json()
        text = client.get(f"/v1/streams/{submitted['id']}/message").json()["content"][0]["text"]
        redis = Redis.from_url(f"redis://127.0.0.1:{stack.redis_port}")
        log = keys.log(submitted["id"])
        log_bytes, length = redis.memory_usage(log, samples=0) or 0, redis.strlen(log)
        rest = [key for key in redis.scan_iter(f"*{submitted['id']}*") if key != log.encode()]
        rest_bytes = sum(redis.memory_usage(key, samples=0) or 0 for key in rest)
        redis.close()
    return {
        "event_bytes": length / TOKENS,
        "token_bytes": log_bytes / TOKENS,
        "stream_kb": (rest_bytes - len(text)) / 1e3,
    }
