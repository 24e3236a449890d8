"""Under which conditions the numbers were taken: the machine, the load generator's own limit, and who else was busy."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from tests.bench.gauges import machine_seconds
from tests.bench.table.report import Numbers, middle, number
from tests.bench.table.scenarios import KEEPS_UP_MS, kept_up

OURS = ("front", "worker", "valkey", "upstream", "generator", "source")


def conditions(runs: list[dict[str, Any]], numbers: Numbers) -> Iterable[str]:
    yield (
        f"{os.cpu_count()} cores of {_processor()}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; everything on the loopback interface, one process each; "
        "each cell is the median of its rounds ± half their spread"
    )
    yield (
        "lateness is from the moment the upstream sends a token to the moment the client has read it, the bare path "
        "upstream → client beside it; what never came counts as later than everything that came"
    )
    yield (
        "every byte that any reader got was checked after each measurement: the tokens' numbers for all, and every id "
        f"and checksum of Keepstream's logs; {sum(run['wrong_count'] for run in runs)} readers saw something wrong"
    )
    yield (
        "(a) and (c) call the upstream from the web process itself: no queue and no worker to wait for, and nobody who "
        "goes on when that process ends; (a) has one upstream call for each reader, and no replay"
    )
    limit = middle(numbers, "generator", "per_second")
    if limit is not None:
        yield (
            f"the load generator reads {number(limit)} events/s, one by one, of the simplest source there is, with "
            f"{_share(middle(numbers, 'generator', 'core'))} of a core (the source: "
            f"{_share(middle(numbers, 'generator', 'source_core'))})"
        )
    windows = [run for run in runs if "cpu" in run and run["name"] != "generator"]
    windows += [step for run in runs for step in run.get("steps", ())]
    if shares := [window["cpu"]["generator"] / window["seconds"] for window in windows if "generator" in window["cpu"]]:
        yield f"the load generator took {_share(median(shares))} of a core (median), {_share(max(shares))} at most"
    if others := [_others(window["cpu"]) / window["seconds"] for window in windows]:
        yield f"what else ran on this machine took {_share(median(others))} of a core, {_share(max(others))} at most"
    yield from _limits(runs)


def _limits(runs: list[dict[str, Any]]) -> Iterable[str]:
    for run in runs:
        if run["name"] not in {"most", "worker most"}:
            continue
        good, steps = kept_up(run["steps"]), run["steps"]
        after = steps[steps.index(good) + 1 :] if good else steps
        who = f"{run['who']}, {'readers' if run['name'] == 'most' else 'streams of one worker'}"
        if good:
            yield f"{who}: kept up with {good['streams']} streams, {good['readers']} readers, {_busy(good)}"
        if after:
            late = after[0]["late_ms"]["99"]
            lateness = f"p99 {number(late)} ms" if late is not None else f"{after[0]['came']:.0%} came"
            yield (
                f"{who}: at {after[0]['streams']} streams no more ({lateness}; the bound is {KEEPS_UP_MS:g} ms), "
                f"{_busy(after[0])}"
            )


def _busy(window: Mapping[str, Any]) -> str:
    parts = [f"{role} {_share(window['cpu'][role] / window['seconds'])}" for role in OURS if role in window["cpu"]]
    return "CPU: " + ", ".join(parts) + f", the whole machine {_share(window['cpu']['machine'] / window['seconds'])}"


def _others(cpu: Mapping[str, float]) -> float:
    return max(0.0, cpu["machine"] - sum(cpu[role] for role in OURS if role in cpu))


def in_short(seconds: float = 2.0) -> str:
    """What machine this is, and what ran on it in so many seconds in which we did nothing."""
    before = machine_seconds()
    time.sleep(seconds)
    busy = (machine_seconds() - before) / seconds
    return (
        f"{os.cpu_count()} cores of {_processor()}, {platform.system()}, Python {platform.python_version()}; "
        f"other work took {busy:.1f} of the cores as it began"
    )


def _share(cores: float | None) -> str:
    return "?" if cores is None else f"{cores:.0%}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as info:  # noqa: PTH123 - one line of a pseudo file
            return next(line.partition(":")[2].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
