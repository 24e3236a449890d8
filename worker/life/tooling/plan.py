"""What is to be done with the calls of a turn, by what is known of each.

Pure. The rule: what has its result is not run again; what began and has none is run again only if it may be; where a
person is to be asked nothing runs before the answer; everything else is run. Nothing is run where one call can neither
be run nor answered: the stream ends then.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass

from worker.life.asking.asked import Asked
from worker.life.tooling.turns import Turns
from worker.life.tooling.uses import Use


@dataclass(frozen=True, slots=True)
class Manners:
    """What is to be known of a tool before it is run."""

    repeatable: bool
    approve: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`run`: what is to be run; `once`: those of them that must not run twice; `broken`: what began, and must not.

    `refused`: what a person does not want; `waiting`: of what a person has not said anything yet.
    """

    run: tuple[Use, ...] = ()
    once: frozenset[str] = frozenset()
    broken: tuple[Use, ...] = ()
    refused: tuple[Use, ...] = ()
    waiting: tuple[Use, ...] = ()


def misplaced(asked: Asked, offered: Container[str]) -> str | None:
    """The first tool that is asked for and not offered."""
    return next((name for name in asked.tools if name not in offered), None)


def plan(uses: Iterable[Use], turns: Turns, manners: Callable[[str], Manners]) -> Plan:
    """`manners` are a tool's, by its name."""
    run, once, broken, refused, waiting = [], set(), [], [], []
    for use in uses:
        if use.theirs or use.id in turns.results:
            continue
        known, verdict = manners(use.name), turns.verdicts.get(use.id)
        if (known.approve or use.id in turns.asks) and verdict is None and use.id not in turns.began:
            waiting.append(use)
        elif verdict is not None and not verdict.approve:
            refused.append(use)
        else:
            run.append(use)
            if not known.repeatable:
                once.add(use.id)
                if use.id in turns.began:
                    broken.append(use)
    return Plan(tuple(run), frozenset(once), tuple(broken), tuple(refused), tuple(waiting))
