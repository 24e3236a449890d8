"""How many streams of 50 tokens a second this machine carries, with everything on it, and what is at its end first."""

from __future__ import annotations

import os
import sys

from tests.bench.sizing.formula import Figures
from tests.bench.stacks import Stack, Upstream
from tests.bench.table.bench import KEEPSTREAM, late
from tests.bench.table.runs import measure
from tests.bench.table.scenarios import kept_up

RATE, STEP_SECONDS = 50, 3.0
STEPS = [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1150, 1300, 1500]
READ_EVERY = 1


def most(_: Figures) -> Figures:
    """More and more of them, one reader each, until they come late. What each step took of the CPU is told."""
    upstream = Upstream()
    try:
        stack = Stack(KEEPSTREAM, upstream.url, {"KEEPSTREAM_WORKER_STREAMS": "2000"}).start()
        try:
            pids = {**stack.pids, "upstream": upstream.pid}
            load = {"readers": 1, "rate": RATE, "step_seconds": STEP_SECONDS, "steps": STEPS, "read_every": READ_EVERY}
            result = measure("ramp", stack.target, pids, **load)
        finally:
            stack.stop()
    finally:
        upstream.stop()
    for step in result["steps"]:
        busy = {role: spent / step["seconds"] for role, spent in step["cpu"].items()}
        busy["others"] = max(0.0, busy["machine"] - sum(busy[role] for role in (*pids, "generator")))
        shares = ", ".join(f"{role} {share:.0%}" for role, share in busy.items())
        sys.stderr.write(
            f"{step['streams']:5} streams: {step['delivered_per_second']:7,.0f} events/s, {step['came']:4.0%} came, "
            f"p50 {late(step, '50'):5.1f} ms, p99 {late(step, '99'):5.0f} ms; {shares}\n"
        )
    good = kept_up(result["steps"])
    return {"active_streams": float(good["streams"]) if good else 0.0, "active_cores": float(os.cpu_count() or 1)}
