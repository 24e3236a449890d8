"""The account of a stream that ends, by what its record knows.

Pure. The rule: it says what stands: the newest call's answer as far as it came, or the last turn's that is whole; what
nobody here has read is left to the log to tell.
"""

from __future__ import annotations

from worker.life.ending.account import Account
from worker.life.record import Record
from worker.upstream.whole import WholeMessage


def account_of(record: Record) -> Account:
    """What there is to say of it at its end."""
    reading, turns = record.reading, record.loop.turns
    attempts, calls, whose = record.account_attempts, record.ledger.final, record.cached_from
    under_way = record.progress.content if reading is None else reading.content
    number = len(turns.finished) + under_way if record.checkpoint.asked.tools else None
    if turns.finished and not under_way:  # what was said last
        last = WholeMessage(turns.finished[-1])
        return Account(attempts, last, content=True, complete=True, first_at=None, calls=calls, turns=number)
    if reading is None:
        content = record.progress.content
        return Account(attempts, None, content, record.complete, None, calls, whose, number)
    first_at = None if reading.first is None or turns.finished else record.redis_ms(reading.first)
    return Account(attempts, reading.message, reading.content, record.complete, first_at, calls, whose, number)
