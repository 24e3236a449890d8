"""The board as lines of a terminal, for any width and height.

Pure. The rule: what needs a person comes first and has the only colour; whatever there is no room for is left out from
below, and that it is left out is said. What a server names cannot steer the terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from app.terminal.answer import clean
from app.terminal.top.figures import FIGURES, STYLES, Letters, line_of
from app.terminal.top.rows import fronts_of, lately_of, workers_of
from app.terminal.top.spark import many, seconds

Shown = Mapping[str, Any]

# Of what is older than this nobody says that it is so.
OLD_SECONDS = 3.5
# What of a snapshot is older was not gathered in time.
STALE_SECONDS = 2.0
# Of less there is nothing to see but that there is something.
_LEAST = 2
# Lines for what is to be known of the headline.
_ABOUT_MOST = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """How the connection is: `age` of the newest snapshot and `wait` until it is tried again, in seconds."""

    age: float = 0.0
    wait: float = 0.0

    @property
    def old(self) -> bool:
        return self.age > OLD_SECONDS


def draw(shown: Shown, standing: Standing, width: int, height: int | None, letters: Letters) -> list[Text]:
    """Lines of at most `width` cells, at most `height` of them; as many as there are where that is None."""
    head = [*_verdict(shown, standing, width), Text()]
    figures = [line_of(shown, one, width, letters) for one in FIGURES]
    workers = workers_of(shown, width, letters)
    fronts = fronts_of(shown, width)
    lately = lately_of(shown)
    if height is None:
        lines = [*head, *figures, Text(), *workers, Text(), *fronts, *([Text(), *lately] if lately else [])]
        return [_cut(line, width, letters) for line in lines]
    room = height - 1
    lines = [*head, *figures][:room]
    left = room - len(lines)
    kept = min(len(fronts), _LEAST) + 1  # however many workers there are, it is said how many fronts
    for part in (workers, fronts, lately):
        kept = kept if part is workers else 0
        fits = min(len(part), left - 1 - kept)
        if fits >= _LEAST or (part is not lately and part and left > 1):
            lines += [Text(), *_fitting(part, max(fits, 1))]
            left = room - len(lines)
    lines += [Text()] * (room - len(lines))
    lines.append(Text("q quits", style="dim"))
    return [
        _dull(_cut(line, width, letters), place, len(head)) if _is_old(shown, standing) else _cut(line, width, letters)
        for place, line in enumerate(lines)
    ]


def headline(shown: Shown, standing: Standing) -> tuple[str, str, str]:
    """The level, what is to be read first, and what is to be known of it."""
    if standing.old:
        again = f"Trying again in {standing.wait:.0f} s." if standing.wait >= 1 else "Trying again."
        old = f"What stands below is {seconds(round(standing.age))} old."
        return "now", "No numbers come", f"The server cannot be reached, or has none to show. {old} {again}"
    if needs := shown["attention"]:
        return needs[0]["level"], clean(needs[0]["what"]), clean(needs[0]["do"])
    if shown["time"] is None:
        return "well", "Nothing is known yet", "The front has not been able to look."
    live = sum(worker["state"] == "live" for worker in shown["workers"])
    streams, waiting = shown["streams"], shown["queue"]["waiting"]
    running = many(streams["running"], "stream runs", "streams run")
    waits = many(waiting, "prompt waits", "prompts wait") if waiting else "nobody waits"
    return "well", "All is well", f"{running} on {many(live, 'worker')}, {waits}."


def _is_old(shown: Shown, standing: Standing) -> bool:
    return standing.old or shown["stale_seconds"] > STALE_SECONDS


def _verdict(shown: Shown, standing: Standing, width: int) -> list[Text]:
    level, what, about = headline(shown, standing)
    age = standing.age + shown["stale_seconds"]
    tag = f"{seconds(round(age))} old" if _is_old(shown, standing) else "live"
    first = Text(what, style=STYLES[level])
    if (blanks := width - cell_len(what) - cell_len(tag)) > 1:
        first.append(" " * blanks).append(tag, style="not bold dim default" if tag == "live" else "bold red")
    lines = [first, *(Text(line, style="dim") for line in _wrapped(about, width)[:_ABOUT_MOST])]
    for need in [] if standing.old else shown["attention"][1:]:
        said = Text(clean(need["what"]), style=STYLES[need["level"]])
        lines.append(said.append("  " + clean(need["do"]), style="not bold dim default"))
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if cell_len(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _fitting(part: list[Text], fits: int) -> list[Text]:
    if len(part) <= fits:
        return part
    if fits < _LEAST:
        return part[:fits]
    return [*part[: fits - 1], Text(f"and {len(part) - fits + 1} more", style="dim")]


def _cut(line: Text, width: int, letters: Letters) -> Text:
    line.truncate(width, overflow=letters.more)
    return line


def _dull(line: Text, place: int, head: int) -> Text:
    """What is old, below what says so, has no colour."""
    return line if place < head else Text(line.plain, style="dim")
