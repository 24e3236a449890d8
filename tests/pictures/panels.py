"""Draws the dashboard's panels from what Prometheus answers to their expressions, each where the dashboard has it.

The rule: nothing is drawn that the dashboard does not ask for, and what it asks for and gets no answer to is an empty
panel. It looks like a dashboard and is no copy of Grafana's.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

WIDTH, UNIT = 24, 0.4  # the dashboard's columns; inches for a row's height
COLUMN = 0.68  # inches
DPI = 72
COLOURS = 88
LINES = ("#0b7285", "#e8590c", "#5f3dc4", "#2b8a3e", "#c2255c", "#1971c2", "#f08c00", "#495057", "#9c36b5", "#66a80f")
INK, QUIET, PAPER, PANE, EDGE, RED = "#22252a", "#5c6066", "#faf8f5", "#ffffff", "#e2dcd2", "#c92a2a"
NAMED = {"red": RED, "orange": "#e8590c", "green": "#2b8a3e"}
LEGEND_MAX, LETTERS, LETTERS_SHORT = 8, 21, 16
_SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Line:
    """One series of an answer: what it is called, and its values, with holes where there are none."""

    name: str
    at: Sequence[datetime]
    values: Sequence[float]


def lines_of(answer: Sequence[Mapping[str, Any]], legend: str, moments: Sequence[float]) -> list[Line]:
    """What `query_range` answered, at all of the moments that it was asked for."""
    at = [datetime.fromtimestamp(moment, UTC) for moment in moments]
    found = []
    for series in answer:
        values = {round(float(moment)): float(value) for moment, value in series["values"]}
        found.append(
            Line(called(legend, series["metric"]), at, [values.get(round(moment), math.nan) for moment in moments])
        )
    return sorted(found, key=lambda line: line.name)


def called(legend: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda label: labels.get(label[1], ""), legend)


def said(value: float, unit: str) -> str:
    if math.isnan(value):
        return "none"
    if unit == "percentunit":
        return f"{value * 100:.4g} %"
    if unit == "s":
        return f"{value * 1000:.3g} ms" if 0 < abs(value) < 1 else f"{value:.3g} s"
    if unit == "currencyUSD":
        return f"${value:.3g}"
    scale, letter = next((one for one in _SCALES if abs(value) >= one[0]), (1.0, ""))
    return f"{value / scale:.3g}{letter}{'B' if unit in ('bytes', 'binBps') else ''}"


def draw(panels: Sequence[tuple[dict[str, Any], Sequence[Line]]], rows: Sequence[dict[str, Any]], path: Path) -> None:
    """`panels` with what there is to draw in each, at their places of the dashboard."""
    mpl.use("Agg")
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel, _ in panels)
    figure = Figure(figsize=(WIDTH * COLUMN, height * UNIT), dpi=DPI, facecolor=PAPER)
    for row in rows:
        figure.text(0.006, 1 - (row["gridPos"]["y"] + 0.72) / height, row["title"], color=INK, size=13, weight="bold")
    for panel, lines in panels:
        place = panel["gridPos"]
        left, right = place["x"] / WIDTH + 0.004, (place["x"] + place["w"]) / WIDTH - 0.004
        top, bottom = 1 - (place["y"] + 0.12) / height, 1 - (place["y"] + place["h"] - 0.12) / height
        back = figure.add_axes((left, bottom, right - left, top - bottom), facecolor=PANE)
        back.set(xticks=[], yticks=[])
        back.spines[:].set_color(EDGE)
        figure.text(left + 0.006, top - 0.62 / height, panel["title"], color=QUIET, size=9, weight="bold")
        if panel["type"] == "stat":
            _number(back, panel, lines)
        else:
            inside = (left + 0.037, bottom + 1.5 / height, right - left - 0.045, top - bottom - 2.6 / height)
            _graph(figure.add_axes(inside, facecolor=PANE), panel, lines)
    shot = io.BytesIO()
    figure.savefig(shot, format="png")
    drawn = Image.open(shot).convert("RGB")
    drawn.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def _number(axes: Axes, panel: dict[str, Any], lines: Sequence[Line]) -> None:
    told = panel["fieldConfig"]["defaults"]
    last = lines[0].values[-1] if lines else math.nan
    colour = QUIET
    for step in told["thresholds"]["steps"]:
        if not math.isnan(last) and (step["value"] is None or last >= step["value"]):
            colour = NAMED[step["color"]]
    shown = round(last, told["decimals"] + (2 if told["unit"] == "percentunit" else 0))
    axes.text(0.5, 0.38, said(shown, told["unit"]), color=colour, size=21, ha="center", va="center", weight="bold")


def _graph(axes: Axes, panel: dict[str, Any], lines: Sequence[Line]) -> None:
    told = panel["fieldConfig"]["defaults"]
    custom, colours = told["custom"], [LINES[number % len(LINES)] for number in range(len(lines))]
    axes.spines[:].set_visible(False)
    axes.tick_params(colors=QUIET, labelsize=7, length=0)
    axes.grid(color=EDGE, linewidth=0.5)
    if "stacking" in custom and lines:
        values = [[0.0 if math.isnan(value) else value for value in line.values] for line in lines]
        axes.stackplot(lines[0].at, values, colors=colours, labels=[line.name for line in lines], alpha=0.75)
    else:
        for line, colour in zip(lines, colours, strict=True):
            axes.plot(line.at, line.values, color=colour, linewidth=1.1, label=line.name)
    if lines:
        axes.set_xlim(lines[0].at[0], lines[0].at[-1])
    for step in told.get("thresholds", {"steps": []})["steps"]:
        if step["value"] is not None:
            axes.axhline(step["value"], color=RED, linewidth=0.8, linestyle=(0, (4, 3)))
    if "scaleDistribution" in custom:
        axes.set_yscale("log")
    else:
        top = max([told.get("max", 0.0), *(value for line in lines for value in line.values if not math.isnan(value))])
        axes.set_ylim(bottom=0, top=None if top > 0 else 1)
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: said(value, told["unit"])))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(mpl.dates.DateFormatter("%H:%M"))
    handles, names = axes.get_legend_handles_labels()
    if handles:
        cut = [f"{name[:LETTERS]}…" if len(name) > LETTERS else name for name in names[:LEGEND_MAX]]
        columns = 3 if any(len(name) > LETTERS_SHORT for name in cut) else 4
        axes.legend(
            handles[: 2 * columns],
            cut[: 2 * columns],
            loc="upper center",
            bbox_to_anchor=(0.46, -0.14),
            ncols=columns,
            fontsize=6.5,
            frameon=False,
            labelcolor=QUIET,
            handlelength=1,
            columnspacing=1,
            borderpad=0,
        )
    else:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "nothing of it", transform=axes.transAxes, color=QUIET, size=8, ha="center")
