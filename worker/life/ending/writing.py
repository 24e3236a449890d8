"""Writing a stream's one ending, whatever stands in its way.

The rule: an ending says what stands in the log, and is written. What cannot be said of it is left out; where the log
takes no frame the meta alone says it; what was refused is tried again after a pause, and not for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from app.stream.endings import Outcome
from app.stream.frames import Position
from app.stream.ledger.usage import Brought, values
from app.stream.log import Log, Status
from worker.life import decide
from worker.life.chronicle import Chronicle
from worker.life.ending import relay_end
from worker.life.ending.account import Account
from worker.life.ending.recovery import recover
from worker.life.interrupt import Interrupt, Interruption, Why
from worker.life.steps import End
from worker.log.writer import Field, FullLogError, Writer
from worker.upstream.message import GatheredMessage

# So often a refused ending is tried again, after this long and then twice as long.
REFUSALS_MAX = 5
REFUSED_SECONDS = 0.1
# As much of an answer is read back for an ending by who did not read it.
READ_BACK_BYTES = 32 * 1024 * 1024


class Ending:
    """The ending of one stream. `life_ms`: how long it is kept afterwards. `is_last`: whether nothing but the ending
    was to follow a Message that stands whole.
    """

    def __init__(
        self,
        stream_id: str,
        log: Log,
        interrupt: Interrupt,
        life_ms: int,
        chronicle: Chronicle,
        *,
        is_last: Callable[[GatheredMessage], bool] = lambda _: True,
    ) -> None:
        self._stream_id = stream_id
        self._log = log
        self._interrupt = interrupt
        self._life_ms = life_ms
        self._chronicle = chronicle
        self._is_last = is_last
        self._refusals = 0
        self._bare = False  # the log takes no frame
        self._end_at: Position | None = None
        self._recovered = False

    async def write(
        self, end: End, account: Account, writer: Writer, more: Mapping[str, Field], *, readable: bool
    ) -> bool:
        """Writes the ending, and `more` fields; False where it was refused. Raises `Interruption`."""
        if account.message is None and account.content:  # ended by who did not read it
            stands = await recover(self._log, self._stream_id, self._interrupt, READ_BACK_BYTES)
            account, self._recovered = replace(account, message=stands.message), True
            if stands.whole and end.outcome is Outcome.FAILED and self._is_last(stands.message):
                end, account = decide.complete(stands.message.stop_reason), replace(account, complete=True)
        frame, fields = self._said(end, account)
        self._end_at = writer.position
        if readable and not self._bare:
            with contextlib.suppress(FullLogError):
                writer.last("relay.end", frame)
        writer.mark({**fields, **more}, self._life_ms)
        with self._interrupt.armed(Why.LEFT):
            await writer.flush()
        if writer.refusal is None:
            self._tell(end, account)
        return writer.refusal is None

    def _tell(self, end: End, account: Account) -> None:
        if self._recovered:
            self._chronicle.partial_recovered()
        try:
            brought = account.brought
        except Exception as error:  # noqa: BLE001  # as below
            self._chronicle.fault(error)
            brought = Brought()
        cost = account.calls.cost_usd
        used = values(brought.used) if account.calls.made else {}  # else another stream's call did
        said = brought.output_bytes if account.calls.made else 0
        self._chronicle.ended(end, account.attempts, brought.stop_reason, used, cost, output_bytes=said)

    async def refused(self, status: Status | None) -> None:
        """The ending was refused. Returns when it is to be tried again.

        Raises `Interruption` where not even the meta takes it: it is left to its lease, and to whoever looks next.
        """
        self._refusals += 1
        if self._refusals > REFUSALS_MAX:
            self._chronicle.ending_unwritten()
            raise Interruption(Why.LEFT)
        self._bare = self._bare or status is Status.REFUSED
        with self._interrupt.armed(Why.LEFT):
            await asyncio.sleep(REFUSED_SECONDS * 2**self._refusals)

    def is_due_at(self, position: Position) -> bool:
        """Whether all but the ending stands in a log that ends at `position`."""
        return position == self._end_at

    def _said(self, end: End, account: Account) -> tuple[bytes, dict[str, Field]]:
        """Frame and fields; with less in them where they cannot be made."""
        attempts, calls = account.attempts, account.calls
        try:
            brought = account.brought
            whose, turns = account.cached_from, account.turns
            frame = relay_end.frame_data(end, attempts, brought, calls.cost_usd, cached_from=whose, turns=turns)
            fields = relay_end.fields(
                end,
                attempts,
                account.message,
                brought,
                calls,
                content=account.content,
                first_at=account.first_at,
            )
        except Exception as error:  # noqa: BLE001  # a finished answer is not lost for what is said about it
            self._chronicle.fault(error)
            return relay_end.bare(end, attempts, calls, account.turns)
        return frame, fields if turns is None else {**fields, "turns": turns}
