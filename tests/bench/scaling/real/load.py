"""Streams that come at a given rate, each read to its ending, and compared with its log and the prompt's answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
from redis.asyncio import Redis

from app.dev.simulator import answer_for
from app.stream import keys
from tests.bench.scaling.real.clock import Clock
from tests.harness.reader import Sight, watch
from tests.patience import PATIENCE

# Of the cluster's: how long a stream lasts is what counts here, not how much it says.
TOKENS_PER_SECOND = 1.0


@dataclass(frozen=True, slots=True)
class Phase:
    """For so long so many streams come a second, after `burst` that come at once; each lasts for a while of `lasts`."""

    seconds: float
    rate: float
    burst: int = 0
    lasts: tuple[float, float] = (15.0, 30.0)


@dataclass(frozen=True, slots=True)
class Ran:
    """One stream: when it came, how long it waited, in the cluster's seconds, and how often it was begun anew."""

    came: float
    waited: float
    begun_anew: int


class Load:
    def __init__(self, clock: Clock, port: int, key: str, redis: Redis, rng: random.Random) -> None:
        self._clock = clock
        self._port = port
        self._key = key
        self._redis = redis
        self._rng = rng
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"x-api-key": key}, timeout=PATIENCE, limits=httpx.Limits()
        )
        self._number = 0
        self.ran: list[Ran] = []

    async def run(self, phases: Sequence[Phase]) -> None:
        """Returns when all that was asked has ended. Raises `AssertionError` for what is not as it has to be."""
        due = self._clock.now()
        async with self._http, asyncio.TaskGroup() as group:
            for phase in phases:
                for _ in range(phase.burst):
                    group.create_task(self._one(phase.lasts))
                until = due + phase.seconds
                while phase.rate and (due := due + self._rng.expovariate(phase.rate)) < until:
                    await self._clock.sleep(due - self._clock.now())
                    group.create_task(self._one(phase.lasts))
                due = until
                await self._clock.sleep(due - self._clock.now())

    async def _one(self, lasts: tuple[float, float]) -> None:
        self._number += 1
        came, tokens = self._clock.now(), max(2, round(self._rng.uniform(*lasts) * TOKENS_PER_SECOND))
        speed = self._clock.speed
        text = f"{self._number} [[sim: tokens={tokens} rate={TOKENS_PER_SECOND * speed:g} first={0.5 / speed:g}]]"
        answer = await self._http.post("/v1/streams", json={"prompt": text})
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        stream_id = answer.json()["id"]
        sight = Sight(stream_id)
        await watch(sight, lambda: self._port, key=self._key)
        assert sight.end is not None, stream_id
        assert sight.end["outcome"] == "completed", (stream_id, sight.end)
        assert sight.text() == answer_for([{"role": "user", "content": text}]), stream_id
        log = bytes(await self._redis.get(keys.log(stream_id)) or b"")
        assert log.endswith(bytes(sight.seen)), stream_id
        shown = (await self._http.get(f"/v1/streams/{stream_id}")).json()
        waited = datetime.fromisoformat(shown["started_at"]) - datetime.fromisoformat(shown["created_at"])
        self.ran.append(Ran(came, waited.total_seconds() * speed, log.count(b"event: relay.reset\n")))
