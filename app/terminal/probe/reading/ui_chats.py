"""Reads a chat of the AI SDK: an answer uncut, and beside it, resumed again and again, to cuts at random bytes.

The rule of that protocol: who resumes while the answer runs is shown all of it from its start and goes on live; 204
says that nothing runs, and then a client stays with what it has.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from app.terminal.probe.judging import COMPARED, Found, with_answers
from app.terminal.probe.promises import Breach, Promise
from app.terminal.probe.reading.busy import watched
from app.terminal.probe.reading.connecting import Asked, Go, How, Reading, read
from app.terminal.probe.reading.rounds import NothingToReadError, Plan, begins
from app.terminal.probe.seen.sse_blocks import Block
from app.terminal.probe.seen.ui_chunks import Message, compare
from app.terminal.probe.targets import Target

# Between two cuts, so that they fall into different parts of the answer.
PAUSE_SECONDS = (0.02, 0.4)
# Messages that are kept, for they are not what they have to be, or not known to be.
WRONG_MAX = 5
# Who is told that nothing runs may be that much ahead of the uncut reading.
APART_SECONDS = 0.5


@dataclass(slots=True)
class Chats:
    """One probe of one chat. `first` asks for the answer, `again` resumes it."""

    http: httpx.AsyncClient
    target: Target
    plan: Plan
    first: Asked
    again: Asked
    _begun: asyncio.Event = field(default_factory=asyncio.Event)
    _over: bool = False
    _size: int = 0
    _readings: list[Reading] = field(default_factory=list)
    _breaches: list[Breach] = field(default_factory=list)
    _cuts: int = 0
    _resumed: int = 0

    async def run(self) -> Found:
        """Raises `NothingToReadError`."""
        until = asyncio.get_running_loop().time() + self.plan.seconds
        uncut, messages = Message(), []
        async with watched() as busy, asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read_uncut(uncut, until))
            if await begins(reading, self._begun, tasks):
                messages = await self._resume(uncut, until)
            whole = (await reading).ended
        if not self._begun.is_set():
            raise NothingToReadError(self._readings[0])
        self._resumed += sum(message.chunks > 0 for message in messages)
        self._breaches += filter(None, (compare(uncut, one, whole=whole) for one in messages if one.chunks))
        facts = {"chunks": uncut.chunks, "cuts": self._cuts, "resumed": self._resumed}
        notes = ["the message was longer than is compared"] if uncut.full else []
        unshown = dict.fromkeys(COMPARED, "nothing was resumed while it ran: ask for a longer answer")
        found = Found(tuple(self._breaches), {} if self._resumed else unshown, tuple(notes), facts)
        return with_answers(found, self.target, self._readings, busy, whole=whole)

    async def _read_uncut(self, message: Message, until: float) -> Reading:
        taking = self._taking(message, counts=True)
        reading = await read(
            self.http, self.first, taking, until=until, silence=self.target.silence, on_head=self._begun.set
        )
        self._readings.insert(0, reading)
        self._over = True
        return reading

    def _taking(self, message: Message, *, counts: bool = False) -> Callable[[Block], Go]:
        def take(block: Block) -> Go:
            self._size += len(block.raw) if counts else 0
            if block.data is None:
                return Go.ON
            if breach := message.take(block.data):
                self._breaches.append(breach)
                return Go.STOP
            return Go.ENDED if message.done else Go.ON

        return take

    async def _resume(self, uncut: Message, until: float) -> list[Message]:
        """Cuts it as often as there is to be, and then reads it to its end, as long as it runs."""
        rng = random.Random(f"{self.plan.seed} chat")  # noqa: S311  # cuts, not secrets
        messages: list[Message] = []
        for number in range(self.plan.cuts + 1):
            await asyncio.sleep(rng.uniform(*PAUSE_SECONDS))
            if self._over:
                break
            messages.append(Message())
            cut = rng.randint(1, max(self._size, 64)) if number < self.plan.cuts else None
            reading = await read(
                self.http, self.again, self._taking(messages[-1]), until=until, silence=self.target.silence, cut=cut
            )
            self._readings.append(reading)
            self._cuts += reading.how is How.CUT
            right = [one for one in messages if not one.done and uncut.text.startswith(one.text)]
            self._resumed += sum(one.chunks > 0 for one in right)  # as far as it goes, and it goes no further
            messages = [one for one in messages if one not in right]
            if len(messages) > WRONG_MAX:
                break
            if reading.how is How.NOTHING:
                await self._told_nothing(uncut)
                break
            if reading.how in (How.REFUSED, How.LATE, How.TOO_LARGE):
                break
        return messages

    async def _told_nothing(self, uncut: Message) -> None:
        """204: whether it was true shows the uncut reading."""
        chunks = uncut.chunks
        await asyncio.sleep(APART_SECONDS)
        if not self._over and uncut.chunks > chunks:
            self._breaches.append(
                Breach(Promise.GAP, "204 to who resumed, and the answer went on: the rest of it is lost")
            )
