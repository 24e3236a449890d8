"""Loops of tools whose workers are killed, paused and drained: no tool that must not run twice does, no result is lost,
and what a reader saw is what the model was told.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from app.stream import frames
from tests.harness.api import Api, names_of
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, watch
from tests.long import long, some_of
from tests.patience import PATIENCE
from tests.stories.test_takeover import holder

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEASE_SECONDS = 1.0
TOOLS = {"tools": ["pay", "look", "wade"]}
LOOPS, DEATHS = 12, 6


@dataclass
class House:
    """A cluster whose workers have the tools of `tests.stories.tools.written_down`."""

    api: Api
    folder: Path

    def hold(self, name: str) -> None:
        (self.folder / f"hold-{name}").touch()

    def let(self) -> None:
        for hold in self.folder.glob("hold-*"):
            hold.unlink()

    def ran(self, stream_id: str) -> Counter[str]:
        """How often what began and ended, of a stream: `began pay toolu_1`."""
        lines = (self.folder / "ran").read_text().splitlines() if (self.folder / "ran").exists() else []
        parts = [line.split() for line in lines]
        return Counter(f"{what} {name} {call}" for what, name, of, call in parts if of == stream_id)

    async def until_began(self, stream_id: str, name: str, times: int = 1) -> None:
        async with asyncio.timeout(PATIENCE):
            while sum(n for what, n in self.ran(stream_id).items() if what.startswith(f"began {name} ")) < times:
                await asyncio.sleep(0.01)

    async def read(self, text: str, **relay: object) -> tuple[Sight, asyncio.Task[None]]:
        sight = Sight(await self.api.submit(text, **TOOLS, **relay))
        return sight, asyncio.create_task(watch(sight, lambda: self.api.port))

    async def kill(self, sight: Sight, how: int = signal.SIGKILL) -> int:
        """The worker that has the stream; another one takes its place. How it ended."""
        number, victim = await holder(self.api, sight.stream_id)
        victim.send(how)
        status = await victim.wait()
        self.api.cluster.workers[number] = await self.api.cluster.worker(number)
        return status


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("tools")
    others = {"KEEPSTREAM_STORY": str(folder), "PYTHONPATH": os.pathsep.join([str(Path.cwd())])}
    settings = {"tools": "tests.stories.tools.written_down", "lease_seconds": LEASE_SECONDS, "drain_seconds": 0.5}
    async with Cluster(workers=2, others=others, **settings) as cluster:
        api = Api(cluster)
        async with asyncio.timeout(PATIENCE):
            while set(TOOLS["tools"]) - {one["name"] for one in (await api.call("GET", "/v1/tools")).json()["tools"]}:
                await asyncio.sleep(0.05)
        yield House(api, folder)
        await api.close()


@pytest.fixture(autouse=True)
def nothing_is_held(house: House) -> None:
    house.let()


def results(data: bytes) -> dict[str, str]:
    """What a log, or a reader's part of it, says that each call came to."""
    told = [json.loads(frame.data) for frame in frames.split(data) if frame.name == "relay.tool"]
    assert len({one["tool_use_id"] for one in told}) == len(told), "a call with two results"
    return {one["tool_use_id"]: one["content"] for one in told}


def told(sight: Sight) -> dict[str, str]:
    """What the model says that it was told (`tell`), in its last turn."""
    last = bytes(sight.seen).rpartition(b"event: message_start")[2]
    parts = [json.loads(frame.data) for frame in frames.split(b"event: message_start" + last)]
    text = "".join(one["delta"].get("text", "") for one in parts if one.get("type") == "content_block_delta")
    return {one["tool_use_id"]: one["content"] for one in json.loads(text)}


def settled(house: House, sight: Sight) -> str:
    """The outcome, after all that holds for every loop is looked at."""
    assert sight.end is not None
    ran = house.ran(sight.stream_id)
    twice = {what: n for what, n in ran.items() if what.startswith("began pay") and n > 1}
    assert not twice, f"ran twice: {twice}"
    for call, said in results(bytes(sight.seen)).items():
        name = said.split()[0]
        assert ran[f"ended {name} {call}"] >= 1, "a result of a run that never was"
    outcome = str(sight.end["outcome"])
    if outcome == "completed":
        assert told(sight) == results(bytes(sight.seen)), "the model was told what no reader saw"
        assert sight.end["turns"] == names_of(bytes(sight.seen)).count("message_start")
    else:
        assert sight.end["error"]["type"] == "tool_interrupted"  # type: ignore[index]
    return outcome


async def test_killed_while_a_turn_is_written_the_turns_before_stay(house: House) -> None:
    sight, task = await house.read("[[sim: tools=pay tell rate=20 first=0]]")
    async with asyncio.timeout(PATIENCE):
        while names_of(bytes(sight.seen)).count("message_start") < 2 or sight.end:
            await asyncio.sleep(0.01)
        await house.kill(sight)
        await task
    assert settled(house, sight) == "completed"
    assert sight.resets == 1
    assert names_of(bytes(sight.seen)).count("relay.tool") == 1


@pytest.mark.parametrize(("tool", "outcome"), [("look", "completed"), ("pay", "failed")])
@pytest.mark.parametrize("how", some_of([signal.SIGKILL, signal.SIGTERM], 1))
async def test_killed_or_drained_in_the_middle_of_a_tool(house: House, tool: str, outcome: str, how: int) -> None:
    house.hold(tool)
    sight, task = await house.read(f"[[sim: tools={tool} tell rate=0]]")
    await house.until_began(sight.stream_id, tool)
    await house.kill(sight, how)
    house.let()
    async with asyncio.timeout(PATIENCE):
        await task
    assert settled(house, sight) == outcome
    assert sight.resets == 0


async def test_a_worker_leaves_in_order_though_a_thread_of_a_tool_goes_on(house: House) -> None:
    house.hold("wade")
    sight, task = await house.read('[[sim: tools="wade,wade,wade,wade" tell rate=0]]')
    await house.until_began(sight.stream_id, "wade", 4)
    assert await house.kill(sight, signal.SIGTERM) == 0
    house.let()
    async with asyncio.timeout(PATIENCE):
        await task
    assert settled(house, sight) == "completed"


async def test_killed_between_two_results_only_the_missing_one_is_made(house: House) -> None:
    house.hold("look")
    sight, task = await house.read("[[sim: tools=pay,look tell rate=0]]")
    async with asyncio.timeout(PATIENCE):
        while not results(bytes(sight.seen)):
            await asyncio.sleep(0.01)
        await house.until_began(sight.stream_id, "look")
        await house.kill(sight)
        house.let()
        await task
    assert settled(house, sight) == "completed"
    assert sorted(house.ran(sight.stream_id).values()) == [1, 1, 1, 2]  # look began twice


@pytest.mark.parametrize(("tool", "outcome"), some_of([("look", "completed"), ("pay", "failed")], 1))
async def test_a_worker_that_comes_back_from_a_pause_in_a_tool_disturbs_nobody(
    house: House, tool: str, outcome: str
) -> None:
    house.hold(tool)
    sight, task = await house.read(f"[[sim: tools={tool} tell rate=0]]")
    await house.until_began(sight.stream_id, tool)
    _, zombie = await holder(house.api, sight.stream_id)
    zombie.send(signal.SIGSTOP)
    if tool == "look":
        await house.until_began(sight.stream_id, tool, times=2)
        house.let()
    async with asyncio.timeout(PATIENCE):
        await task
    zombie.send(signal.SIGCONT)
    house.let()
    assert settled(house, sight) == outcome
    async with asyncio.timeout(PATIENCE):
        after = await house.read("[[sim: tools=look tell rate=0]]")
        await after[1]
    assert settled(house, after[0]) == "completed"
    assert names_of(await house.api.log(sight.stream_id)).count("relay.end") == 1


async def test_redis_gone_while_tools_run_costs_nothing_but_time(house: House) -> None:
    house.hold("pay")
    sight, task = await house.read("[[sim: tools=pay tell rate=0]]")
    await house.until_began(sight.stream_id, "pay")
    for proxy in house.api.cluster.redis_proxies.values():
        proxy.stall()
    house.let()
    async with asyncio.timeout(PATIENCE):
        while not any(what.startswith("ended") for what in house.ran(sight.stream_id)):
            await asyncio.sleep(0.01)
        await asyncio.sleep(LEASE_SECONDS)
        for proxy in house.api.cluster.redis_proxies.values():
            proxy.flow()
        await task
    assert settled(house, sight) == "completed"
    assert sum(house.ran(sight.stream_id).values()) == 2


@long
async def test_many_loops_under_workers_that_die_all_the_time(house: House) -> None:
    """Whatever is hit: what must not run twice does not, and what is seen is what was told."""
    chance = random.Random(14)  # noqa: S311  # which worker dies
    prompts = ["[[sim: tools=pay,look;look;pay turns=6 tell rate=150 first=0]]"] * LOOPS
    reading = [await house.read(f"{prompt} {n}") for n, prompt in enumerate(prompts)]
    everybody = asyncio.gather(*(task for _, task in reading))
    async with asyncio.timeout(3 * PATIENCE):
        for _ in range(DEATHS):
            await asyncio.sleep(0.4)
            if everybody.done():
                break
            number = chance.randrange(2)
            victim = house.api.cluster.workers[number]
            victim.send(chance.choice([signal.SIGKILL, signal.SIGTERM]))
            await victim.wait()
            house.api.cluster.workers[number] = await house.api.cluster.worker(number)
        await everybody
    outcomes = Counter(settled(house, sight) for sight, _ in reading)
    assert outcomes["completed"] > 0
