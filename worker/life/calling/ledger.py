"""A stream's ledger in the hands of its worker: a line for each call, opened before it is made and closed when it is
over.

The rule: nobody closes a line by himself. A call is made inside `call`, and leaving that, however it is left, closes
its line once; what another holder left open is closed before anything else is done (`settle`). So no way through a
stream's stages can lose a call, or count it twice. Where it is written is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.stream.ledger.lines import Calls, CallState, Pricing, Sums
from app.stream.ledger.usage import Brought, values
from app.stream.observing import tell
from app.watch.events import of_processes
from worker.life.calling import liveness
from worker.life.interrupt import Interrupt
from worker.log.writer import FullLogError
from worker.upstream.failure import Failure, UpstreamError
from worker.upstream.reading import Reading

# Nobody worked on such a call, and nobody pays for it.
_REFUSALS = frozenset({429, 529})


class Ledger:
    """The calls of one stream under one claim; `found` is what its last holder left.

    `paid` hears of each line that is closed and of which something was used: its model, and the sums before and after.
    """

    def __init__(
        self,
        found: Calls,
        pricing: Pricing,
        interrupt: Interrupt,
        paid: Callable[[str, Sums, Sums], None] = lambda *_: None,
    ) -> None:
        self.calls = found
        self._pricing = pricing
        self._interrupt = interrupt
        self._paid = paid

    @property
    def field(self) -> dict[str, bytes]:
        """What the meta is to say by now."""
        return {"calls": self.calls.encode()}

    def announce(self, model: str) -> None:
        """A call is counted and about to be made: who finds it so must think that it was."""
        self.calls = self.calls.opened(model)

    def withdraw(self) -> None:
        """It was not made."""
        self.calls = self.calls.unmade()

    def answered(self, request_id: str | None) -> None:
        """The upstream has named the call under way."""
        self.calls = self.calls.answered(request_id)

    def settle(self, brought: Brought) -> None:
        """Closes the line of a call that its holder did not live to close."""
        self._closed(CallState.CUT, brought)

    @contextmanager
    def call(self, model: str, reading: Reading) -> Iterator[None]:
        """The call is made inside, announced or not."""
        if self.calls.open is None:
            self.announce(model)
        state = CallState.CUT
        try:
            yield
            state = CallState.COMPLETE
        except UpstreamError as error:
            state = self._failed(error.failure)
            raise
        except asyncio.CancelledError:
            if self._interrupt.why in liveness.FAILURES:
                state = CallState.FAILED
            raise
        except FullLogError:
            raise
        except Exception:
            state = CallState.FAILED
            raise
        finally:
            self._close(state, reading)

    def so_far(self, brought: Brought) -> Calls:
        """As if the call under way were over, with what it has brought: for an ending that does not wait for it."""
        return self.calls.closed(CallState.CUT, brought, self._pricing)

    def save(self, model: str, reading: Reading) -> None:
        """A whole answer was given without a call; what that would have cost is saved."""
        brought = reading.message.brought(whole=True)
        cost = self._pricing(brought.model or model, values(brought.used))
        self.calls = self.calls.saving(cost.nano or 0)

    @property
    def final(self) -> Calls:
        """The calls of a stream that ends: none is open, whatever became of its worker."""
        self.settle(Brought())
        return self.calls

    def _close(self, state: CallState, reading: Reading) -> None:
        try:
            brought = reading.message.brought(whole=state is CallState.COMPLETE)
            self._closed(state, brought)
        except Exception as error:  # noqa: BLE001  # an answer is not lost for what is said about it
            tell(of_processes.Fault.met("ledger", error))
            self._closed(state, Brought())

    def _closed(self, state: CallState, brought: Brought) -> None:
        before = self.calls.sums
        self.calls = self.calls.closed(state, brought, self._pricing)
        if self.calls.sums != before:
            self._paid(self.calls.lines[-1].model, before, self.calls.sums)

    def _failed(self, failure: Failure) -> CallState:
        self.answered(failure.request_id)
        return CallState.REFUSED if failure.status in _REFUSALS else CallState.FAILED
