"""What is to be done with the calls of a turn, by what is known of each.

Pure. The rule: what has its result is not run again; what began and has none is run again only if it may be; everything
else is run. Nothing is run where one call can neither be run nor answered: the stream ends then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from worker.life.tooling.turns import Turns
from worker.life.tooling.uses import Use


@dataclass(frozen=True, slots=True)
class Plan:
    """`run`: what is to be run; `once`: those of them that must not run twice; `broken`: what began, and must not."""

    run: tuple[Use, ...] = ()
    once: frozenset[str] = frozenset()
    broken: tuple[Use, ...] = ()


def plan(uses: Iterable[Use], turns: Turns, repeatable: Callable[[str], bool]) -> Plan:
    """`repeatable` says by a tool's name whether it may run twice."""
    left = [use for use in uses if not use.theirs and use.id not in turns.results]
    broken = tuple(use for use in left if use.id in turns.began and not repeatable(use.name))
    once = frozenset(use.id for use in left if not repeatable(use.name))
    return Plan(tuple(left), once, broken)
