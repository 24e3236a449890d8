"""What a drill came to, in lines for people and as JSON for programs; and the exit code. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import orjson

from app.terminal.answer import clean, clean_json
from app.terminal.drill.deeds import WORDS, Part
from app.terminal.drill.guarantees import SAYS, Guarantee
from app.terminal.drill.waves import Course
from app.terminal.exits import Exit
from app.terminal.probe.promises import SAID_MAX
from app.terminal.probe.telling import hidden

HELP = """\
exit codes:
  0    every guarantee held, and everything that was asked for was done
  1    a guarantee was broken, or the deployment refused to be used (stderr says why)
  2    wrong options; or answers would cost something, and --real does not say that they may
  3    nothing was broken, and not all of it could be done or shown
  6    the deployment cannot be reached
  130  Ctrl-C
"""


@dataclass(slots=True)
class Outcome:
    """`done`: the parts that were disturbed, and what came of it; `undone`: those that were not, and why; `absent`:
    what is not back, for a person to start.
    """

    course: Course
    done: dict[Part, str] = field(default_factory=dict)
    undone: dict[Part, str] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)


def code_of(outcome: Outcome) -> Exit:
    if outcome.course.broken:
        return Exit.FAILED
    return Exit.TRUNCATED if outcome.undone or not outcome.course.canaries else Exit.COMPLETED


def summary(outcome: Outcome) -> str:
    match code_of(outcome):
        case Exit.FAILED:
            return f"broken: {', '.join(broken_of(outcome.course))}"
        case Exit.TRUNCATED:
            return "not shown: nothing was broken, and not all of it could be done"
        case _ if not outcome.done:
            return "held: all of them, and nothing was disturbed (--compose, --kubectl and --pids say how)"
        case _:
            return "held: all of them"


def broken_of(course: Course) -> list[Guarantee]:
    found = {broken.guarantee for broken in course.broken}
    return [guarantee for guarantee in Guarantee if guarantee in found]


def lines(outcome: Outcome, secrets: Iterable[str]) -> Iterator[str]:
    """The last one says it in a word."""
    course = outcome.course
    endings = Counter(canary.replayed.story.outcome for canary in course.canaries if canary.replayed is not None)
    ended = ", ".join(f"{count} {name or 'without an outcome'}" for name, count in endings.most_common())
    read = f"{course.readings:,} readings, {course.cuts:,} cuts, {course.resumed:,} resumed"
    led = f"{course.sent_away} sent away by a front, {course.resets} resets"
    told = [f"{len(course.canaries)} streams ({ended or 'none ended'}), {read}, {led}", *_guarantees(course)]
    told += [f"  done     {WORDS[part]}: {what}" for part, what in outcome.done.items()]
    told += [f"  NOT DONE {WORDS[part]}: {why}" for part, why in outcome.undone.items()]
    told += [f"  NOT BACK {what}" for what in outcome.absent]
    for line in (*told, summary(outcome)):
        yield shown(line, secrets)


def shown(line: str, secrets: Iterable[str]) -> str:
    return clean(hidden(line, secrets)).replace("\n", " ")


def _guarantees(course: Course) -> Iterator[str]:
    for guarantee in Guarantee:
        broken = list(dict.fromkeys(one.what for one in course.broken if one.guarantee is guarantee))
        for what in broken[:SAID_MAX]:
            yield f"  BROKEN   {guarantee:<5} {what}"
        if len(broken) > SAID_MAX:
            yield f"  BROKEN   {guarantee:<5} and {len(broken) - SAID_MAX} times more"
        if not broken:
            yield f"  held     {guarantee:<5} {SAYS[guarantee]}"


def as_json(outcome: Outcome, secrets: Iterable[str]) -> str:
    """One line."""
    course = outcome.course
    words = {Exit.FAILED: "broken", Exit.TRUNCATED: "not_shown", Exit.COMPLETED: "held"}
    broken = {guarantee: [one.what for one in course.broken if one.guarantee is guarantee] for guarantee in Guarantee}
    told = {
        "verdict": words[code_of(outcome)],
        "guarantees": {
            guarantee.value: {"held": not what, **({"broken": what[:SAID_MAX], "count": len(what)} if what else {})}
            for guarantee, what in broken.items()
        },
        "done": {part.value: what for part, what in outcome.done.items()},
        "not_done": {part.value: why for part, why in outcome.undone.items()},
        "not_back": outcome.absent,
        "streams": len(course.canaries),
        "readings": course.readings,
        "cuts": course.cuts,
        "resumed": course.resumed,
        "resets": course.resets,
    }
    return clean_json(hidden(orjson.dumps(told).decode(), secrets))
