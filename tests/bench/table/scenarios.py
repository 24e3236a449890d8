"""What is measured, of whom, how often: each function is one group of rows, measured in turn so that noise is shared.

A result is numbers by contender and metric, one for each round. Times are milliseconds, costs microseconds, sizes KB.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from tests.bench.commands import Monitor
from tests.bench.load.live import quantiles
from tests.bench.stacks import Source
from tests.bench.table.bench import ALL, BARE, GRACE_SECONDS, Bench, late, micros
from tests.bench.table.runs import measure

# A front or a worker keeps up as long as this holds.
KEEPS_UP_MS = 250.0
KEEPS_UP_SHARE = 0.99
BAD_STEPS = 2

STREAMS, RATE = 50, 50
REPLAY_TOKENS = 2000
FRONT_STEPS = [1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 37, 50, 63, 80, 100, 126, 158, 200]
FRONT_READERS = 20
WORKER_STREAMS, WORKER_RATE, WORKER_READ_EVERY = 300, 80, 10
WORKER_STEPS = [50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 700, 800]


def flowing(bench: Bench, readers: int) -> None:
    """One round of 50 streams at 50 tokens a second, with so many readers each."""
    name = f"live{readers}"
    load = {"streams": STREAMS, "readers": readers, "rate": RATE, "window": bench.extent.window, "grace": GRACE_SECONDS}
    bare = bench.run_bare(f"{name}", "steady", **{**load, "readers": 1})
    bench.add(BARE, {f"{name}.p50": late(bare, "50"), f"{name}.p99": late(bare, "99")})
    for contender in bench.extent.contenders:
        if readers > 1 and not contender.fans_out:
            continue
        result = bench.run(name, contender, "steady", **load)
        bench.add(
            contender.name,
            {
                f"{name}.p50": late(result, "50"),
                f"{name}.p99": late(result, "99"),
                f"{name}.front_us": micros(result, ("front",)),
                f"{name}.all_us": micros(result, ALL),
                f"{name}.delivered": result["delivered_per_second"],
                f"{name}.came": result["came"],
            },
        )


def replaying(bench: Bench) -> None:
    """One round of reading a finished stream from its start."""
    for contender in bench.extent.contenders:
        if contender.replays:
            options = {"tokens": REPLAY_TOKENS, "seconds": bench.extent.replay_seconds, "least": 5}
            result = bench.run("replay", contender, "replay", **options)
            cpu = result["cpu_ms_each"]
            bench.add(
                contender.name,
                {
                    "replay.front_ms": cpu["front"],
                    "replay.valkey_ms": cpu["valkey"],
                    "replay.took_ms": result["ms_each"],
                },
            )


def starting(bench: Bench) -> None:
    """One round of POSTs at random moments: when the worker began with each, and when the upstream saw its call."""
    options = {"count": bench.extent.starts, "seconds": bench.extent.starts_seconds}
    bare = bench.run_bare("starts", "starts", **options)
    bench.add(BARE, {"call.p50": bare["ms"]["50"], "call.p99": bare["ms"]["99"]})
    for contender in bench.extent.contenders:
        if not contender.worker:
            result = bench.run("starts", contender, "starts", **options)
        else:
            stack = bench.stack(contender)
            with Monitor(stack.redis_port, stack.pids) as monitor:
                result = bench.run("starts", contender, "starts", **options)
            took = [
                int(when * 1e9) - sent
                for stream_id, sent in result["sent"]
                if (when := monitor.first("worker", stream_id.encode())) is not None
            ]
            began = quantiles(took, len(result["sent"]))
            bench.add(contender.name, {"start.p50": began["50"], "start.p99": began["99"]})
        bench.add(contender.name, {"call.p50": result["ms"]["50"], "call.p99": result["ms"]["99"]})


def idling(bench: Bench) -> None:
    """Memory for each reader that waits; on fresh processes, which are not used again."""
    for contender in bench.extent.contenders:
        bench.drop(contender)
        result = bench.run("idle", contender, "idle", streams=bench.extent.idle_streams, readers=50)
        bench.drop(contender)
        per_reader = result["bytes_per_reader"]
        bench.add(
            contender.name,
            {
                "idle.front_kb": per_reader["front"] / 1000,
                "idle.valkey_kb": max(0.0, per_reader["valkey"] / 1000) if "valkey" in per_reader else None,
            },
        )


def commands(bench: Bench) -> None:
    """What contenders with nothing to do ask of Redis."""
    stacks = [bench.stack(contender) for contender in bench.extent.contenders if contender.worker]
    with ExitStack() as block:
        monitors = [block.enter_context(Monitor(stack.redis_port, stack.pids)) for stack in stacks]
        time.sleep(bench.extent.idle_seconds)
    for stack, monitor in zip(stacks, monitors, strict=True):
        found = {f"commands.{role}": monitor.count(role) / bench.extent.idle_seconds for role in ("front", "worker")}
        bench.add(stack.contender.name, found)


def most_of_front(bench: Bench) -> None:
    """More and more readers, until one front does not keep up."""
    load = {"readers": FRONT_READERS, "rate": RATE, "step_seconds": bench.extent.step_seconds}
    load["steps"] = FRONT_STEPS[:: bench.extent.step_part]
    for contender in bench.extent.contenders:
        if not contender.fans_out:
            continue
        result = bench.run("most", contender, "ramp", **load)
        bench.drop(contender)
        good = kept_up(result["steps"])
        bench.add(contender.name, {"most.front": good["delivered_per_second"] if good else None})


def of_worker(bench: Bench) -> None:
    """One worker with 300 streams of 80 tokens a second, of which a tenth is read; then more, until it falls behind."""
    steps = WORKER_STEPS[:: bench.extent.step_part]
    reading = {"readers": 1, "rate": WORKER_RATE, "read_every": WORKER_READ_EVERY}
    for contender in bench.extent.contenders:
        if not contender.worker:
            continue
        result = bench.run(
            "worker",
            contender,
            "steady",
            **reading,
            streams=WORKER_STREAMS,
            warm=3,
            spread=2,
            window=bench.extent.window,
        )
        # What came of the tenth that is read says what was appended; not all of it is, where a worker falls behind.
        appended, cpu = result["delivered"] * WORKER_READ_EVERY, result["cpu"]
        ramp = bench.run(
            "worker most", contender, "ramp", **reading, step_seconds=bench.extent.step_seconds, steps=steps
        )
        bench.drop(contender)
        good = kept_up(ramp["steps"])
        bench.add(
            contender.name,
            {
                "worker.p50": late(result, "50"),
                "worker.p99": late(result, "99"),
                "worker.came": result["came"],
                "worker.us": cpu["worker"] * 1e6 / appended if appended else None,
                "worker.valkey_us": cpu["valkey"] * 1e6 / appended if appended else None,
                "worker.appended": appended / result["seconds"],
                "worker.core": cpu["worker"] / result["seconds"],
                "worker.most": float(good["streams"]) if good else None,
            },
        )


def kept_up(steps: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The last step that was in time before two in a row that were not: one may be a hiccup of the machine."""
    good, bad = None, 0
    for step in steps:
        in_time = step["came"] >= KEEPS_UP_SHARE and late(step, "99") <= KEEPS_UP_MS
        bad = 0 if in_time else bad + 1
        good = step if in_time else good
        if bad == BAD_STEPS:
            break
    return good


def generator_limit(bench: Bench) -> None:
    """What the load generator reads of the simplest source there is, one event at a time."""
    source = Source()
    try:
        options = {
            "streams": 20,
            "readers": 25,
            "rate": 1,
            "warm": 0.5,
            "spread": 0.3,
            "window": bench.extent.window / 2,
        }
        result = measure("steady", source.target, {"source": source.pid}, **options, grace=0)
    finally:
        source.stop()
    bench.runs.append({"name": "generator", "who": "generator", **result})
    bench.add(
        "generator",
        {
            "per_second": result["delivered_per_second"],
            "core": result["cpu"]["generator"] / result["seconds"],
            "source_core": result["cpu"]["source"] / result["seconds"],
        },
    )
