"""What an expression of PromQL speaks of: its metrics, their labels, and the values that it looks for. Pure.

No parser: promtool says whether an expression is one. This finds the names in one that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = re.compile(r'"[^"]*"')
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_SELECTOR = re.compile(r"(?<![\w.:])([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?(?!\s*\()(?![\w:({])")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_WORDS = {
    "and",
    "or",
    "unless",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "bool",
    "offset",
    "inf",
}


@dataclass(frozen=True)
class Selector:
    """`matched`: label and value, as one of those that are asked for."""

    metric: str
    matched: tuple[tuple[str, str], ...]


def selectors(expression: str) -> Iterator[Selector]:
    for found in _SELECTOR.finditer(_bare(expression)):
        metric, inside = found.groups()
        if metric.lower() not in _WORDS:
            matchers = _MATCHER.findall(inside or "")
            yield Selector(metric, tuple((label, one) for label, _, value in matchers for one in value.split("|")))


def grouped(expression: str) -> set[str]:
    """The labels that it groups or joins by."""
    return {label.strip() for listed in _GROUPING.findall(expression) for label in listed.split(",") if label.strip()}


def _bare(expression: str) -> str:
    """Without ranges, groupings, and what stands in strings of its own."""
    bare = _GROUPING.sub(" ", re.sub(r"\[[^\]]*\]|offset \w+", " ", expression))
    kept = [part.group() for part in re.finditer(r"\{[^}]*\}", bare)]
    outside = re.split(r"\{[^}]*\}", bare)
    outside = [_STRING.sub(" ", part) for part in outside]
    return "".join(part + (kept[n] if n < len(kept) else "") for n, part in enumerate(outside))
