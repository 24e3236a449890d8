"""The table's main rows as a picture."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl

from tests.bench.report import COLUMNS, Numbers
from tests.bench.scenarios import LATEST_MS

mpl.use("Agg")
from matplotlib import pyplot as plt

NAMES = ("Keepstream", "(a) direct\npass-through", "(b) pub/sub\nper client", "(c) fastapi-\nresumable-stream")
COLOURS = ("#0b6e4f", "#8d99ae", "#d17a22", "#7d4e9e")
# Title, metric, unit, and whether the axis is logarithmic.
Panel = tuple[str, str, str, bool]
PANELS: tuple[Panel, ...] = (
    ("Lateness p99 at 2,500 events/s", "live1.p99", "milliseconds, log", True),
    ("Lateness p99 at 25,000 events/s", "live10.p99", "milliseconds, log", True),
    ("Front's CPU per delivered event\n10 readers per stream", "live10.front_us", "microseconds", False),
    ("Most one front delivers and keeps up", "most.front", "events per second", False),
    ("Front's memory per idle reader", "idle.front_kb", "kilobytes", False),
    ("Replay of 2,000 tokens, front's CPU", "replay.front_ms", "milliseconds, log", True),
)


def draw(numbers: Numbers, path: Path) -> None:
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(2, 3, figsize=(12, 6.2), constrained_layout=True, facecolor="white")
    for axis, panel in zip(axes.flat, PANELS, strict=True):
        _panel(axis, numbers, panel)
    figure.suptitle("Keepstream beside what else could be used (bars: medians; lines: all rounds)", fontsize=11)
    figure.savefig(path, dpi=140)
    plt.close(figure)


def _panel(axis: Any, numbers: Numbers, panel: Panel) -> None:
    title, metric, unit, logarithmic = panel
    axis.set_title(title, fontsize=10, loc="left")
    axis.set_xlabel(unit)
    axis.set_yticks(range(len(NAMES)), NAMES)
    axis.set_ylim(len(NAMES) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", color="#e3e3e3", linewidth=0.8)
    axis.set_axisbelow(True)
    if logarithmic:
        axis.set_xscale("log")
    found = [numbers.get(who, {}).get(metric, ()) for who in COLUMNS[: len(NAMES)]]
    highest = max((max(values) for values in found if values), default=1.0)
    for at, (values, colour) in enumerate(zip(found, COLOURS, strict=True)):
        if not values:
            text = "does not apply" if metric != "most.front" else "not measured"
            axis.text(0.02, at, text, va="center", color="#777777", transform=axis.get_yaxis_transform())
            continue
        middle = median(values)
        axis.barh(at, middle, color=colour, height=0.6)
        axis.plot([min(values), max(values)], [at, at], color="#222222", linewidth=1.2)
        more = "more than " if "Lateness" in title and middle >= LATEST_MS else ""
        axis.annotate(
            f"{more}{middle:,.3g}" if middle < 1000 else f"{more}{middle:,.0f}",
            (max(middle, *values), at),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color="#222222",
        )
    left, _ = axis.get_xlim()
    axis.set_xlim(left if logarithmic else 0, highest * (6 if logarithmic else 1.25))
