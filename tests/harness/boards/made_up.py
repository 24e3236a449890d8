"""Made-up boards: snapshots as a front sends them, of moments that a real deployment is rarely in when one looks."""

from __future__ import annotations

import copy
import math
from typing import Any

from app.faces.board import view
from app.faces.board.attention import attention

STEPS, STEP_SECONDS = 90, 10
NOW = 1_795_804_943.0
WORKERS = tuple(f"worker-{n}:7:{n}{n}b2c3d4" for n in range(1, 6))
FRONTS = ("front-a-12-ab12cd", "front-b-12-34cdef")
Shown = dict[str, Any]


def wave(middle: float, swing: float, *, phase: float = 0.0, turns: float = 3.0) -> list[float]:
    """A chart's points that rise and fall, each a little beside the curve, and the same each time."""
    return [
        round(max(0.0, middle + swing * (math.sin(phase + turns * math.tau * n / STEPS) + 0.35 * math.sin(n * 7.7))), 2)
        for n in range(STEPS)
    ]


def worker(name: str, streams: int, *, state: str = "live", renewed: float = 0.4) -> Shown:
    return {
        "name": name,
        "state": state,
        "streams": streams,
        "capacity": 20,
        "renewed_seconds": renewed,
        "draining": state == "draining",
        "version": "0.1.0",
        "started_seconds": 4210.0,
    }


def front(name: str, readers: int, *, state: str = "live", lag: float | None = 0.8, renewed: float = 0.4) -> Shown:
    return {
        "name": name,
        "state": state,
        "readers": readers,
        "tails": readers // 4,
        "lag_ms": lag,
        "renewed_seconds": renewed,
        "draining": state == "draining",
        "version": "0.1.0",
        "started_seconds": 4210.0,
    }


def judged(shown: Shown) -> Shown:
    """A snapshot with what a front says of it."""
    return {**shown, "attention": attention(shown)}


def empty() -> Shown:
    """One front, one worker, and nobody has asked for anything."""
    none: list[float | None] = [None] * STEPS
    idle: list[float | None] = [*[None] * (STEPS - 12), *[0.0] * 12]
    outcomes = ("completed", "truncated", "refused", "failed", "cancelled", "expired")
    counted = ("waiting", "running", "readers", "tokens_per_second", "ended", "failed", "retries", "takeovers")
    return {
        "time": NOW,
        "stale_seconds": 0.0,
        "front": FRONTS[0],
        "version": "0.1.0",
        "queue": {"waiting": 0, "oldest_seconds": 0.0, "held": []},
        "streams": {"running": 0, "capacity": 20, "adrift": 0, "ended": dict.fromkeys(outcomes, 0)},
        "workers": [worker(WORKERS[0], 0)],
        "fronts": [front(FRONTS[0], 0)],
        "readers": 0,
        "tokens_per_second": 0.0,
        "first_content_p50": None,
        "first_content_p99": None,
        **dict.fromkeys(("retries", "takeovers", "resets", "refused", "joined"), 0),
        "redis": {
            "away": False,
            "away_seconds": None,
            "used_bytes": 1_400_000,
            "max_bytes": 2_000_000_000,
            "bytes_per_stream": None,
            "refused_writes": 0,
            "version": "8.1.4",
        },
        "spend_today_usd": 0.0,
        "saved_usd_today": 0.0,
        "charts": {
            "step_seconds": STEP_SECONDS,
            "end": NOW // STEP_SECONDS * STEP_SECONDS,
            **{name: list(idle) for name in counted},
            **{name: list(none) for name in ("first_content_p50", "first_content_p99")},
        },
        "events": [],
    }


def unknown() -> Shown:
    """Of a front that has just begun, and has not been able to look."""
    return {**view.unknown(), "stale_seconds": 0.0, "front": FRONTS[0], "version": "0.1.0"}


def calm() -> Shown:
    """A quiet afternoon: all is well."""
    shown = empty()
    shown["streams"] |= {
        "running": 31,
        "capacity": 80,
        "ended": {"completed": 412, "truncated": 6, "refused": 2, "failed": 3, "cancelled": 9, "expired": 0},
    }
    shown["workers"] = [worker(name, n) for name, n in zip(WORKERS, (9, 7, 8, 7), strict=False)]
    shown["fronts"] = [front(FRONTS[0], 74), front(FRONTS[1], 68, lag=1.1)]
    shown |= {"readers": 142, "tokens_per_second": 1240.0, "first_content_p50": 0.62, "first_content_p99": 1.9}
    shown |= {"retries": 4, "takeovers": 0, "resets": 0, "refused": 2, "joined": 611}
    shown |= {"spend_today_usd": 18.42, "saved_usd_today": 3.07}
    shown["redis"] |= {"used_bytes": 212_000_000, "bytes_per_stream": 21_400}
    shown["charts"] |= {
        "waiting": [0.0] * 60 + [2.0, 5.0, 3.0, 1.0] + [0.0] * 26,
        "running": wave(30, 6, phase=1.0),
        "readers": wave(138, 20, phase=0.4),
        "tokens_per_second": wave(1200, 260, phase=1.0),
        "ended": [round(point) for point in wave(4.8, 2.0, phase=2.0)],
        "failed": [1 if n in (11, 40, 71) else 0 for n in range(STEPS)],
        "first_content_p50": wave(0.62, 0.06),
        "first_content_p99": wave(1.8, 0.4, phase=2.2),
        "retries": [1 if n in (11, 12, 40, 71) else 0 for n in range(STEPS)],
        "takeovers": [0] * STEPS,
    }
    shown["events"] = [{"at": NOW - 540, "kind": "joined", "name": WORKERS[3], "count": 1}]
    return shown


def loaded() -> Shown:
    """More is asked for than four workers can do."""
    shown = copy.deepcopy(calm())
    shown["queue"] = {"waiting": 128, "oldest_seconds": 41.0, "held": []}
    shown["streams"] |= {"running": 80, "ended": {**shown["streams"]["ended"], "completed": 1904}}
    shown["workers"] = [worker(name, 20) for name in WORKERS[:4]]
    shown["fronts"] = [front(FRONTS[0], 612, lag=2.1), front(FRONTS[1], 588, lag=3.4)]
    shown |= {"readers": 1200, "tokens_per_second": 3310.0, "first_content_p50": 8.8, "first_content_p99": 43.0}
    shown |= {"spend_today_usd": 61.9, "saved_usd_today": 7.4, "refused": 31, "joined": 3105}
    rise = [min(1.0, max(0.0, (n - 40) / 40)) for n in range(STEPS)]
    charts = shown["charts"]
    charts["running"] = [round(point + up * (80 - point)) for point, up in zip(charts["running"], rise, strict=True)]
    charts["waiting"] = [round(128 * max(0.0, up - 0.45) / 0.55) for up in rise]
    charts["tokens_per_second"] = [
        round(point * (1 + 1.7 * up)) for point, up in zip(charts["tokens_per_second"], rise, strict=True)
    ]
    charts["readers"] = [round(point * (1 + 7.4 * up)) for point, up in zip(charts["readers"], rise, strict=True)]
    for name, times in (("first_content_p50", 22.0), ("first_content_p99", 24.0)):
        charts[name] = [point * (1 + times * max(0.0, up - 0.4)) for point, up in zip(charts[name], rise, strict=True)]
    charts["first_content_p99"][-1] = 43.0
    charts["ended"] = [round(point * (1 + 2.4 * up)) for point, up in zip(charts["ended"], rise, strict=True)]
    return shown


def dead_worker(adrift: int = 0) -> Shown:
    """A worker was killed some seconds ago; so many of its eight streams have not been taken yet."""
    shown = copy.deepcopy(calm())
    homes = (8 - adrift) // 3, (8 - adrift + 1) // 3, (8 - adrift + 2) // 3
    shown["workers"] = [
        *(worker(WORKERS[n], streams + more) for n, streams, more in zip((0, 1, 3), (9, 7, 7), homes, strict=True)),
        worker(WORKERS[2], 0, state="gone", renewed=4.0 if adrift else 11.0),
    ]
    shown["streams"] |= {"running": 31 - adrift, "capacity": 60, "adrift": adrift}
    shown["takeovers"] = 8 - adrift
    shown["charts"]["takeovers"] = [0] * (STEPS - 1) + [8 - adrift]
    taken = [{"at": NOW - 9, "kind": "taken_over", "name": WORKERS[0], "count": 8 - adrift}] if adrift < 8 else []
    shown["events"] = [
        *taken,
        {"at": NOW - 10, "kind": "worker_gone", "name": WORKERS[2], "count": 8},
        *shown["events"],
    ]
    return shown


def redis_away(seconds: float = 7.0) -> Shown:
    shown = copy.deepcopy(calm())
    shown["redis"] |= {"away": True, "away_seconds": seconds}
    shown["stale_seconds"] = seconds
    shown["workers"] = [{**one, "state": "unsure", "renewed_seconds": seconds} for one in shown["workers"]]
    shown["fronts"] = [{**one, "state": "unsure", "renewed_seconds": seconds} for one in shown["fronts"]]
    return shown


def streams_of(shown: Shown) -> list[Shown]:
    """What `/ops/streams` tells of a moment: each worker's streams, those that wait, and two that have ended."""
    owners, models = ("ada", "grace/4711", "katherine"), ("claude-sonnet-5", "claude-haiku-5-5")
    places = [(one["name"], n) for one in shown["workers"] for n in range(one["streams"])]
    found = [
        row(f"{number:032x}", "running", owners[number % 3], models[number % 2], worker=name, age=190 - 3.7 * number)
        for number, (name, _) in enumerate(places[:80], 1)
    ]
    found += [
        row(f"{900 + n:032x}", "queued", owners[n % 3], models[n % 2], age=shown["queue"]["oldest_seconds"] - n)
        for n in range(min(10, shown["queue"]["waiting"]))
    ]
    found.append(row(f"{990:032x}", "ended", owners[0], models[0], outcome="failed", age=33.0, ended=21.0))
    found.append(row(f"{991:032x}", "ended", owners[1], models[1], outcome="completed", age=48.0, ended=26.0))
    return found


def row(  # a row has so many columns
    number: str,
    state: str,
    owner: str,
    model: str,
    *,
    age: float,
    worker: str | None = None,
    outcome: str | None = None,
    ended: float | None = None,
) -> Shown:
    return {
        "id": f"st_{number}",
        "owner": owner,
        "state": state,
        "outcome": outcome,
        "model": model,
        "attempt": 1,
        "age_seconds": max(age, 0.4),
        "worker": worker,
        "ended_seconds": ended,
    }
