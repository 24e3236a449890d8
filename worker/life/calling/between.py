"""What is written of a stream between two calls: why another one follows, and in what stage its next holder finds it.

The rule: readers are told before they have to wait; what another holder must know stands in the log before the stream
is given away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.stream.approvals.approvals import HEARD
from app.stream.log import State
from worker.life.interrupt import Interrupt, Why
from worker.life.record import Record
from worker.life.steps import AwaitPerson, HandOver, NextCall, Park, Refused, Restart, Retry


def announce_call(record: Record, step: NextCall) -> None:
    """Readers are told why another call follows. Raises `FullLogError`."""
    following, writer = record.progress.attempts + 1, record.writer
    if isinstance(step, Retry | Restart):
        record.chronicle.goes_on(following, step)
    match step:
        case Retry(reason, wait) | Refused(reason, wait):
            writer.own("relay.retry", {"attempt": following, "reason": reason, "retry_in_ms": round(wait * 1000)})
        case Restart(reason, _):
            _reset(record, {"attempt": following, "reason": reason})
            record.progress = replace(record.progress, content=False)
        case _:
            return
    record.reading = None


def _reset(record: Record, told: dict[str, Any]) -> None:
    """Readers forget the turn that broke; of the first one that is all there is, and who has none of it begins here."""
    writer, turn = record.writer, record.loop.turns.number
    if turn > 1:  # what stands of the turns before may have to be written again with it
        writer.own("relay.reset", {**told, "turn": turn})
        writer.mark({"content": "0", **record.ledger.field})
        return
    writer.new_attempt()
    writer.own("relay.reset", told)
    writer.mark({"base": writer.offset, "content": "0", **record.ledger.field})


def mark_wait(record: Record, seconds: float) -> None:
    """Whoever takes over meanwhile waits for the rest of it."""
    record.writer.mark({"retry_at": record.redis_ms(record.clock() + seconds)})


async def put_down(record: Record, interrupt: Interrupt, step: HandOver | Park | AwaitPerson) -> bool:
    """The next holder is told in what stage it finds the stream. Raises `Interruption`.

    False where the log does not take what others must find there: nobody could say a word to what waits for a person.
    """
    match step:
        case Park():
            record.writer.mark({"held": "1", "held_at": record.redis_ms(record.clock()), **record.uncounted})
        case AwaitPerson():
            now, heard = record.redis_ms(record.clock()), record.checkpoint.answered
            record.writer.closing = True
            record.writer.mark({"state": State.WAITING, "waiting_since": now, HEARD: heard, **record.uncounted})
            record.chronicle.person_asked()
        case HandOver(free):
            record.writer.closing = True
            record.writer.mark({"free": free, "handed_over": "1", **record.uncounted})
    with interrupt.armed(Why.LEFT):
        await record.writer.flush()
    return record.writer.refusal is None or not isinstance(step, AwaitPerson)
