"""The workers of a Deployment as processes: started when they are asked for, and told to end as a kubelet does it.

The rule: who is to go gets SIGTERM and the grace of its pod, and then SIGKILL, which is counted. It counts for nothing
from the signal on, and is there until it has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tests.harness.running import Running

# What a pod takes before its process begins, on a node that has the image: to be bound, its sandbox and its container.
SCHEDULED_SECONDS = 2.0
# A kubelet calls a pod by its address.
AS_A_KUBELET = {"host": "10.244.1.7:9464"}
PROBE_SECONDS = 0.2
BEAT_SECONDS = 0.02


@dataclass(slots=True, eq=False)
class _Pod:
    number: int
    is_ready: bool = False
    told: asyncio.Event = field(default_factory=asyncio.Event)


class Pods:
    def __init__(
        self, start: Callable[[], Running], readiness: str, grace: float, scheduled: float = SCHEDULED_SECONDS
    ) -> None:
        """Times are ours here. `readiness` is asked for on the port of the metrics."""
        self._start = start
        self._readiness = readiness
        self._grace = grace
        self._scheduled = scheduled
        self._pods: list[_Pod] = []
        self._living: set[asyncio.Task[None]] = set()
        self._made = 0
        self.killed = 0
        # Exit codes of those that have ended, and what is told of one that was not to.
        self.codes: list[int] = []
        self.fault = ""

    @property
    def there(self) -> int:
        """Those that are not told to go."""
        return len(self._pods)

    @property
    def ready(self) -> int:
        return sum(pod.is_ready for pod in self._pods)

    @property
    def processes(self) -> int:
        """Those that drain included."""
        return len(self._living)

    def scale(self, number: int) -> None:
        while len(self._pods) < number:
            self._made += 1
            pod = _Pod(self._made)
            self._pods.append(pod)
            living = asyncio.create_task(self._live(pod), name=f"worker-{pod.number}")
            self._living.add(living)
            living.add_done_callback(self._living.discard)
        # As a ReplicaSet chooses: those that are not ready first, then the newest.
        leaving = sorted(self._pods, key=lambda pod: (pod.is_ready, -pod.number))[: len(self._pods) - number]
        for pod in leaving:
            self._pods.remove(pod)
            pod.told.set()

    async def end(self) -> None:
        """Ends all of them, with the time that is theirs."""
        self.scale(0)
        while self._living:
            await asyncio.wait(self._living)

    async def _live(self, pod: _Pod) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._scheduled):
                await pod.told.wait()
                return  # it was not begun yet
        process = await asyncio.to_thread(self._start)
        with process:
            told, ending = asyncio.create_task(pod.told.wait()), asyncio.create_task(_end_of(process))
            starting = asyncio.create_task(self._be_ready(pod, process))
            await asyncio.wait([told, ending], return_when=asyncio.FIRST_COMPLETED)
            if not told.done():
                self.fault = f"a worker ended by itself:\n{process.output}"
            process.send(signal.SIGTERM)
            await asyncio.wait([ending], timeout=self._grace)
            if not ending.done():
                self.killed += 1
                process.send(signal.SIGKILL)
            self.codes.append(await ending)
            for task in (told, starting):
                task.cancel()

    async def _be_ready(self, pod: _Pod, process: Running) -> None:
        metrics = await asyncio.to_thread(process.line, r"^metrics on (http://\S+)/metrics$")
        async with httpx.AsyncClient(base_url=metrics[1], headers=AS_A_KUBELET) as http:
            while (await http.get(self._readiness)).status_code != httpx.codes.OK:
                await asyncio.sleep(PROBE_SECONDS)
        pod.is_ready = True


async def _end_of(process: Running) -> int:
    while (code := process.process.poll()) is None:
        await asyncio.sleep(BEAT_SECONDS)
    return code
