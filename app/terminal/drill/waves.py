"""Waves of canaries: submitted twice, read by several at once who leave and come back, and judged when they have ended.

The rule: nothing is given up because something was killed meanwhile, and nothing is waited for longer than it says.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from app.terminal.drill.guarantees import Broken, Canary, Guarantee, Sight, judge, still
from app.terminal.drill.reader_story import Story
from app.terminal.probe.canary import NotAskedError, Short, ask, prompt_of, text_of
from app.terminal.probe.promises import Promise
from app.terminal.probe.reading.connecting import Go, How, Reading, read
from app.terminal.probe.reading.cursor import Cursor, Tally
from app.terminal.probe.seen.sse_blocks import Block
from app.terminal.probe.targets import ENDS, KEEPSTREAM, Target

READERS = 3
RATE = 60
# Of a word's tokens, about.
WORD_TOKENS = 3
CUT_BYTES = (100, 20_000)
# How often a reader of those that cut themselves off does.
CUT_SHARE = 0.8
AGAIN_SECONDS = (0.1, 0.5)
ACCEPT_SECONDS = 60.0
BEGIN_SECONDS = 30.0
# What no repetition changes.
_FOR_GOOD = (400, 401, 402, 403, 404, 405, 413, 415, 422)
REAL_PROMPT = "Write about the sea, in {words} words."


@dataclass(frozen=True, slots=True)
class Load:
    """`seconds`: how long each canary is about to take; `patience`: how long its ending is waited for."""

    streams: int
    seconds: float
    patience: float
    seed: int
    simulated: bool = True

    @property
    def words(self) -> int:
        """How many each answer has."""
        return max(round(self.seconds * RATE / WORD_TOKENS), 10)

    def ask(self, number: int) -> tuple[str, str]:
        """A prompt, and the answer that it must have."""
        if not self.simulated:
            return REAL_PROMPT.format(words=self.words), ""
        text = f"{number} {text_of(self.words)}"
        return prompt_of(text, f"rate={RATE} first=0"), text


@dataclass(slots=True)
class Course:
    """What all waves together have seen."""

    broken: list[Broken] = field(default_factory=list)
    canaries: list[Canary] = field(default_factory=list)
    readings: int = 0
    cuts: int = 0
    resumed: int = 0
    resets: int = 0
    sent_away: int = 0

    def add(self, tally: Tally) -> None:
        self.readings += len(tally.readings)
        self.cuts += tally.cuts
        self.resumed += tally.honoured
        self.resets += tally.resets
        self.sent_away += sum(one.retry and one.how is How.CLEAN and not one.ended for one in tally.readings)
        for breach in tally.breaches:
            guarantee = Guarantee.G4 if breach.promise is Promise.ENDING else Guarantee.G1
            self.broken.append(Broken(guarantee, breach.what))
        for reading in tally.readings:
            if reading.how is How.CLEAN and (reading.amid or not (reading.ended or reading.retry)):
                self.broken.append(
                    Broken(Guarantee.EDGE, "a clean end, and neither the ending nor a word when to come")
                )


class Waves:
    """`urls`: the fronts, or what stands before them; any of them is as good as another."""

    def __init__(self, http: httpx.AsyncClient, urls: Sequence[str], load: Load) -> None:
        self.http = http
        self._urls = urls
        self._load = load
        self._rng = random.Random(load.seed)  # noqa: S311  # cuts, not secrets
        self._submitted = 0
        self.course = Course()

    async def wave(self, meanwhile: Callable[[Sequence[Canary]], Awaitable[None]]) -> list[Canary]:
        """Streams on their way, and while they are, `meanwhile`; returns when all have ended, or should have.

        `meanwhile` is told which there are.
        """
        until = asyncio.get_running_loop().time() + ACCEPT_SECONDS + self._load.patience
        tally = Tally()
        canaries: list[Canary] = []
        async with asyncio.TaskGroup() as tasks:

            async def begin(count: int) -> None:
                for canary in await asyncio.gather(*(self._submit() for _ in range(count))):
                    if canary is not None:
                        canaries.append(canary)
                        tasks.create_task(self._read_all(canary, tally, until))

            await begin(self._load.streams)
            await self._begun(canaries)
            disturbing = tasks.create_task(_as_task(meanwhile, tuple(canaries)))
            await begin(max(self._load.streams // 2, 1))  # while it happens
            await disturbing
        self.course.add(tally)
        for canary in canaries:
            canary.replayed = await self._replay(canary)
            self.course.broken += judge(canary, self._load.patience)
        self.course.canaries += canaries
        return canaries

    async def look_again(self) -> None:
        """At the end of all: every canary is what it was, and who has all of it is told so."""
        for canary in self.course.canaries:
            if canary.replayed is None or not canary.replayed.over:
                continue
            again = await self._replay(canary)
            if again is None or not again.over:
                self.course.broken.append(Broken(Guarantee.G4, f"{canary.stream_id}: it cannot be read any more"))
                continue
            self.course.broken += still(canary, again)
            last_id = again.stretches[-1].last_id
            reading = await self._nothing_more(canary, last_id)
            if reading.how is not How.NOTHING and reading.status:
                what = f"{canary.stream_id}: status {reading.status} behind its ending, in place of 204"
                self.course.broken.append(Broken(Guarantee.G4, what))

    async def _submit(self) -> Canary | None:
        """Twice with the same key, and once more with another body."""
        number, key = self._submitted, uuid4().hex
        self._submitted += 1
        prompt, text = self._load.ask(number)
        first = await self._accepted(prompt, key)
        if first is None:
            return None
        again = await self._accepted(prompt, key)
        if again is not None and again != first:
            self.course.broken.append(Broken(Guarantee.G5, f"{first} and {again} have the same key and body"))
        other = await self._asked(f"{prompt} ", key)
        if other is not None and other.status == httpx.codes.ACCEPTED:
            self.course.broken.append(Broken(Guarantee.G5, f"{first}: another body with its key was taken"))
        return Canary(first, text)

    async def _accepted(self, prompt: str, key: str) -> str | None:
        """The stream's id; a submit that is refused for now is sent again, with the same key."""
        until = asyncio.get_running_loop().time() + ACCEPT_SECONDS
        while asyncio.get_running_loop().time() < until:
            answer = await self._asked(prompt, key)
            if answer is not None and answer.status == httpx.codes.ACCEPTED:
                return answer.field("id")
            if answer is not None and answer.status in _FOR_GOOD:
                self.course.broken.append(Broken(Guarantee.G3, f"a prompt was refused with status {answer.status}"))
                return None
            await self._pause()
        self.course.broken.append(Broken(Guarantee.G3, f"no prompt was accepted for {ACCEPT_SECONDS:.0f} s"))
        return None

    async def _asked(self, prompt: str, key: str) -> Short | None:
        try:
            url = self._rng.choice(self._urls)
            return await ask(self.http, "POST", f"{url}/v1/streams", body={"prompt": prompt}, key=key)
        except NotAskedError:
            return None

    async def _begun(self, canaries: Sequence[Canary]) -> None:
        """Until each has content, or nobody waits any more: it may be its turn later."""
        until = asyncio.get_running_loop().time() + BEGIN_SECONDS
        while asyncio.get_running_loop().time() < until:
            if all(any(sight.story.began for sight in canary.sights) for canary in canaries):
                return
            await asyncio.sleep(0.05)

    async def _read_all(self, canary: Canary, tally: Tally, until: float) -> None:
        await asyncio.gather(*(self._follow(canary, tally, until, cutting=number > 0) for number in range(READERS)))

    async def _follow(self, canary: Canary, tally: Tally, until: float, *, cutting: bool) -> None:
        """One reader, from its start to the ending."""
        story = Story()
        cursor = Cursor(self.http, self._target(canary), tally, listen=story.take)
        sight = Sight(cursor.stretches, story, over=False)
        canary.sights.append(sight)
        while not cursor.over and asyncio.get_running_loop().time() < until:
            cut = self._cut() if cutting and self._rng.random() < CUT_SHARE else None
            cursor.target = self._target(canary)
            reading = await cursor.go(until=until, cut=cut)
            if reading.how is How.REFUSED:
                what = f"status {reading.status} to a reader that came back"
                self.course.broken.append(Broken(Guarantee.EDGE, what))
            if reading.how in (How.ENOUGH, How.TOO_LARGE):
                break
            if not cursor.over and reading.how is not How.CUT:
                await self._pause()
        sight.over = cursor.over

    async def _replay(self, canary: Canary) -> Sight | None:
        """What is given to who comes now; asked for again where the front is not there."""
        for _ in range(20):
            story, tally = Story(), Tally()
            cursor = Cursor(self.http, self._target(canary), tally, listen=story.take)
            await cursor.go(until=asyncio.get_running_loop().time() + BEGIN_SECONDS)
            if cursor.over:
                return Sight(cursor.stretches, story, over=True)
            await self._pause()
        return None

    async def _nothing_more(self, canary: Canary, last_id: str | None) -> Reading:
        def take(_: Block) -> Go:
            return Go.STOP

        target = self._target(canary)
        until = asyncio.get_running_loop().time() + BEGIN_SECONDS
        return await read(self.http, target.asked(last_id), take, until=until, silence=target.silence)

    def _target(self, canary: Canary) -> Target:
        url = self._rng.choice(self._urls)
        return Target(KEEPSTREAM, f"{url}/v1/streams/{canary.stream_id}/events", ENDS[KEEPSTREAM])

    def _cut(self) -> int:
        return round(math.exp(self._rng.uniform(*map(math.log, CUT_BYTES))))

    async def _pause(self) -> None:
        await asyncio.sleep(self._rng.uniform(*AGAIN_SECONDS))


async def _as_task(work: Callable[[Sequence[Canary]], Awaitable[None]], canaries: Sequence[Canary]) -> None:
    await work(canaries)
