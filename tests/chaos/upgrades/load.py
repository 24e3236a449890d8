"""Streams that go on while a deployment is restarted, each read by many through the edge, and compared with its log.

The rule: a reader is an EventSource: it comes back after any end, and a status other than 200 and 204 is the end of it,
which no deployment may cause. Who submits is a client of ours: it asks again with its key.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable

import httpx

from app.stream import keys
from tests.chaos.case import Case
from tests.chaos.load.asks import WHOLE, Ask
from tests.chaos.upgrades.fleet import Fleet
from tests.chaos.upgrades.lag import Lag
from tests.harness.reader import Refused, Sight, UnavailableError, ViolationError, connect_once

ENDING_SECONDS = 180.0
LOOK_SECONDS = 0.25
# Streams end, and others begin: so many of the readers are as good as all.
ALL = 0.8


class Load:
    """Keeps `width` streams of about `seconds` each going, `readers` of each, until told to stop."""

    def __init__(self, fleet: Fleet, port: int, *, width: int, readers: int, rate: float, seconds: float) -> None:
        self.cases: list[Case] = []
        self.violations: list[str] = []
        self.submits: Counter[int] = Counter()
        self.lag = Lag()
        self.reading = self.reconnects = 0
        self._fleet, self._port = fleet, port
        self._width, self._readers, self._rate, self._seconds = width, readers, rate, seconds
        self._stopping = asyncio.Event()
        self._all_there = asyncio.Event()
        self._numbers = iter(range(1_000_000))
        limits = httpx.Limits(max_connections=50)
        self._http = httpx.AsyncClient(timeout=60, limits=limits, base_url=f"http://127.0.0.1:{port}")

    async def all_there(self) -> None:
        """Returns when every reader of the first streams reads."""
        await self._all_there.wait()

    def stop(self) -> None:
        """No stream is begun any more."""
        self._stopping.set()

    async def run(self) -> None:
        """Until every stream has ended."""
        looking = asyncio.create_task(self._look())
        try:
            await asyncio.gather(*(self._streams(n) for n in range(self._width)))
        finally:
            looking.cancel()
            await self._http.aclose()

    async def _streams(self, place: int) -> None:
        await asyncio.sleep(place / self._width * min(self._seconds, 10.0))
        while not self._stopping.is_set():
            try:
                await self._one(next(self._numbers))
            except ViolationError as violation:
                self.violations.append(str(violation))

    async def _one(self, number: int) -> None:
        tokens = max(5, round(self._rate * self._seconds * random.uniform(0.7, 1.3)))  # noqa: S311 - any will do
        tag = f"u{number}"
        text = f"Number {number}. [[sim: tokens={tokens} rate={self._rate:g} first=0.05 tag={tag}]]"
        ask = Ask(tag, text, WHOLE, tokens * 150)
        began = asyncio.get_running_loop().time()
        case = Case(await self._submit(ask), ask, began)
        self.cases.append(case)
        case.sights = [Sight(case.stream_id) for _ in range(self._readers)]
        self.lag.watch(case.stream_id, case.sights)
        try:
            async with asyncio.timeout(ENDING_SECONDS):
                await asyncio.gather(*(self._read(sight) for sight in case.sights))
        except TimeoutError:
            raise ViolationError(f"{case.stream_id}: no ending in time") from None
        finally:
            self.lag.forget(case.stream_id)
            self.reconnects += sum(sight.reconnects for sight in case.sights)
        log = await self._fleet.redis.get(keys.log(case.stream_id))
        case.judge(bytes(log or b""))

    async def _read(self, sight: Sight) -> None:
        self.reading += 1
        if self.reading >= ALL * self._width * self._readers:
            self._all_there.set()
        try:
            await read(sight, lambda: self._port)
        finally:
            self.reading -= 1

    async def _submit(self, ask: Ask) -> str:
        while True:
            with contextlib.suppress(httpx.TransportError):
                headers = {"idempotency-key": ask.tag}
                answer = await self._http.post("/v1/streams", json={"prompt": ask.text}, headers=headers)
                self.submits[answer.status_code] += 1
                if answer.status_code == httpx.codes.ACCEPTED:
                    return str(answer.json()["id"])
                if answer.status_code < 500:
                    raise ViolationError(f"submit: {answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(0.2)

    async def _look(self) -> None:
        redis = self._fleet.redis
        while True:
            ids = self.lag.watched
            async with redis.pipeline(transaction=False) as pipe:
                for stream_id in ids:
                    pipe.strlen(keys.log(stream_id))
                lengths = dict(zip(ids, await pipe.execute(), strict=True))
            self.lag.look(lengths, asyncio.get_running_loop().time())
            await asyncio.sleep(LOOK_SECONDS)


async def read(sight: Sight, port_of: Callable[[], int]) -> None:
    """As an EventSource reads, to the ending. Raises `ViolationError` where that would give up."""
    while sight.end is None and not sight.lost:
        try:
            if await connect_once(sight, port_of()) == httpx.codes.NO_CONTENT:
                return
        except (Refused, UnavailableError) as refused:
            raise ViolationError(f"{sight.stream_id}: a reader was told {refused}") from None
        except (OSError, EOFError, TimeoutError):
            pass
        if sight.end is None:
            sight.reconnects += 1
            await asyncio.sleep(sight.retry_seconds)
