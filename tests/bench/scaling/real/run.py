"""The loop that a cluster has, for real: KEDA counts, the autoscaler reckons, workers are started and told to end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.bench.scaling.autoscaler import Autoscaler
from tests.bench.scaling.keda import Keda, count
from tests.bench.scaling.real.clock import Clock
from tests.bench.scaling.real.load import Load, Phase, Ran
from tests.bench.scaling.real.pods import SCHEDULED_SECONDS, Pods
from tests.bench.scaling.real.stage import KEY, Stage
from tests.bench.scaling.rule import SYNC_SECONDS, Pod, Rule


@dataclass(frozen=True, slots=True)
class Step:
    """Workers were asked for, at a time, because this was counted; so many took streams just then."""

    at: float
    asked: int
    ready: int
    counted: float


@dataclass(frozen=True, slots=True)
class Report:
    ran: Sequence[Ran]
    steps: Sequence[Step]
    codes: Sequence[int]
    killed: int
    left: float
    took: float

    @property
    def most(self) -> int:
        return max(step.asked for step in self.steps)

    @property
    def turns(self) -> int:
        """How often it went the other way: once for each time that workers were needed and no longer were."""
        ways = [after.asked > before.asked for before, after in pairwise(self.steps)]
        return sum(before != after for before, after in pairwise(ways))

    def waited(self, share: float, since: float = 0.0, until: float = float("inf")) -> float:
        """So many of those that came in a time waited for no longer."""
        waits = sorted(one.waited for one in self.ran if since <= one.came < until)
        return waits[min(len(waits) - 1, int(share * len(waits)))]

    @property
    def begun_anew(self) -> int:
        return sum(one.begun_anew for one in self.ran)


@dataclass(slots=True)
class _Deployment:
    clock: Clock
    pods: Pods
    asked: int = 0
    steps: list[Step] = field(default_factory=list)

    def ask(self, number: int, counted: float) -> None:
        if number != self.asked:
            self.asked = number
            self.pods.scale(number)
            self.steps.append(Step(self.clock.now(), number, self.pods.ready, counted))


async def scaled(
    overlay: str,
    rule: Rule,
    pod: Pod,
    phases: Sequence[Phase],
    *,
    speed: float = 1.0,
    seed: int = 7,
    warm: bool = False,
) -> Report:
    """From none, over all phases, to none again."""
    with Stage(overlay, pod, speed, warm=warm) as stage:
        clock, rng = Clock(speed), random.Random(seed)  # noqa: S311  # a load, no secret
        # What is left of the grace when the drain is over is for a process that hands over, whose time is ours.
        pods = Pods(stage.worker, pod.readiness, pod.grace - pod.drain + pod.drain / speed, SCHEDULED_SECONDS / speed)
        deployment = _Deployment(clock, pods, steps=[Step(0, 0, 0, 0)])
        redis, scaler = Redis.from_url(stage.valkey.url), Redis.from_url(stage.scalers_url)
        load = Load(clock, stage.port, KEY, redis, rng)
        scaling = asyncio.gather(
            _keda(deployment, Keda(rule), scaler), _autoscaler(deployment, Autoscaler(rule), scaler, rng)
        )
        try:
            loading = asyncio.ensure_future(load.run(phases))
            await asyncio.wait([scaling, loading], return_when=asyncio.FIRST_COMPLETED)
            if scaling.done():
                scaling.result()  # it never ends by itself
            await loading
            while deployment.asked or pods.processes:
                await asyncio.wait([scaling], timeout=0.05)
                if scaling.done():
                    scaling.result()
            left = await count(scaler, rule)
        finally:
            scaling.cancel()
            await asyncio.gather(scaling, return_exceptions=True)
            await pods.end()
            await redis.aclose()
            await scaler.aclose()
        return Report(load.ran, deployment.steps, pods.codes, pods.killed, left, clock.now())


async def _keda(deployment: _Deployment, keda: Keda, redis: Redis) -> None:
    while True:
        assert not deployment.pods.fault, deployment.pods.fault
        value = await _counted(redis, keda.rule)
        deployment.ask(keda.poll(deployment.clock.now(), deployment.asked, value), value or 0)
        await deployment.clock.sleep(keda.rule.polling)


async def _autoscaler(deployment: _Deployment, scaler: Autoscaler, redis: Redis, rng: random.Random) -> None:
    await deployment.clock.sleep(rng.uniform(0, SYNC_SECONDS))
    while True:
        if deployment.asked and (value := await _counted(redis, scaler.rule)) is not None:
            now, there = deployment.clock.now(), deployment.pods.there
            deployment.ask(scaler.look(now, deployment.asked, there, value), value)
        await deployment.clock.sleep(SYNC_SECONDS)


async def _counted(redis: Redis, rule: Rule) -> float | None:
    try:
        return await count(redis, rule)
    except RedisError:
        return None
