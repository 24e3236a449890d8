"""What the board says during a run, held against what is known of the run.

The rule: nothing on it lies. Never does more run than there is, never is a number negative, a worker that was killed
works no more three seconds later, and none is called dead that nobody has touched; in the end it has counted what the
outbox and the sums have. A snapshot is judged at its own time, by Redis' clock, which is that of this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

from app.stream import keys
from tests.chaos.faults.nemesis import Nemesis
from tests.harness.cluster import Cluster
from tests.patience import PATIENCE

# A worker that was killed is none any more after so many seconds, and nothing touches one for so long before.
NOTICED_SECONDS = 3.0
UNTOUCHED_SECONDS = 10.0
WORKS = ("live", "draining")

Shown = Mapping[str, Any]


class Board:
    """`exist` says how many streams there can be."""

    def __init__(self, cluster: Cluster, exist: Callable[[], int], nemesis: Nemesis) -> None:
        self.violations: dict[str, None] = {}
        self.snapshots = 0
        self._cluster = cluster
        self._exist = exist
        self._nemesis = nemesis

    async def run(self) -> None:
        """Watches some front for as long as that lasts, then another."""
        async with httpx.AsyncClient(timeout=5) as http:
            while True:
                with contextlib.suppress(httpx.HTTPError, OSError):
                    async with http.stream("GET", f"http://127.0.0.1:{self._port()}/ops/events") as answer:
                        async for line in answer.aiter_lines():
                            if line.startswith("data: "):
                                self.see(json.loads(line[6:]))
                await asyncio.sleep(0.2)

    async def final(self) -> list[str]:
        """When all is quiet: what was counted."""
        seconds, micros = await self._cluster.redis.time()
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            async with http.stream("GET", f"http://127.0.0.1:{self._port()}/ops/events") as answer:
                shows = (json.loads(line[6:]) async for line in answer.aiter_lines() if line.startswith("data: "))
                # The first one may be a second old, and what ended last not on it.
                shown = await anext(one async for one in shows if one["time"] >= seconds + micros / 1e6)
            usage = (await http.get(f"http://127.0.0.1:{self._port()}/v1/usage")).json()["total"]
        ended: dict[str, int] = dict.fromkeys(shown["streams"]["ended"], 0)
        for _, entry in await self._cluster.redis.xrange(keys.OUTBOX):
            if b"outcome" in entry:
                ended[entry[b"outcome"].decode()] += 1
        found = list(self.violations)
        if shown["streams"]["ended"] != ended:
            found.append(f"the board has {shown['streams']['ended']} endings, the outbox {ended}")
        money = (shown["spend_today_usd"], shown["saved_usd_today"]), (usage["cost_usd"], usage["saved_usd"])
        if money[0] != money[1]:
            found.append(f"the board has {money[0]} dollars, the sums {money[1]}")
        if not self.snapshots:
            found.append("nobody has seen the board")
        return found

    def see(self, shown: Shown) -> None:
        self.snapshots += 1
        for sentence in self._judge(shown):
            self.violations.setdefault(sentence)

    def _port(self) -> int:
        return self._cluster.any_front_itself()

    def _judge(self, shown: Shown) -> Iterator[str]:
        yield from (f"{where} is {value} on the board" for where, value in _numbers(shown) if value < 0)
        if shown["redis"]["away"]:
            return
        streams = shown["streams"]
        if streams["running"] + streams["adrift"] > self._exist():
            yield f"{streams['running']} + {streams['adrift']} streams run, of {self._exist()}"
        if streams["running"] > sum(one["streams"] for one in shown["workers"] if one["state"] in (*WORKS, "unsure")):
            yield f"{streams['running']} streams run: {shown['workers']}"
        for one in shown["workers"]:
            killed = self._nemesis.killed.get(_pid(one["name"]))
            if killed is not None and shown["time"] > killed + NOTICED_SECONDS and one["state"] in WORKS:
                yield f"a worker that was killed is {one['state']} {shown['time'] - killed:.1f} s later"
            lives = any(_pid(one["name"]) == worker.pid and worker.running for worker in self._cluster.workers)
            if lives and one["state"] == "gone" and self._nemesis.untouched(UNTOUCHED_SECONDS):
                yield f"a worker that nobody touched is gone: {one}"


def _pid(name: str) -> int:
    """Of a worker, whose name has it in its middle."""
    return int(name.split(":")[1])


def _numbers(shown: Any, where: str = "") -> Iterator[tuple[str, float]]:
    match shown:
        case bool() | str() | None:
            return
        case int() | float():
            yield where, shown
        case list():
            for one in shown:
                yield from _numbers(one, where)
        case dict():
            for name, value in shown.items():
                yield from _numbers(value, f"{where}.{name}" if where else name)
