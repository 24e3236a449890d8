"""What there is to say of a stream at its end, as far as its last holder knows."""

from __future__ import annotations

from dataclasses import dataclass

from app.stream.ledger.lines import Calls
from app.stream.ledger.usage import Brought
from worker.upstream.message import GatheredMessage
from worker.upstream.whole import WholeMessage


@dataclass(frozen=True, slots=True)
class Account:
    """What there is to say of a stream: its `attempts`, and what its newest attempt has brought.

    `content`: people have seen something of it; `complete`: its `message_stop` has come; `first_at`: when its first
    content came, in ms of Redis' clock. `message` is None where it is for the log to tell. `calls`: all that were made.
    `cached_from`: the stream whose kept answer this is. `turns`: how many there were, None where no tools were asked
    for.
    """

    attempts: int
    message: GatheredMessage | WholeMessage | None
    content: bool
    complete: bool
    first_at: int | None
    calls: Calls
    cached_from: str = ""
    turns: int | None = None

    @property
    def brought(self) -> Brought:
        """What its newest call has brought."""
        return Brought() if self.message is None else self.message.brought(whole=self.complete)
