"""The gate before the upstream: whoever would call a model asks here for a turn, and tells here what came of the call.

The rule: what is known of a model's limits is known to all workers (`gate/law.lua`), and only Redis' clock counts. One
question at a time goes from here to a model's gate, for all who wait: nobody asks alone. Where no limit is near, the
first calls go without asking; where Redis does not tell, nobody waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.stream.concurrency.tasks import end
from app.stream.observing import tell
from app.stream.redis.refusals import NO_ANSWER, tell_refusal
from app.stream.workers.gates import Gates, Limit, Report
from app.watch.events import of_processes
from worker.upstream.limits import StandingLimits

# So many calls of a model may be without an answer for a worker to make another without asking, as long as no limit
# is near: so that who comes alone has no way more to go.
UNASKED = 2
# A model whose limit was met is asked for each call for so long.
STRICT_SECONDS = 60.0
# Whoever has to wait longer than this gives his slot to another.
PARK_SECONDS = 1.0
# What came of calls is told when somebody asks; after so long it says nothing any more.
FRESH_SECONDS = 2.0
# A question may follow on another so soon: what comes meanwhile is asked together.
PAUSE_SECONDS = 0.005
# Where streams wait in the line, somebody looks so often whether there is room to run them.
LOOK_SECONDS = 0.5
# Of a limit: with less than this left it is told to all.
TIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Later:
    """No turn for so many seconds: too long to hold a slot."""

    seconds: float


class Turn:
    """The right to make one call now; what came of it is to be told, once."""

    def __init__(self, model: _Model, era: int) -> None:
        self._model = model
        self._era = era
        self._told = False
        self._refused = False

    def taken(self, limits: Sequence[Limit] = ()) -> None:
        """The upstream takes the call, and says this of its limits."""
        if not self._told:
            self._tell(Report(taken=1, limits=limits))

    def refused(self, seconds: float | None) -> None:
        """It was a call too many. `seconds` the upstream asks to wait, if it says so."""
        if not self._refused:  # which may come after a head that said nothing of it
            self._refused = True
            self._tell(Report(refused_ms=0 if seconds is None else round(seconds * 1000), era=self._era))

    def _tell(self, told: Report) -> None:
        answered, self._told = not self._told, True
        self._model.heard(told, answered=answered)


@dataclass(slots=True, eq=False)
class _Waiter:
    """`patient`: it may be told to come later. `told` hears for how many seconds it has to wait, once."""

    patient: bool
    told: Callable[[float], None]
    answer: asyncio.Future[Turn | Later] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    knows: bool = False


class Gate:
    """The gates of all models, for the streams of `worker`. `room`: how many more streams it could run.

    To be closed.
    """

    def __init__(self, worker: str, gates: Gates, room: Callable[[], int]) -> None:
        self._worker = worker
        self._gates = gates
        self._room = room
        self._models: dict[str, _Model] = {}
        self._standing = StandingLimits(asyncio.get_running_loop().time)

    @property
    def limits(self) -> dict[str, Limit]:
        """What is left of the upstream's limits, as far as this worker knows, by their names."""
        return self._standing.now()

    async def close(self) -> None:
        await end(*(model.task for model in self._models.values() if model.task is not None))

    async def enter(
        self,
        name: str,
        *,
        calm: bool,
        patient: bool,
        told: Callable[[float], None],
        otherwise: float = 0.0,
        comes_back: str = "",
    ) -> Turn | Later:
        """A turn to call the model of this name, as soon as there is one. Safe to cancel.

        `calm`: no limit was near a moment ago. `patient`: the caller can come later; `told` is called with the seconds
        that it has to wait here. `otherwise`: how long it waits where Redis does not answer. `comes_back`: the id of a
        stream that was told to come later.
        """
        model = self._model(name)
        if not calm:
            model.strict()
        elif model.lets_pass:
            return model.turn()
        if comes_back:
            try:
                if await self._gates.leave_line(name, comes_back):
                    return model.turn()
            except NO_ANSWER as error:
                tell_refusal("gate", error)
        waiter = _Waiter(patient, told)
        model.waiters.append(waiter)
        model.stir()
        try:
            answer = await waiter.answer
            if model.blind:
                await asyncio.sleep(otherwise)
        except asyncio.CancelledError:
            model.withdraw(waiter)
            raise
        return answer

    def parked(self, name: str) -> None:
        """A stream of this model has joined the line just now: whoever looked before did not see it."""
        self._model(name).stir()

    async def look(self) -> None:
        """Sees to lines that nobody here has seen anybody join: those who did may be gone. Raises what Redis raises."""
        for name in await self._gates.lines():
            self.parked(name)

    def _model(self, name: str) -> _Model:
        if name not in self._models:
            for idle in [key for key, model in self._models.items() if model.is_idle]:
                del self._models[idle]
            self._models[name] = _Model(name, self._worker, self._gates, self._room, self._standing)
        return self._models[name]


class _Model:
    """One model's gate as this worker knows it."""

    def __init__(self, name: str, worker: str, gates: Gates, room: Callable[[], int], standing: StandingLimits) -> None:
        self.waiters: deque[_Waiter] = deque()
        self.task: asyncio.Task[None] | None = None
        self.blind = False  # Redis did not answer when it was asked last
        self._name = name
        self._worker = worker
        self._gates = gates
        self._room = room
        self._standing = standing
        self._clock = asyncio.get_running_loop().time
        self._unanswered = 0
        self._strict_until = 0.0
        self._heard: deque[tuple[float, Report]] = deque()  # with the moment at which it was
        self._era = 0
        self._news = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        return self.task is None and not self._unanswered and not self.waiters and self._clock() >= self._strict_until

    @property
    def lets_pass(self) -> bool:
        return not self.waiters and self._unanswered < UNASKED and self._clock() >= self._strict_until

    def strict(self) -> None:
        self._strict_until = self._clock() + STRICT_SECONDS

    def turn(self) -> Turn:
        self._unanswered += 1
        return Turn(self, self._era)

    def withdraw(self, waiter: _Waiter) -> None:
        """It does not wait any more; a turn that it was given is somebody else's."""
        if waiter in self.waiters:
            self.waiters.remove(waiter)
        elif (
            waiter.answer.done() and not waiter.answer.cancelled() and isinstance(turn := waiter.answer.result(), Turn)
        ):
            turn.taken()

    def heard(self, told: Report, *, answered: bool) -> None:
        """What came of a call; told to the gate when it matters, together with others."""
        self._unanswered -= answered
        self._standing.hear(told.limits)
        tight = any(limit.left < limit.most * TIGHT for limit in told.limits)
        if told.refused_ms is not None:
            self.strict()
        now = self._clock()
        while self._heard and self._heard[0][0] < now - FRESH_SECONDS:
            self._heard.popleft()
        self._heard.append((now, told))
        if self.waiters or tight or now < self._strict_until:
            self.stir()

    def stir(self) -> None:
        self._news.set()
        if self.task is None:
            self.task = asyncio.create_task(self._ask(), name="gate")

    async def _ask(self) -> None:
        """Asks for as long as anybody waits, here or in the line."""
        try:
            while await self._ask_once():
                pass
        except NO_ANSWER as error:
            tell_refusal("gate", error)
            self._open()
        except Exception as error:  # noqa: BLE001  # whatever it is: nobody waits for what does not come
            tell(of_processes.Fault.met("gate", error))
            self._open()
        finally:
            self.task = None

    def _open(self) -> None:
        """Where nobody tells who may go, all may."""
        self.blind = True
        self._forget_who_left()
        while self.waiters:
            self.waiters.popleft().answer.set_result(self.turn())

    def _forget_who_left(self) -> None:
        """Who was cancelled a moment ago has not run since, and stands here still."""
        self.waiters = deque([waiter for waiter in self.waiters if not waiter.answer.done()])

    async def _ask_once(self) -> bool:
        self._news.clear()
        told = _together([told for _, told in self._heard])
        self._heard.clear()
        turns = await self._gates.ask(
            self._name,
            told,
            worker=self._worker,
            unanswered=self._unanswered,
            waiting=len(self.waiters),
            room=max(self._room(), 0),
        )
        self._era, self.blind = turns.era, False
        self._forget_who_left()
        for _ in range(min(turns.given, len(self.waiters))):
            self.waiters.popleft().answer.set_result(self.turn())
        if self.waiters or turns.line:
            self.strict()
        for place, waiter in enumerate(list(self.waiters)):
            wait = turns.wait + ((turns.line + place) / turns.rate if turns.rate else 0.0)
            if wait > PARK_SECONDS and waiter.patient:
                self.waiters.remove(waiter)
                waiter.answer.set_result(Later(wait))
            elif not waiter.knows:
                waiter.knows = True
                waiter.told(wait)
        await asyncio.sleep(PAUSE_SECONDS)
        if not (self.waiters or turns.line or self._news.is_set()):
            return False
        wait = min(turns.wait, LOOK_SECONDS) if turns.line else turns.wait
        try:
            async with asyncio.timeout(wait):
                await self._news.wait()
        except TimeoutError:
            pass
        return True


def _together(heard: Sequence[Report]) -> Report:
    """What is told at once: of refusals the newest era counts, and the longest wait; of limits what was said last."""
    refused = [told for told in heard if told.refused_ms is not None]
    limits = {limit.name: limit for told in heard for limit in told.limits}
    return Report(
        sum(told.taken for told in heard),
        max((told.refused_ms for told in refused if told.refused_ms is not None), default=None),
        max((told.era for told in refused), default=0),
        list(limits.values()),
    )
