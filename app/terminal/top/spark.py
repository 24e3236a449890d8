"""Numbers in few letters: counts, times, sizes, and the last 15 minutes as a row of blocks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

BLOCKS = "▁▂▃▄▅▆▇█"
# On a terminal that has no blocks.
PLAIN = "_.-:=+*#"
_MINUTE = 60


def spark(values: Sequence[float | None], width: int, blocks: str = BLOCKS) -> str:
    """The newest at the right, from zero to the highest; several values in one place show the highest of them.

    What nobody knows is a blank.
    """
    cells = min(max(width, 0), len(values))
    ends = [len(values) * n // cells for n in range(cells + 1)] if cells else []
    known = [[value for value in values[a:b] if value is not None] for a, b in pairwise(ends)]
    highest = max((max(part) for part in known if part), default=0.0) or 1.0
    drawn = "".join(blocks[round(max(part) / highest * (len(blocks) - 1))] if part else " " for part in known)
    return drawn.rjust(width)


def count(number: float | None) -> str:
    match number:
        case None:
            return "-"
        case _ if number >= 999_500:  # noqa: PLR2004  # what rounds to a million
            return f"{number / 1e6:.1f}M"
        case _ if number >= 9_995:  # noqa: PLR2004  # what rounds to ten thousand
            return f"{number / 1e3:.1f}k"
        case _:
            return f"{number:,.0f}"


def seconds(number: float | None) -> str:
    match number:
        case None:
            return "-"
        case _ if 0 < number < 0.9995:  # noqa: PLR2004  # what rounds to a second
            return f"{number * 1000:.0f} ms"
        case _ if number < 9.95:  # noqa: PLR2004  # what rounds to ten
            return f"{number:.1f}".removesuffix(".0") + " s"
        case _ if number < 2 * _MINUTE:
            return f"{number:.0f} s"
        case _ if number < _MINUTE * _MINUTE:
            return f"{number // _MINUTE:.0f} min"
        case _:
            return f"{number // _MINUTE // _MINUTE:.0f} h"


def size(number: float | None) -> str:
    if number is None:
        return "-"
    for unit in ("B", "kB", "MB"):
        if number < 1000:  # noqa: PLR2004  # of the next unit
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def usd(number: float | None) -> str:
    return "-" if number is None else f"${number:,.2f}"


def many(number: float, one: str, more: str = "") -> str:
    return f"{count(number)} {one if number == 1 else more or one + 's'}"
