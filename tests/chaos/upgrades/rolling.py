"""One rolling restart: a deployment of one version becomes one of another, process by process, under load."""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise

from tests.chaos.upgrades.before import Release
from tests.chaos.upgrades.fleet import Fleet
from tests.chaos.upgrades.load import Load

# Of a run whose answers are not whole nothing is known.
WHOLE_SHARE = 0.95


@dataclass(frozen=True)
class Size:
    """`streams` at a time, of about `seconds` each, with `readers` of each."""

    streams: int
    readers: int
    rate: float
    seconds: float
    fronts: int = 2
    workers: int = 3
    drain_seconds: float = 10.0
    pause_seconds: float = 2.0  # between two processes, as who does it by hand or a rollout waits
    first: str = "worker"  # or "front": which go first


@dataclass
class Report:
    """`took`: how long each process took to come, and to leave, in seconds."""

    load: Load
    took: dict[str, list[float]]
    cpu: float
    began: list[str]
    violations: list[str]

    def text(self) -> str:
        cases = self.load.cases
        seconds = sorted(self.load.lag.seconds) or [0.0]
        first = max(self.load.lag.first, default=0.0)
        outcomes = Counter(case.outcome or "unknown" for case in cases)
        return "\n".join(
            [
                f"from {self.began[0]} to {self.began[-1]}",
                f"{len(cases)} streams ({_counts(outcomes)}), {sum(case.resets for case in cases)} handed over",
                f"{sum(len(case.sights) for case in cases)} readers, {self.load.reconnects} reconnects",
                f"submits: {_counts(self.load.submits)}",
                ", ".join(f"{what} in {max(seconds):.1f} s" for what, seconds in self.took.items()),
                f"behind: {_part(seconds, 0.5):.2f} s p50, {_part(seconds, 0.99):.2f} p99, {seconds[-1]:.2f} at worst",
                f"who came and had read nothing yet waited for {first:.2f} s at worst",
                f"the readers' own process used {self.cpu:.0f} % of a core",
                f"{len(self.violations)} violations",
                *self.violations[:20],
            ]
        )


async def roll(
    releases: list[Release],
    size: Size,
    told: Callable[[str], object] = str,
    mixed: Callable[[int], Awaitable[object]] | None = None,
) -> Report:
    """From the first of these to the next, and so on; `told` hears how far it is. `mixed` is awaited where fronts and
    workers are of different versions, with the port of the edge.
    """
    settings = {"drain_seconds": size.drain_seconds, "worker_streams": 2 * size.streams, "lease_seconds": 4}
    fleet = Fleet(releases[0], workers=size.workers, fronts=size.fronts, **settings)
    loop = asyncio.get_running_loop()

    async def restart(name: str, number: int) -> None:
        await (fleet.roll_worker(number) if name == "worker" else fleet.roll_front(number))
        told(f"{name} {number} is {fleet.release.name}, {load.reading} read, {load.lag.worst:.1f} s behind at the most")
        await asyncio.sleep(size.pause_seconds)

    async def become(release: Release) -> None:
        fleet.release = release
        kinds = {"worker": size.workers, "front": size.fronts}
        for step, name in enumerate(sorted(kinds, key=lambda kind: kind != size.first)):
            if step and mixed is not None:
                await mixed(port)
            for number in range(kinds[name]):
                await restart(name, number)

    began_at, cpu = loop.time(), _cpu()
    async with fleet, fleet.caddy() as port:
        load = Load(fleet, port, width=size.streams, readers=size.readers, rate=size.rate, seconds=size.seconds)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run())
            await load.all_there()
            for _, release in pairwise(releases):
                await become(release)
                told(f"all are {release.name}")
            load.stop()
        left_as = set(fleet.of.values())
    used = 100 * (_cpu() - cpu) / (loop.time() - began_at)
    violations = [*load.violations, *_few(load)]
    if left_as != {releases[-1].name}:
        violations.append(f"the processes are of {left_as}")
    return Report(load, fleet.took, used, [release.name for release in releases], violations)


def _few(load: Load) -> list[str]:
    whole = sum(case.outcome == "completed" for case in load.cases)
    return [] if whole >= WHOLE_SHARE * len(load.cases) else [f"only {whole} of {len(load.cases)} were answered whole"]


def _part(values: list[float], part: float) -> float:
    return values[min(int(part * len(values)), len(values) - 1)]


def _counts(counted: Counter[str] | Counter[int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counted.most_common())


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
