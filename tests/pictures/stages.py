"""Draws the table of a stream's stages for who reads the shelf: `python -m tests.pictures.stages`.

Where a stage stands is laid by hand; which ways there are and what they say comes from the table, so that a test can
tell a picture that is older than it. A way is an arrow with a number, and its words stand below.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from pathlib import Path

from app.stream.stages import ANYWHERE, Stage, arrows

PICTURE = Path(__file__).parents[2] / "app" / "docs" / "pictures" / "stages.svg"
WIDTH, TOP, LINE, LEFT = 940, 480, 18, 30
BOX = (66, 20)  # half of a stage's width and height
AT = {
    Stage.WAITING: (96, 205),
    Stage.BETWEEN: (320, 205),
    Stage.HELD: (560, 70),
    Stage.CALLING: (560, 205),
    Stage.CONTENT: (820, 205),
    Stage.TOOLS: (820, 70),
    Stage.HANDED_OVER: (320, 385),
    Stage.LOST: (590, 385),
    Stage.WAITING_FOR_PERSON: (320, 70),
    Stage.ENDED: (820, 385),
}
BEND = 0.16  # of an arrow's length, to its left: so those of a pair do not lie on each other
FURTHER = {
    (Stage.HELD, Stage.LOST): 0.56,
    (Stage.CONTENT, Stage.BETWEEN): -0.22,
    (Stage.HELD, Stage.HANDED_OVER): 0.05,
    (Stage.TOOLS, Stage.BETWEEN): -0.14,
    (Stage.TOOLS, Stage.LOST): -0.3,
    (Stage.LOST, Stage.TOOLS): 0.5,
}
# How far along an arrow its number stands, where others cross its middle.
ALONG = {
    (Stage.CALLING, Stage.HANDED_OVER): 0.7,
    (Stage.CONTENT, Stage.HANDED_OVER): 0.35,
    (Stage.CONTENT, Stage.BETWEEN): 0.6,
    (Stage.BETWEEN, Stage.LOST): 0.55,
    (Stage.HELD, Stage.BETWEEN): 0.4,
    (Stage.LOST, Stage.BETWEEN): 0.3,
    (Stage.HELD, Stage.HANDED_OVER): 0.75,
    (Stage.HELD, Stage.LOST): 0.45,
    (Stage.TOOLS, Stage.BETWEEN): 0.62,
    (Stage.TOOLS, Stage.HANDED_OVER): 0.2,
    (Stage.HANDED_OVER, Stage.TOOLS): 0.8,
    (Stage.LOST, Stage.TOOLS): 0.75,
}
# Who has its message comes to its ending on an arrow; all else that ends a stream is a stub, so that the rest is seen.
DRAWN_TO_THE_END = Stage.CONTENT
STYLE = """
:root { color-scheme: light dark; }
.paper { fill: #faf8f5; stroke: #e2dcd2; } .stage { fill: #fff; stroke: #0b7285; stroke-width: 1.5; }
.way { fill: none; stroke: #5c6066; } .tag { fill: #faf8f5; stroke: #5c6066; } .point { fill: #5c6066; }
text { font: 12px system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif; fill: #22252a; }
.name { font-weight: 600; } .name, .number { text-anchor: middle; } .number { font-size: 10px; }
.quiet { fill: #5c6066; }
@media (prefers-color-scheme: dark) {
  .paper, .tag { fill: #17181b; stroke: #34373d; } .stage { fill: #202226; stroke: #63cdda; }
  .way { stroke: #a3a6ab; } .point { fill: #a3a6ab; } .tag { stroke: #a3a6ab; }
  text { fill: #e8e6e1; } .quiet { fill: #a3a6ab; }
}
"""
Point = tuple[float, float]


def edge(of: Point, towards: Point) -> Point:
    """Where a line from the middle of a box leaves it."""
    x, y = towards[0] - of[0], towards[1] - of[1]
    times = min(half / abs(part) if part else math.inf for half, part in zip(BOX, (x, y), strict=True))
    return of[0] + x * times, of[1] + y * times


def way(at: Stage, to: Stage, number: int) -> str:
    """An arrow with its number."""
    begin, end = AT[at], AT[to]
    if at is to:
        x, y = begin[0] + BOX[0], begin[1]
        return arrow(f"M{x} {y - 10} C{x + 34} {y - 16} {x + 34} {y + 16} {x} {y + 10}", (x + 25, y), number)
    if to is Stage.ENDED and at is not DRAWN_TO_THE_END:
        x, y = begin[0] - BOX[0] + 14, begin[1] - BOX[1]
        stop = f'<circle class="point" cx="{x}" cy="{y - 36}" r="5"/>'
        return stop + arrow(f"M{x} {y} L{x} {y - 31}", (x, y - 14), number)
    bend = FURTHER.get((at, to), BEND)
    middle = (begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2
    aside = middle[0] + (end[1] - begin[1]) * bend, middle[1] - (end[0] - begin[0]) * bend
    start, stop_at = edge(begin, aside), edge(end, aside)
    t = ALONG.get((at, to), 0.5)
    tag = tuple(
        (1 - t) ** 2 * one + 2 * t * (1 - t) * over + t**2 * other
        for one, over, other in zip(start, aside, stop_at, strict=True)
    )
    return arrow("M{:.0f} {:.0f} Q{:.0f} {:.0f} {:.0f} {:.0f}".format(*start, *aside, *stop_at), tag, number)


def arrow(line: str, tag: tuple[float, ...], number: int) -> str:
    x, y = tag
    return (
        f'<path class="way" d="{line}" marker-end="url(#point)"/>'
        f'<circle class="tag" cx="{x:.0f}" cy="{y:.0f}" r="9"/>'
        f'<text class="number" x="{x:.0f}" y="{y + 3.5:.0f}">{number}</text>'
    )


def words() -> Iterator[tuple[str, str]]:
    """What stands below: from where to where, and why. A way with several reasons takes a line for each."""
    for number, ((at, to), labels) in enumerate(arrows().items(), 1):
        for n, label in enumerate(labels):
            yield (f"{number}  {at} → {to}" if n == 0 else ""), label
    for n, one in enumerate(ANYWHERE):
        yield ("wherever it is" if n == 0 else ""), f"{one.cause}: {one.to}"


def draw() -> str:
    lines = list(words())
    height = TOP + LINE * len(lines) + 12
    ways = "\n".join(way(at, to, number) for number, (at, to) in enumerate(arrows(), 1))
    stages = "\n".join(
        f'<rect class="stage" x="{x - BOX[0]}" y="{y - BOX[1]}" width="{2 * BOX[0]}" height="{2 * BOX[1]}" rx="8"/>'
        f'<text class="name" x="{x}" y="{y + 4}">{escape(stage)}</text>'
        for stage, (x, y) in AT.items()
    )
    legend = "\n".join(
        f'<text class="quiet" x="{LEFT}" y="{TOP + LINE * n}">{escape(where)}</text>'
        f'<text x="{LEFT + 230}" y="{TOP + LINE * n}">{escape(why)}</text>'
        for n, (where, why) in enumerate(lines)
    )
    end = '<circle class="point" cx="770" cy="437" r="5"/><text class="quiet" x="782" y="441">is ended, too</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="The stages of a stream, and every way between them"><style>{STYLE}</style>'
        '<defs><marker id="point" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="point" d="M0 0L8 4L0 8z"/></marker></defs>'
        f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="14"/>\n'
        f"{ways}\n{stages}\n{end}\n{legend}\n</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(draw())
