"""What goes on meanwhile: streams that are asked for over every face, read by several, and compared with the log."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import httpx

from app.stream import keys
from app.stream.ledger.lines import Calls, calls_of
from tests.chaos.case import Case
from tests.chaos.costs import Costs
from tests.chaos.load.asks import FAULTS, WHOLE, Ask, Fault, ask, small
from tests.chaos.load.clients import Chat, ask_messages
from tests.chaos.load.manners import reading
from tests.chaos.load.talk import Talk
from tests.chaos.loops.asks import loop, relay
from tests.chaos.loops.case import Loop
from tests.chaos.loops.person import decide
from tests.harness.cluster import Cluster
from tests.harness.reader import Refused, Sight, ViolationError, watch

SUBMIT_SECONDS = 60.0
# Above STREAM_SECONDS_MAX of the run: by then every stream must have ended, whatever was done to it.
ENDING_SECONDS = 100.0
# By then also the queue knows that a stream has ended, whatever Redis refused.
FORGOTTEN_SECONDS = 20.0
# So many large ones at a time: each is held by its readers, too.
LARGE_AT_ONCE = 2
HERD = 12
# The answer of a conversation that breaks after content, at its one call.
BROKEN = Fault("cut-after=12 times=1")


class Load:
    """Keeps `width` streams going until told to stop. Violations are collected in `violations`."""

    def __init__(self, cluster: Cluster, rng: random.Random, width: int, tools: float, most: float = math.inf) -> None:
        """`tools`: the share of loops of tools; `most`: so many streams are enough."""
        self.cases: list[Case] = []
        self.violations: list[str] = []
        # What was answered with an error, and so must not have been started: tags.
        self.refused: list[str] = []
        self.reconnects = self.readers = 0
        self._cluster = cluster
        self._rng = rng
        self._width = width
        self._most = most
        self._stopping = False
        self._number = 0
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        # The nemesis cuts connections at will: what counts is what is said in the end.
        self._http = httpx.AsyncClient(timeout=5, limits=httpx.Limits(max_keepalive_connections=0))
        others = 1 - tools
        self._kinds: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (0.6 * others, self._native),
            (0.12 * others, self._once),
            (0.1 * others, self._messages),
            (0.1 * others, self._chat),
            (0.08 * others, self._talk),
            (tools, self._loop),
        ]

    def exist(self) -> int:
        """How many streams there can be at the most: those that ended long ago do not."""
        long_ago = asyncio.get_running_loop().time() - FORGOTTEN_SECONDS
        return self._number - sum(bool(case.outcome) and case.ended < long_ago for case in self.cases)

    async def run(self, seconds: float) -> None:
        """Runs for so long, then lets every stream come to its ending."""
        asyncio.get_running_loop().call_later(seconds, self._stop)
        async with self._http, asyncio.TaskGroup() as group:
            for _ in range(self._width):
                group.create_task(self._one_after_the_other())

    def _stop(self) -> None:
        self._stopping = True

    def over(self) -> bool:
        """Whether nothing more is asked."""
        return self._stopping or self._number >= self._most

    async def _one_after_the_other(self) -> None:
        while not self.over():
            [(_, kind)] = self._rng.choices(self._kinds, [weight for weight, _ in self._kinds])
            try:
                await kind()
            except ViolationError as violation:
                self.violations.append(str(violation))

    # --- the kinds

    async def _native(self) -> None:
        asked = ask(self._next(), self._rng)
        async with self._large if asked.large else contextlib.nullcontext():
            began = self._now()
            async with self._in_time(SUBMIT_SECONDS, f"{asked.tag} could not be submitted"):
                stream_id = await self._submit(asked)
            case = Case(stream_id, asked, began, cancelled=self._rng.random() < 0.1)
            await self._see(case, self._rng.randrange(1, 4))

    async def _loop(self) -> None:
        asked, began = loop(self._next(), self._rng), self._now()
        async with self._in_time(SUBMIT_SECONDS, f"{asked.tag} could not be submitted"):
            stream_id = await self._submit(asked, relay=relay())
        case = Loop(stream_id, asked, began, cancelled=self._rng.random() < 0.1, face="tools")
        person = decide(self._http, self._url, case, self._rng) if "sign" in asked.text else None
        await self._see(case, self._rng.randrange(1, 3), person)

    async def _once(self) -> None:
        """Asks once, without a key: an error means that nothing was started."""
        asked, began = small(self._next(), self._rng), self._now()
        try:
            answer = await self._http.post(
                self._url("/v1/streams"), json={"prompt": asked.text}, timeout=SUBMIT_SECONDS
            )
        except httpx.TransportError:
            return  # nobody knows
        if answer.status_code == httpx.codes.ACCEPTED:
            await self._see(Case(answer.json()["id"], asked, began, face="once"), 1)
        elif answer.status_code >= 500 or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            self.refused.append(asked.tag)
        else:
            raise ViolationError(f"submit: {answer.status_code} {answer.text[:200]}")

    async def _messages(self) -> None:
        asked, began = small(self._next(), self._rng, self._rng.choice(FAULTS)), self._now()
        async with self._in_time(ENDING_SECONDS, f"{asked.tag} was not answered on /v1/messages"):
            stream_id = await ask_messages(self._http, self._url, asked, self._rng)
        if stream_id is not None:
            await self._see(Case(stream_id, asked, began, keeps=True, face="messages"), 1)

    async def _chat(self) -> None:
        asked, began = small(self._next(), self._rng), self._now()
        chat = Chat(self._http, self._url, asked, self._rng)
        async with self._in_time(ENDING_SECONDS + SUBMIT_SECONDS, f"{asked.tag} was not answered on /api/chat"):
            await chat.run()
        assert chat.stream_id is not None
        await self._see(Case(chat.stream_id, asked, began, keeps=True, face="chat"), 1)

    async def _talk(self) -> None:
        talk = Talk(self._http, self._url, self._rng)
        async with self._in_time(SUBMIT_SECONDS, "a conversation could not be begun"):
            await talk.begin()
        turns: list[tuple[Ask, Sight]] = []
        for fault in (self._rng.choice([BROKEN, WHOLE]), WHOLE):
            before = turns[-1][0].text if turns else ""
            asked = replace(small(self._next(), self._rng, fault, tokens=60), before=before)
            began = self._now()
            async with self._in_time(SUBMIT_SECONDS, f"{asked.tag} could not be said"):
                stream_id = await talk.say(asked)
            case = Case(stream_id, asked, began, keeps=True, face="talk")
            await self._see(case, 1, of_many=bool(turns))
            shown = Sight(stream_id, seen=bytearray(await self._log(stream_id)), end={"outcome": case.outcome})
            turns.append((asked, shown))
        async with self._in_time(SUBMIT_SECONDS, "a conversation could not be read"):
            await talk.check(turns)

    # --- the readers

    async def _see(
        self, case: Case, count: int, beside: Awaitable[None] | None = None, *, of_many: bool = False
    ) -> None:
        """Reads it to its ending, several in their own ways, `beside` what else is done to it, and judges."""
        self.cases.append(case)
        case.sights = [Sight(case.stream_id) for _ in range(count)]
        herd = not of_many and case.face == "native" and (case.ask.large or self._rng.random() < 0.07)
        joining = [Sight(case.stream_id) for _ in range(HERD if herd else 0)]
        try:
            async with self._in_time(ENDING_SECONDS, f"{case.stream_id}: no ending in time", case):
                await asyncio.gather(
                    *(self._read(sight, self._rng.uniform(0, 1)) for sight in case.sights),
                    *(self._read(sight, 1.5) for sight in joining),
                    self._maybe_cancel(case),
                    *([beside] if beside else ()),
                )
            case.sights += joining
            log = await self._log(case.stream_id)
            case.costs = Costs.of(await self._calls(case.stream_id), log)
        finally:
            case.ended = self._now()
            self.readers += len(case.sights)
            self.reconnects += sum(sight.reconnects for sight in case.sights)
        case.judge(log)

    async def _read(self, sight: Sight, after: float) -> None:
        await asyncio.sleep(after)
        how = reading(self._rng)
        # The proxies close both ways at once: who closes his own alone speaks with the front itself.
        port_of = self._cluster.any_front_itself if how.manner.half else self._cluster.any_front
        try:
            await watch(sight, port_of, leave_after=how.stay, manner=how.manner)
        except Refused as refused:
            raise ViolationError(f"{sight.stream_id}: a reader ({how.name}) was told {refused}") from None

    async def _maybe_cancel(self, case: Case) -> None:
        if not case.cancelled:
            return
        await asyncio.sleep(self._rng.uniform(0, 5 if isinstance(case, Loop) else 2))
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await self._http.post(self._url(f"/v1/streams/{case.stream_id}/cancel"))
                if answer.status_code == httpx.codes.ACCEPTED:
                    return
            await asyncio.sleep(0.1)

    # --- what they are made of

    async def _submit(self, asked: Ask, **more: object) -> str:
        """Repeats until it is accepted; the Idempotency-Key makes one stream of it."""
        headers = {"idempotency-key": f"{asked.tag}-{self._rng.random()}"}
        while True:
            with contextlib.suppress(httpx.TransportError):
                body = {"prompt": asked.text, **more}
                answer = await self._http.post(self._url("/v1/streams"), json=body, headers=headers)
                if answer.status_code == httpx.codes.ACCEPTED:
                    return str(answer.json()["id"])
                if answer.status_code < 500 and answer.status_code != 429:
                    raise ViolationError(f"submit: {answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(0.1)

    @contextlib.asynccontextmanager
    async def _in_time(self, seconds: float, otherwise: str, case: Case | None = None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise ViolationError(f"{otherwise}: {await self._where(case) if case else ''}") from None

    async def _where(self, case: Case) -> str:
        """Where a stream stands that should have ended, for whoever has to find out why."""
        redis, streams, stream_id = self._cluster.redis, self._cluster.streams, case.stream_id
        meta = await streams.hmget(keys.meta(stream_id), "state", "fence", "holder", "attempt", "cancel", "outcome")
        length = await streams.strlen(keys.log(stream_id))
        job, lease = await redis.zscore(keys.JOBS, stream_id), await redis.zscore(keys.LEASES, stream_id)
        seen = [(sight.position, sight.reconnects, sight.end is not None) for sight in case.sights]
        return f"meta {meta}, log {length}, job {job}, lease {lease}, readers {seen}, text {case.ask.text}"

    async def _log(self, stream_id: str) -> bytes:
        """The log itself, from Redis, whenever it can be reached."""
        while True:
            with contextlib.suppress(Exception):  # whatever it is, the next try tells
                return bytes(await self._cluster.streams.get(keys.log(stream_id)) or b"")
            await asyncio.sleep(0.1)

    async def _calls(self, stream_id: str) -> Calls:
        """Its ledger, likewise."""
        while True:
            with contextlib.suppress(Exception):  # as above
                return calls_of(await self._cluster.streams.hget(keys.meta(stream_id), "calls"), 0, "")
            await asyncio.sleep(0.1)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._cluster.any_front()}{path}"

    def _next(self) -> int:
        self._number += 1
        return self._number

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
