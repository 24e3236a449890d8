"""The page about sizing as the bench writes it: figures into the rows that are there, tables between their marks.

The rule: pure but for the place of the page. A figure has its row before it is measured; what it is, the page says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.bench.sizing.formula import PAGE, Figures, Load, Need, figures, need

# | `reader_kb` | 2.4 | KB | what it is |
_ROW = re.compile(r"^\| `([a-z_]+)` \| ([\d.,]+) \|(.*)$", re.MULTILINE)
LOADS = {
    "10 streams": Load(10),
    "1,000 streams": Load(1_000),
    "100,000 streams": Load(100_000),
    "100,000 of 8,000 tokens, kept for 10 min": Load(100_000, tokens=8_000, kept=600),
}
_LINES = (
    ("streams that begin in a second", "starts"),
    ("fronts", "fronts"),
    ("workers", "workers"),
    ("Redis, the queue's included", "nodes"),
    ("the queue's Redis is busy, % of its core", "queue_share"),
    ("memory of Redis, GB", "redis_gb"),
    ("through Redis, MB/s", "redis_mb_s"),
    ("to readers, MB/s", "out_mb_s"),
    ("cores that are busy", "busy_cores"),
    ("cores to have", "cores"),
    ("memory of all, GB", "memory_gb"),
    ("machines, $ an hour", "usd_hour"),
    ("the API's own price, $ an hour", "api_usd_hour"),
)

__all__ = ["LOADS", "PAGE", "between", "rows", "table", "with_figures", "with_tables"]


def number(value: float) -> str:
    """Two digits that count, or three."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 1 else f"{value:.2g}"


def rows(text: str) -> Iterable[str]:
    return (found[0] for found in _ROW.finditer(text))


def with_figures(text: str, found: Figures) -> str:
    """Raises `KeyError` for a figure that has no row."""
    there = figures(text)
    for name in found:
        if name not in there:
            raise KeyError(name)

    def row(match: re.Match[str]) -> str:
        name, value, rest = match.groups()
        return f"| `{name}` | {number(found[name]) if name in found else value} |{rest}"

    return _ROW.sub(row, text)


def between(text: str, mark: str, lines: str) -> str:
    """With `lines` between `<!-- mark -->` and `<!-- /mark -->`. Raises `ValueError` where they are not there."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    start = text.index(begin) + len(begin)
    return f"{text[:start]}\n{lines}\n{text[text.index(end, start) :]}"


def with_tables(text: str) -> str:
    """What is reckoned from the figures, reckoned anew."""
    return between(text, "needs", table(figures(text)))


def table(of: Figures) -> str:
    found: list[Need] = [need(of, load) for load in LOADS.values()]
    head = "| what | " + " | ".join(LOADS) + " |\n"
    lines = [
        f"| {says} | " + " | ".join(_shown(getattr(one, name), name) for one in found) + " |\n" for says, name in _LINES
    ]
    return head + "| --- |" + " ---: |" * len(LOADS) + "\n" + "".join(lines)


def _shown(value: float, name: str) -> str:
    return f"{value:,}" if isinstance(value, int) else number(value * 100 if name == "queue_share" else value)
