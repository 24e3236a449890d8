"""One stream's turns in the hands of the worker that holds it: what the meta says of them, and what only it knows.

The rule: what is known here and not in Redis is not forgotten for a log that lost its tail: a result that came is told
again and not made again, and what ran once and must not run twice ends a stream that does not know of it any more.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace

from app.stream.readback.steps import result_field
from app.stream.stages import When
from worker.life.asking.asked import Asked
from worker.life.tooling.plan import Manners, Plan, plan
from worker.life.tooling.turns import Fields, Turns, result_data
from worker.life.tooling.uses import DoubledError, Use, collide, tools_of, uses_in
from worker.rawjson import json_text
from worker.tools.tool import Result, Tool
from worker.upstream.whole import WholeMessage


class Loop:
    """`body` is the client's request. `running`: the calls that run here now; `logged`: whose results stand there."""

    def __init__(self, asked: Asked, turns: Turns, body: bytes) -> None:
        self.turns = turns
        self.uses: tuple[Use, ...] = ()  # of the turn whose Message is whole
        self.running: Container[str] = ()
        self.logged = set(turns.results)
        self._asked = asked
        self._body = body
        self._theirs: frozenset[str] | None = None
        self._once: set[str] = set()  # what ran here, and must not run twice
        self._forgotten = self._doubled = False
        self._look()

    @property
    def readable(self) -> bool:
        return self.turns.readable and not self._doubled

    @property
    def stop_reason(self) -> str | None:
        """Of the newest Message that is whole."""
        return WholeMessage(self.turns.finished[-1]).stop_reason if self.turns.finished else None

    def conditions(self, offered: Mapping[str, Tool]) -> frozenset[When]:
        """What a holder finds of a turn whose tools were to run."""
        if self._forgotten or self.plan(offered).broken:
            return frozenset({When.BROKEN})
        return frozenset({When.DUE}) if self.turns.due else frozenset()

    def plan(self, offered: Mapping[str, Tool]) -> Plan:
        found = plan(self.uses, self.turns, lambda name: self._manners(name, offered))
        return replace(found, broken=tuple(use for use in found.broken if use.id not in self.running))

    def uses_of(self, message: bytes) -> tuple[Use, ...]:
        """The calls of a Message that has just become whole. Raises `DoubledError`."""
        if self._theirs is None:
            self._theirs = tools_of(self._body)
        uses = uses_in(message, self._theirs)
        if collide(self.turns, uses):
            raise DoubledError
        return uses

    # --- what happens, and what the meta is to say of it

    def finish(self, message: bytes, uses: tuple[Use, ...]) -> Fields:
        self.turns, fields = self.turns.finish(message)
        self.uses = uses
        return fields

    def begin(self, ids: frozenset[str]) -> Fields:
        """These are about to run, and must not run twice."""
        self.turns, fields = self.turns.begin(ids)
        return fields

    def started(self, use: Use) -> None:
        """It runs, from now on."""
        if use.id in self.turns.began:
            self._once.add(use.id)

    def withdraw(self) -> Fields:
        """What was about to run and never did is the next holder's to run."""
        began = self.turns.began & (self._once | self.turns.results.keys())
        self.turns, fields = replace(self.turns, began=began).begin(frozenset())
        return fields

    def result(self, use: Use, result: Result) -> Fields:
        data = result_data(use.id, use.name, result.content, is_error=result.is_error, elapsed_ms=result.elapsed_ms)
        self.turns, fields = self.turns.result(use.id, data)
        return fields

    def ask(self, use: Use, data: bytes) -> Fields:
        """A person is asked."""
        self.turns, fields = self.turns.ask(use.id, data)
        return fields

    def next(self) -> Fields:
        self.uses = ()
        self.turns, fields = self.turns.next()
        return fields

    def again(self, use: Use) -> Fields:
        """Its result, of which the log knows nothing any more."""
        return {result_field(use.id): self.turns.results[use.id]}

    def resume(self, found: Turns) -> Fields:
        """The log was begun anew, and may have lost something: `found` is what it still knows.

        What a person said stands, though only this holder has heard it.
        """
        mine, self.logged = self.turns, set(found.results)
        ours = found.finished == mine.finished[: len(found.finished)]
        known = {use.id for message in found.finished if ours for use in uses_in(message, ())}
        kept = {id_: data for id_, data in mine.results.items() if id_ in known}
        never = mine.began - self._once  # was about to run here
        began = (found.began - never) | (self._once & known)
        heard = {id_: verdict for id_, verdict in mine.verdicts.items() if id_ in known}
        verdicts = {**heard, **found.verdicts}
        self.turns = replace(found, results={**kept, **found.results}, began=began, verdicts=verdicts)
        self._forgotten = bool(self._once - known)
        self._look()
        return {} if began == found.began else self.turns.begin(frozenset())[1]

    def _look(self) -> None:
        """The calls of the turn whose tools run, if one's do."""
        self.uses = ()
        if self.turns.due:
            if self._theirs is None:
                self._theirs = tools_of(self._body)
            try:
                self.uses = uses_in(self.turns.finished[-1], self._theirs)
            except DoubledError:
                self._doubled = True

    def _manners(self, name: str, offered: Mapping[str, Tool]) -> Manners:
        """A call of what nobody asked for is not run at all; of what is not offered here any more nothing is known."""
        if name not in self._asked.tools:
            return Manners(repeatable=True)
        tool = offered.get(name)
        return Manners(repeatable=False) if tool is None else Manners(tool.repeatable, tool.approve)


def unasked(name: str) -> Result:
    """What a model is told that calls what it was not offered."""
    return Result(json_text.text(f"There is no tool {name[:128]!r} here."), is_error=True, elapsed_ms=0)
