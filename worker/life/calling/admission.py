"""What a stream waits for at the gate, told to its readers.

The rule: waiting is no event of a stream and is never logged; who reads is told by an aside. What the upstream said to
a refused call goes to the gate, but for a wait that is too long for anybody: that stream fails by itself.
"""

from __future__ import annotations

from collections.abc import Callable

from app.stream.asides import Held
from app.stream.log import Claim
from worker.life import decide
from worker.life.calling.announce import Announcer
from worker.life.chronicle import Chronicle
from worker.life.decide import Allowance
from worker.life.steps import NextCall, Refused, Start
from worker.upstream.failure import Failure
from worker.upstream.gate import Gate, Later, Turn

# A shorter wait at the gate is not worth a word.
TOLD_SECONDS = 0.25


class Admission:
    """A claimed stream's waits; `parked`: it comes back from one that it spent in the line.

    `held` is called when it has to wait for so long that it is told.
    """

    def __init__(
        self,
        claim: Claim,
        gate: Gate,
        announcer: Announcer,
        chronicle: Chronicle,
        held: Callable[[], None],
        *,
        parked: bool,
    ) -> None:
        self._claim = claim
        self._gate = gate
        self._announcer = announcer
        self._chronicle = chronicle
        self._held = held
        self._parked = parked
        self._told = parked

    async def turn(self, step: NextCall, model: str) -> Turn | Later:
        """A turn to call `model`; where that takes too long to keep a slot, it tells so."""
        turn = await self._gate.enter(
            model,
            calm=isinstance(step, Start) and self._claim.calm,  # a moment ago
            patient=True,
            told=self._tell,
            otherwise=step.wait if isinstance(step, Refused) else 0.0,
            comes_back=self._claim.stream_id if self._parked else "",
        )
        self._parked = False
        if isinstance(turn, Later):
            self._tell(turn.seconds, parked=True)
        elif self._told:
            self._told = False
            self._announcer.withdraw(self._claim.stream_id)
        return turn

    def _tell(self, seconds: float, *, parked: bool = False) -> None:
        if seconds >= TOLD_SECONDS:
            self._chronicle.held(seconds, parked=parked)
            self._told = True
            self._held()
            self._announcer.announce(self._claim.stream_id, Held(round(seconds * 1000)))


def report(turn: Turn | Later | None, told: Failure, allowed: Allowance) -> None:
    """Tells the gate of a refusal."""
    if told.status == decide.TOO_MANY_REQUESTS and isinstance(turn, Turn):
        asked = told.retry_after
        if asked is None or asked <= allowed.wait_max:
            turn.refused(asked)
