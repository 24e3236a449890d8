"""Whether a whole answer fits the schema of its request, for a stream that asked for that.

The rule: what is looked at is the text of an answer that says of itself that it is whole: one that was cut off,
refused, or that goes on with a tool is none. What does not fit is mended by a call more, as often as was asked for;
nobody is told that it is whole before it was looked at.
"""

from __future__ import annotations

from dataclasses import replace

from app.stream.endings import Outcome
from app.stream.stages import Cause
from app.stream.structured.answer_schema import InvalidSchemaError, schema_of
from worker.life import decide
from worker.life.decide import Decision
from worker.life.interrupt import Interrupt, Why
from worker.life.record import Record
from worker.life.steps import End, Error, Restart
from worker.life.tooling.uses import CALLS, PAUSED, members_of
from worker.rawjson import json_text
from worker.rawjson.codec import as_text
from worker.schemas.checker import Checker
from worker.schemas.verdict import Fits, Misfit, Unusable, Verdict
from worker.upstream.reading import Reading

# As an answer is called that does not fit its schema, and why another one follows.
INVALID = "validation_error"
# What the logs are told, without a word of the answer or the schema.
MISFIT = "the answer does not fit its schema"
UNUSABLE = "no answer can be held against its schema"


class Validating:
    """One stream's answers, under one claim."""

    def __init__(self, record: Record, checker: Checker, interrupt: Interrupt) -> None:
        self._record = record
        self._checker = checker
        self._interrupt = interrupt
        self._known = False

    async def unusable(self) -> Decision | None:
        """What to do where no answer can be held against the schema: before anything is paid for it.

        Raises `Interruption`.
        """
        if not self._record.checkpoint.asked.validate or self._known:
            return None
        verdict = await self._look(None)
        self._known = True
        return self._unusable(verdict.message) if isinstance(verdict, Unusable) else None

    async def judge(self, reading: Reading) -> Decision | None:
        """What follows a Message that is whole and does not fit; None for any other. Raises `Interruption`."""
        record, asked = self._record, self._record.checkpoint.asked
        stop_reason = reading.message.stop_reason
        if not asked.validate or stop_reason in (CALLS, PAUSED):
            return None
        if decide.complete(stop_reason).outcome is not Outcome.COMPLETED:
            return None
        message = reading.message.json() or b"{}"
        match await self._look(text_of(message)):
            case Misfit() as found:
                left = asked.repair - record.repair.made
                decision = decide.on_misfit(record.stage, _error(found), repairs_left=left)
                if isinstance(decision.step, Restart):
                    self._repair(decision, message, found)
                return decision
            case Unusable(why):
                return self._unusable(why)
            case Fits():
                return None

    async def _look(self, text: bytes | None) -> Verdict:
        request = self._record.checkpoint.request
        members = members_of(request.body) if request is not None else {}
        try:
            schema = schema_of(members.get("output_config"), members.get("output_format"))
        except InvalidSchemaError as error:
            return Unusable(str(error))
        if schema is None:
            return Unusable("the request has no JSON schema")
        with self._interrupt.armed(Why.EXPIRED):
            return await self._checker.look(schema, text)

    def _unusable(self, why: str) -> Decision:
        end = End(Outcome.FAILED, Error(INVALID, f"relay.validate: {why}", UNUSABLE))
        return decide.on_end(self._record.stage, Cause.FAULT, end)

    def _repair(self, decision: Decision, message: bytes, found: Misfit) -> None:
        record = self._record
        record.repair = record.repair.again(message, "\n".join(found.faults), len(record.loop.turns.finished))
        record.progress = replace(record.progress, free=record.progress.free - decision.way.charge)
        record.writer.mark({**record.repair.fields, "free": record.progress.free})


def _error(found: Misfit) -> Error:
    return Error(INVALID, f"{MISFIT} at {found.path or 'its top'}: {found.message}", MISFIT)


def text_of(message: bytes) -> bytes:
    """What a Message says, of all its blocks of text."""
    blocks = [json_text.members(block) for block in json_text.items(json_text.members(message).get("content", b"[]"))]
    said = [as_text(block.get("text")) for block in blocks if block.get("type") == b'"text"']
    return "".join(said).encode("utf-8", "surrogatepass")
