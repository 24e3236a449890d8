"""The figures of the board, a line each: what it is, how much it is now, its last 15 minutes, and what goes with it.

Pure. The rule: a figure has a colour where somebody is needed for it, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rich.cells import set_cell_size
from rich.text import Text

from app.terminal.top.spark import BLOCKS, PLAIN, count, many, seconds, size, spark, usd

Shown = Mapping[str, Any]

STYLES = {"now": "bold red", "soon": "bold yellow", "well": "bold"}
# Below so many columns there is no room for what goes with a figure.
NARROW = 72
_LABEL, _FIGURE, _BESIDE_LEAST = 13, 10, 26


@dataclass(frozen=True, slots=True)
class Letters:
    """What the terminal can show."""

    blocks: str = BLOCKS
    full: str = "■"
    free: str = "□"
    more: Literal["ellipsis", "crop"] = "ellipsis"

    @classmethod
    def of(cls, encoding: str) -> Letters:
        if encoding.lower().replace("-", "").startswith("utf"):
            return cls()
        return cls(PLAIN, "#", ".", "crop")


@dataclass(frozen=True, slots=True)
class _Figure:
    """`about` is the part of the board that colours it; `chart` the series that is drawn."""

    label: str
    big: Callable[[Shown], str]
    note: Callable[[Shown], str]
    chart: str | None = None
    about: str = ""


def _outcomes(shown: Shown) -> str:
    ended = shown["streams"]["ended"]
    order = ("failed", "expired", "refused", "cancelled", "truncated")
    told = [f"{count(ended[name])} {name}" for name in order if ended[name]]
    return ", ".join(told) or ("all completed" if sum(ended.values()) else "in 15 min")


def _memory(shown: Shown) -> str:
    redis = shown["redis"]
    told = [f"of {size(redis['max_bytes'])}"] if redis["max_bytes"] else []
    told += [f"{size(redis['bytes_per_stream'])} a stream"] if redis["bytes_per_stream"] else []
    return ", ".join([*told, f"{count(redis['refused_writes'])} refused"])


FIGURES = (
    _Figure(
        "waiting",
        lambda shown: count(shown["queue"]["waiting"]),
        lambda shown: f"oldest {seconds(shown['queue']['oldest_seconds'])}" if shown["queue"]["waiting"] else "nobody",
        "waiting",
        "queue",
    ),
    _Figure(
        "running",
        lambda shown: count(shown["streams"]["running"]),
        lambda shown: (
            f"of {count(shown['streams']['capacity'])}"
            + (f", {count(shown['streams']['adrift'])} without a worker" if shown["streams"]["adrift"] else "")
        ),
        "running",
    ),
    _Figure("tokens/s", lambda shown: count(shown["tokens_per_second"]), lambda _: "of output", "tokens_per_second"),
    _Figure(
        "first content",
        lambda shown: seconds(shown["first_content_p50"]),
        lambda shown: f"p99 {seconds(shown['first_content_p99'])}",
        "first_content_p50",
        "first_content",
    ),
    _Figure("ended", lambda shown: count(sum(shown["streams"]["ended"].values())), _outcomes, "ended", "ended"),
    _Figure(
        "readers",
        lambda shown: count(shown["readers"]),
        lambda shown: f"{count(shown['joined'])} came, {many(shown['resets'], 'reset')}",
        "readers",
    ),
    _Figure(
        "retries",
        lambda shown: count(shown["retries"]),
        lambda shown: f"{many(shown['takeovers'], 'take-over')}, {count(shown['refused'])} refused",
        "retries",
        "takeovers",
    ),
    _Figure("Redis", lambda shown: size(shown["redis"]["used_bytes"]), _memory, None, "redis"),
    _Figure(
        "spent today",
        lambda shown: usd(shown["spend_today_usd"]),
        lambda shown: f"{usd(shown['saved_usd_today'])} saved by caches",
    ),
)


def line_of(shown: Shown, figure: _Figure, width: int, letters: Letters) -> Text:
    need = next((need for need in shown["attention"] if figure.about and need["about"] == figure.about), None)
    wide = width >= NARROW
    note = figure.note(shown)
    beside = max(width // 3, _BESIDE_LEAST) if wide else 0
    room = width - _LABEL - 1 - _FIGURE - 2 - (beside + 2 if wide else 0)
    text = Text(set_cell_size(figure.label, _LABEL) + " ", style="dim")
    text.append(figure.big(shown).rjust(_FIGURE) + "  ", style=f"not dim {STYLES[need['level'] if need else 'well']}")
    if figure.chart:
        text.append(spark(shown["charts"][figure.chart], room, letters.blocks), style="not dim")
    elif wide:
        text.append(" " * room)
    if wide:
        text.append("  " + note)
    elif not figure.chart:
        text.append(note)
    return text
