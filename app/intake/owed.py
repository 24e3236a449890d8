"""What a front owes although Redis did not answer: done in the background, as soon as it answers again.

The rule: what is owed may be done twice, and is tried until it is done or would be of no use any more. It is bounded in
number and in bytes, and what finds no room is told in the log. Knows nothing of streams.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.stream.concurrency.tasks import jittered
from app.stream.observing import tell
from app.watch.events import of_fronts

PAUSE_SECONDS = 0.05
PAUSE_SECONDS_MAX = 0.5
# An outage in which more requests than this fail has taken more from its clients than what they left in Redis.
DEBTS_MAX = 10_000
BYTES_MAX = 64 * 1024 * 1024
AT_ONCE = 8

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Debt:
    name: str
    work: Work
    until: float
    size: int


class Owed:
    """Work that is retried until it is done."""

    def __init__(self) -> None:
        self._debts: deque[_Debt] = deque()
        self._names: Counter[str] = Counter()
        self._bytes = 0
        self._trying = 0
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._debts) + self._trying

    def owes(self, name: str) -> bool:
        """Whether something of this name is still to be done, or is being tried."""
        return self._names[name] > 0

    def add(self, name: str, work: Work, seconds: float, size: int = 0) -> None:
        """Does `work` once it succeeds, for `seconds` at the most; `size` is what it holds in memory until then."""
        if len(self._debts) >= DEBTS_MAX or self._bytes + size > BYTES_MAX:
            tell(of_fronts.WorkUndone(name, ""))
            return
        self._bytes += size
        self._names[name] += 1
        self._debts.append(_Debt(name, work, asyncio.get_running_loop().time() + seconds, size))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._pay(), name="owed")

    async def paid(self) -> None:
        """Returns when nothing is owed."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _pay(self) -> None:
        pause = PAUSE_SECONDS
        while self._debts:
            some = [self._debts.popleft() for _ in range(min(AT_ONCE, len(self._debts)))]
            self._trying = len(some)
            done = await asyncio.gather(*map(self._try, some))
            left = [debt for debt, is_done in zip(some, done, strict=True) if not is_done]
            self._trying = 0
            self._names -= Counter(debt.name for debt, is_done in zip(some, done, strict=True) if is_done)
            self._debts.extend(left)  # behind the others: what can never be done must not keep them waiting
            self._bytes = sum(debt.size for debt in self._debts)
            pause = min(pause * 2, PAUSE_SECONDS_MAX) if left else PAUSE_SECONDS
            if left:
                await asyncio.sleep(jittered(pause))

    async def _try(self, debt: _Debt) -> bool:
        """Whether there is nothing left to do."""
        try:
            await debt.work()
        except Exception as error:  # noqa: BLE001  # whatever it is, the others must not wait for it
            if asyncio.get_running_loop().time() < debt.until:
                return False
            tell(of_fronts.WorkUndone(debt.name, type(error).__name__))
        return True
