"""The table's main rows as a picture."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl

from tests.bench.table.bench import LATEST_MS
from tests.bench.table.report import COLUMNS, Numbers

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter

NAMES = ("Keepstream", "(a) direct\npass-through", "(b) pub/sub\nper client", "(c) fastapi-\nresumable-stream")
COLOURS = ("#0b6e4f", "#8d99ae", "#d17a22", "#7d4e9e")
# Title, metric, unit, and whether the axis is logarithmic.
Panel = tuple[str, str, str, bool]
PANELS: tuple[Panel, ...] = (
    ("Lateness p99 at 2,500 events/s", "live1.p99", "milliseconds, log", True),
    ("Lateness p99 at 25,000 events/s", "live10.p99", "milliseconds, log", True),
    ("Front's CPU per delivered event\n10 readers per stream", "live10.front_us", "microseconds, log", True),
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
    found = [list(numbers.get(who, {}).get(metric, ())) for who in COLUMNS[: len(NAMES)]]
    every = [value for values in found for value in values] or [1.0]
    if logarithmic:
        axis.set_xscale("log")
        axis.set_xlim(min(every) / 3, max(every) * 40)
    else:
        axis.set_xlim(0, max(every) * 1.3)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    for at, (values, colour) in enumerate(zip(found, COLOURS, strict=True)):
        if values:
            _mark(axis, at, values, colour, dot=logarithmic, bounded="Lateness" in title)
        else:
            axis.text(0.02, at, "does not apply", va="center", color="#777777", transform=axis.get_yaxis_transform())


def _mark(axis: Any, at: int, values: list[float], colour: str, *, dot: bool, bounded: bool) -> None:
    """A bar where the axis begins at nothing, else a dot; with the spread, and the number beside it."""
    middle = median(values)
    if dot:
        axis.plot(middle, at, "o", color=colour, markersize=9)
    else:
        axis.barh(at, middle, color=colour, height=0.6)
    axis.plot([min(values), max(values)], [at, at], color="#222222", linewidth=1.2)
    more = "more than " if bounded and middle >= LATEST_MS else ""
    text = f"{middle:,.0f}" if middle >= 100 else f"{middle:.3g}"
    place = (max(values), at)
    axis.annotate(more + text, place, xytext=(8, 0), textcoords="offset points", va="center", color="#222222")
