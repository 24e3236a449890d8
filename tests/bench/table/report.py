"""Numbers to a Markdown table with ratios, and to a list of what was to be reached. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.table.bench import LATEST_MS

Numbers = Mapping[str, Mapping[str, Sequence[float]]]

COLUMNS = ("keepstream", "direct", "pubsub", "resumable", "bare")
HEADS = ("Keepstream", "(a) direct", "(b) pub/sub", "(c) f-r-s", "upstream alone")
YARDSTICKS = ("pubsub", "resumable")


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    metric: str
    unit: str
    more_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Goal:
    """What was to be reached: at most `limit`, as a ratio to `to` where that is given."""

    label: str
    metric: str
    limit: float
    to: str | None = None


ROWS = (
    Row("2,500 events/s (50 streams of 50/s, 1 reader each): lateness p50", "live1.p50", "ms"),
    Row("… p99", "live1.p99", "ms"),
    Row("… CPU per delivered event, front", "live1.front_us", "µs"),
    Row("… CPU per delivered event, front + worker + Valkey", "live1.all_us", "µs"),
    Row("25,000 events/s (10 readers each): lateness p50", "live10.p50", "ms"),
    Row("… p99", "live10.p99", "ms"),
    Row("… CPU per delivered event, front", "live10.front_us", "µs"),
    Row("… CPU per delivered event, front + worker + Valkey", "live10.all_us", "µs"),
    Row("… delivered in time to be counted", "live10.delivered", "/s", more_is_better=True),
    Row("flat out: most that one front delivers and keeps up", "most.front", "/s", more_is_better=True),
    Row("memory per idle reader, front", "idle.front_kb", "KB"),
    Row("memory per idle reader, Valkey", "idle.valkey_kb", "KB"),
    Row("replay of 2,000 tokens: CPU of the front", "replay.front_ms", "ms"),
    Row("… until the client has it all", "replay.took_ms", "ms"),
    Row("POST to the worker's start: p50", "start.p50", "ms"),
    Row("… p99", "start.p99", "ms"),
    Row("POST to the upstream seeing the call: p50", "call.p50", "ms"),
    Row("… p99", "call.p99", "ms"),
    Row("Redis commands of an idle worker", "commands.worker", "/s"),
    Row("one worker, 300 streams of 80/s: CPU per event, worker", "worker.us", "µs"),
    Row("… CPU per event, Valkey", "worker.valkey_us", "µs"),
    Row("… events appended", "worker.appended", "/s", more_is_better=True),
    Row("… lateness p99", "worker.p99", "ms"),
    Row("most streams of 80/s that one worker keeps up with", "worker.most", "", more_is_better=True),
)

GOALS = (
    Goal("POST to the worker's start, p50 < 5 ms", "start.p50", 5),
    Goal("POST to the worker's start, p99 < 20 ms", "start.p99", 20),
    Goal("idle worker < 2 Redis commands/s", "commands.worker", 2),
    Goal("lateness at 2,500 events/s, p50 < 2 ms", "live1.p50", 2),
    Goal("lateness at 2,500 events/s, p99 < 10 ms", "live1.p99", 10),
    Goal("300 streams of 80/s on one worker: ≤ 40 µs an event", "worker.us", 40),
    Goal("front's CPU per event at 10 readers ≤ 0.4 of (b)", "live10.front_us", 0.4, "pubsub"),
    Goal("p99 at 10 readers ≤ 1/20 of (b)", "live10.p99", 0.05, "pubsub"),
    Goal("memory per idle reader ≤ 0.3 of (b)", "idle.front_kb", 0.3, "pubsub"),
    Goal("replay of 2,000 tokens < 1 ms of the front's CPU", "replay.front_ms", 1),
)


def middle(numbers: Numbers, who: str, metric: str) -> float | None:
    values = numbers.get(who, {}).get(metric)
    return median(values) if values else None


def table(numbers: Numbers) -> str:
    """The rows that were measured, each cell a median with half of its spread."""
    lines = [
        "| | " + " | ".join(HEADS) + " | Keepstream ÷ (b) | ÷ (c) |",
        "| --- |" + " ---: |" * (len(HEADS) + len(YARDSTICKS)),
    ]
    for row in ROWS:
        if middle(numbers, "keepstream", row.metric) is None and middle(numbers, "pubsub", row.metric) is None:
            continue
        cells = [_cell(numbers, who, row) for who in COLUMNS]
        ratios = [_ratio(numbers, row, who) for who in YARDSTICKS]
        lines.append(f"| {row.label} | " + " | ".join([*cells, *ratios]) + " |")
    return "\n".join(lines)


def goals(numbers: Numbers) -> str:
    lines = ["| to reach | got | |", "| --- | ---: | --- |"]
    for goal in GOALS:
        got = middle(numbers, "keepstream", goal.metric)
        if got is not None and goal.to is not None:
            against = middle(numbers, goal.to, goal.metric)
            got = got / against if against else None
        if got is not None:
            lines.append(f"| {goal.label} | {number(got)} | {'yes' if got <= goal.limit else '**no**'} |")
    return "\n".join(lines)


def behind(numbers: Numbers) -> list[str]:
    """The rows in which Keepstream is not ahead of (b) and (c)."""
    rows = []
    for row in ROWS:
        ours = middle(numbers, "keepstream", row.metric)
        for who in YARDSTICKS:
            theirs = middle(numbers, who, row.metric)
            if ours is None or theirs is None:
                continue
            if ours < theirs if row.more_is_better else ours > theirs:
                rows.append(f"{row.label}: {number(ours)} against {number(theirs)} {row.unit} of {who}")
    return rows


def _cell(numbers: Numbers, who: str, row: Row) -> str:
    values = numbers.get(who, {}).get(row.metric)
    if not values:
        return "-"
    middle_ = median(values)
    if row.unit == "ms" and middle_ >= LATEST_MS:
        return f"> {number(LATEST_MS)} ms"
    spread = (max(values) - min(values)) / 2
    more = f" ±{number(spread)}" if len(values) > 1 and spread >= middle_ / 200 else ""
    return f"{number(middle_)}{more} {row.unit}".rstrip()


def _ratio(numbers: Numbers, row: Row, who: str) -> str:
    ours, theirs = middle(numbers, "keepstream", row.metric), middle(numbers, who, row.metric)
    if ours is None or not theirs:
        return "-"
    bound = "< " if row.unit == "ms" and theirs >= LATEST_MS else ""
    return f"{bound}{number(ours / theirs)}"


def number(value: float) -> str:
    """Two digits that count, at the least."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if value >= 1 else f"{value:.2g}"
