"""How many streams of 50 tokens a second this machine carries, with everything on it, and what is at its end first."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.sizing.formula import Figures
from tests.bench.stacks import Stack, Upstream
from tests.bench.table.bench import KEEPSTREAM, late
from tests.bench.table.runs import measure
from tests.bench.table.scenarios import kept_up

RATE, STEP_SECONDS = 50, 3.0
STEPS = [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1150, 1300, 1500]


def most(_: Figures) -> tuple[Figures, str]:
    """More and more of them, one reader each, until they come late; and a table of what each step took."""
    upstream = Upstream()
    try:
        stack = Stack(KEEPSTREAM, upstream.url, {"KEEPSTREAM_WORKER_STREAMS": "2000"}).start()
        try:
            pids = {**stack.pids, "upstream": upstream.pid}
            load = {"readers": 1, "rate": RATE, "step_seconds": STEP_SECONDS, "steps": STEPS}
            result = measure("ramp", stack.target, pids, **load)
        finally:
            stack.stop()
    finally:
        upstream.stop()
    good = kept_up(result["steps"])
    most = float(good["streams"]) if good else 0.0
    return {"active_streams": most, "active_cores": float(os.cpu_count() or 1)}, table(result["steps"])


def table(steps: Sequence[Mapping[str, Any]]) -> str:
    """A row a step: how late events came, and how many cores each part took; `others` is what ran here besides."""
    parts = ("front", "worker", "valkey", "all three", "claude and readers", "others")
    lines = [
        f"| streams | events a second | p50, ms | p99, ms | {' | '.join(parts)} |",
        "| ---: |" + " ---: |" * (3 + len(parts)),
    ]
    for step in steps:
        cores = {role: spent / step["seconds"] for role, spent in step["cpu"].items()}
        cores["all three"] = cores["front"] + cores["worker"] + cores["valkey"]
        cores["claude and readers"] = cores["upstream"] + cores["generator"]
        cores["others"] = max(0.0, cores["machine"] - cores["all three"] - cores["claude and readers"])
        shown = [
            f"{step['streams']:,}",
            f"{step['delivered_per_second']:,.0f}",
            *(f"{late(step, quantile):,.0f}" for quantile in ("50", "99")),
            *(f"{cores[part]:.2f}" for part in parts),
        ]
        lines.append("| " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"
