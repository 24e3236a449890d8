"""The end of a turn's message: what of it follows, and what is written of it.

The rule: where tools are to run, all that the next holder needs to go on goes with the frames that end the message, in
one append; the calls that led here count no more.
"""

from __future__ import annotations

from dataclasses import replace

from worker.life import decide
from worker.life.decide import Decision
from worker.life.record import Record
from worker.life.tooling.uses import DoubledError, Use, goes_on
from worker.log.writer import Field
from worker.upstream.message import GatheredMessage
from worker.upstream.reading import Reading


def complete(record: Record, reading: Reading) -> Decision:
    """The call's Message is whole: what follows."""
    stop_reason = reading.message.stop_reason
    message = reading.message.json(readable=True) if record.checkpoint.asked.tools else None
    if message is None:  # nobody asked for tools, or it is nested more deeply than anybody reads
        return decide.on_message(record.stage, stop_reason)
    try:
        uses = record.loop.uses_of(message)
    except DoubledError:
        return decide.on_fault(record.stage, "the Claude API gave two calls of tools the same id")
    decision = decide.on_message(record.stage, stop_reason, goes_on=goes_on(stop_reason, uses))
    if decision.way.frees:
        _finish(record, reading, message, uses)
    return decision


def is_last(record: Record, message: GatheredMessage) -> bool:
    """Whether nothing but the ending was to follow a whole Message, which its reader did not get to act upon.

    One that was to fit a schema is not known to; and what calls tools that nobody ran is no answer.
    """
    asked = record.checkpoint.asked
    if asked.validate:
        return False
    told = message.json(readable=True) if asked.tools else None
    if told is None:
        return True
    try:
        return not goes_on(message.stop_reason, record.loop.uses_of(told))
    except DoubledError:
        return False


def _finish(record: Record, reading: Reading, message: bytes, uses: tuple[Use, ...]) -> None:
    attempts, fields = record.progress.attempts, record.loop.finish(message, uses)
    record.progress = replace(record.progress, content=False, free=attempts, before=attempts, silences=0, stalls=0)
    record.claims = record.claim.times - 1
    fresh: dict[str, Field] = {"content": "0", "free": attempts, "before": attempts, "silences": 0, "stalls": 0}
    fresh["claims"] = record.claims
    if reading.first is not None and record.loop.turns.number == 1:
        fresh["first_at"] = record.redis_ms(reading.first)
    record.writer.mark({**fields, **fresh})
    record.chronicle.turn_over()
    record.reading, record.complete = None, False
