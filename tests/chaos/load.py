"""What goes on meanwhile: streams that are submitted, read by several, and compared with what they had to be."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field

import httpx
import orjson

from app.stream import frames, keys
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, ViolationError, watch
from worker.simulator import answer_for

# What an upstream does to one call in so many.
FAULTS = (
    "",
    "",
    "",
    "[[sim: cut-after=7 times=1]]",
    "[[sim: status=529 times=1]]",
    "[[sim: status=429 retry-after=1 times=1]]",
    "[[sim: end-after=9 times=1]]",
    "[[sim: error-after=5 times=1]]",
    "[[sim: bad-json-after=4 times=1]]",
    "[[sim: thinking]]",
    "[[sim: hostile]]",
)
SUBMIT_SECONDS = 60.0
# Above STREAM_SECONDS_MAX of the run: by then every stream must have ended, whatever was done to it.
ENDING_SECONDS = 60.0


@dataclass
class Case:
    """One stream of the load, with what it was and what became of it."""

    stream_id: str
    text: str
    cancelled: bool
    sights: list[Sight] = field(default_factory=list)


class Load:
    """Keeps `width` streams going until told to stop. Violations are collected in `violations`."""

    def __init__(self, cluster: Cluster, rng: random.Random, width: int) -> None:
        self.cases: list[Case] = []
        self.violations: list[str] = []
        self.outcomes: dict[str, int] = {}
        self._cluster = cluster
        self._rng = rng
        self._width = width
        self._stopping = False
        self._number = 0
        # The nemesis cuts connections at will: what counts is what is said in the end.
        self._http = httpx.AsyncClient(timeout=5, limits=httpx.Limits(max_keepalive_connections=0))

    async def run(self, seconds: float) -> None:
        """Runs for so long, then lets every stream come to its ending."""
        asyncio.get_running_loop().call_later(seconds, self._stop)
        async with self._http, asyncio.TaskGroup() as group:
            for _ in range(self._width):
                group.create_task(self._one_after_the_other())

    def _stop(self) -> None:
        self._stopping = True

    async def _one_after_the_other(self) -> None:
        while not self._stopping:
            try:
                await self._one_stream()
            except ViolationError as violation:
                self.violations.append(str(violation))
            except TimeoutError:
                self.violations.append("a stream did not end, or could not be submitted, in time")

    async def _one_stream(self) -> None:
        self._number += 1
        text = (
            f"Number {self._number}. {self._rng.choice(FAULTS)} "
            f"[[sim: tokens={self._rng.randrange(1, 250)} rate={self._rng.choice([40, 80, 200])} first=0.05]]"
        )
        async with asyncio.timeout(SUBMIT_SECONDS):
            stream_id = await self._submit(text)
        case = Case(stream_id, text, cancelled=self._rng.random() < 0.1)
        self.cases.append(case)
        case.sights = [Sight(stream_id) for _ in range(self._rng.randrange(1, 4))]
        try:
            async with asyncio.timeout(ENDING_SECONDS):
                await asyncio.gather(*(self._read(sight) for sight in case.sights), self._maybe_cancel(case))
        except TimeoutError:
            raise ViolationError(f"{stream_id}: no ending in time: {await self._where(case)}") from None
        await self._judge(case)

    async def _submit(self, text: str) -> str:
        """Repeats until it is accepted; the Idempotency-Key makes one stream of it."""
        body = orjson.dumps({"prompt": text})
        headers = {"content-type": "application/json", "idempotency-key": f"{self._number}-{self._rng.random()}"}
        while True:
            with contextlib.suppress(httpx.TransportError):
                url = f"http://127.0.0.1:{self._cluster.any_front()}/v1/streams"
                answer = await self._http.post(url, content=body, headers=headers)
                if answer.status_code == httpx.codes.ACCEPTED:
                    return str(answer.json()["id"])
                if answer.status_code < 500 and answer.status_code != 429:
                    raise ViolationError(f"submit: {answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(0.1)

    async def _read(self, sight: Sight) -> None:
        await asyncio.sleep(self._rng.uniform(0, 1))
        impatient = self._rng.random() < 0.5
        await watch(
            sight, self._cluster.any_front, leave_after=lambda: self._rng.uniform(0.05, 2) if impatient else 3600.0
        )

    async def _maybe_cancel(self, case: Case) -> None:
        if not case.cancelled:
            return
        await asyncio.sleep(self._rng.uniform(0, 2))
        while True:
            with contextlib.suppress(httpx.TransportError):
                url = f"http://127.0.0.1:{self._cluster.any_front()}/v1/streams/{case.stream_id}/cancel"
                answer = await self._http.post(url)
                if answer.status_code == httpx.codes.ACCEPTED:
                    return
            await asyncio.sleep(0.1)

    async def _judge(self, case: Case) -> None:
        """Compares what was seen with the log, the log with itself, and the answer with what it had to be."""
        log = await self._log(case.stream_id)
        if frames.follow(log, *frames.origin(case.stream_id)) is None:
            raise ViolationError(f"{case.stream_id}: the log does not prove itself")
        names = [frame.name for frame in frames.split(log)]
        if names.count("relay.end") != 1 or names[-1] != "relay.end":
            raise ViolationError(f"{case.stream_id}: {names.count('relay.end')} endings, the last is {names[-1]}")
        attempts = _attempts(names)
        if any(attempt.count("message_start") > 1 for attempt in attempts):
            raise ViolationError(f"{case.stream_id}: two answers between two resets")
        for sight in case.sights:
            if sight.lost:
                raise ViolationError(f"{case.stream_id}: said to be lost")
            if not log.endswith(sight.seen):
                raise ViolationError(f"{case.stream_id}: a reader saw what is not the log's end")
        end = orjson.loads(list(frames.split(log))[-1].data)
        self.outcomes[end["outcome"]] = self.outcomes.get(end["outcome"], 0) + 1
        if end["outcome"] in ("completed", "truncated"):
            self._judge_answer(case)
        elif end["outcome"] == "cancelled" and not case.cancelled:
            raise ViolationError(f"{case.stream_id}: cancelled by nobody")

    def _judge_answer(self, case: Case) -> None:
        expected = answer_for([{"role": "user", "content": case.text}])
        for sight in case.sights:
            if sight.seen and sight.text() != expected:
                raise ViolationError(f"{case.stream_id}: completed with another text: {sight.text()[:80]!r}")

    async def _where(self, case: Case) -> str:
        """Where a stream stands that should have ended, for whoever has to find out why."""
        redis, stream_id = self._cluster.redis, case.stream_id
        meta = await redis.hmget(keys.meta(stream_id), "state", "fence", "holder", "attempt", "cancel", "outcome")
        length = await redis.strlen(keys.log(stream_id))
        job, lease = await redis.zscore(keys.JOBS, stream_id), await redis.zscore(keys.LEASES, stream_id)
        seen = [(sight.position, sight.reconnects, sight.end is not None) for sight in case.sights]
        return f"meta {meta}, log {length}, job {job}, lease {lease}, readers {seen}, text {case.text}"

    async def _log(self, stream_id: str) -> bytes:
        """The log itself, from Redis, whenever it can be reached."""
        while True:
            with contextlib.suppress(Exception):  # whatever it is, the next try tells
                return bytes(await self._cluster.redis.get(keys.log(stream_id)) or b"")
            await asyncio.sleep(0.1)


def _attempts(names: list[str | None]) -> list[list[str | None]]:
    attempts: list[list[str | None]] = [[]]
    for name in names:
        if name == "relay.reset":
            attempts.append([])
        attempts[-1].append(name)
    return attempts
