"""A real Caddy with the Caddyfile of `deploy/` before a front that restarts: nobody sees a 502, no byte is lost.

An EventSource gives up for good on any status but 200 and 204, so one 502 while a front restarts is a page that stands
still until somebody reloads it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from app.dev.ports import free_port
from app.terminal.probe.canary import prompt_of, submit, text_of
from app.terminal.probe.reading.connecting import a_client
from app.terminal.probe.reading.rounds import Plan, Rounds
from app.terminal.probe.targets import ENDS, KEEPSTREAM, Target
from tests.harness.cluster import Cluster, Process
from tests.harness.reader import Sight, connect_once, watch
from tests.harness.running import Running, clean_environment
from tests.long import some_of
from tests.patience import PATIENCE

CADDY = Path(sys.executable).with_name("caddy")
CADDYFILE = Path(__file__).parents[2] / "deploy" / "Caddyfile"
READERS = 5


class Edge(Cluster):
    """A cluster whose one front can be told to come back at the same address, behind a Caddy."""

    def __init__(self) -> None:
        super().__init__(workers=1, fronts=0, drain_seconds=2)
        self.address = free_port()
        self.port = free_port()

    async def start_front(self) -> Process:
        environment = await self._environment("front")
        front = self._process("front", ["app.cli", "front", "--port", str(self.address)], environment)
        await front.first_line()
        return front

    @asynccontextmanager
    async def caddy(self) -> AsyncIterator[None]:
        environment = clean_environment(
            KEEPSTREAM_DOMAIN=f"http://:{self.port}",
            KEEPSTREAM_FRONT="127.0.0.1",
            KEEPSTREAM_FRONT_PORT=str(self.address),
            CADDY_ADMIN=f"unix/{self.directory}/caddy.sock",
            HOME=str(self.directory),
            XDG_DATA_HOME=str(self.directory),
            XDG_CONFIG_HOME=str(self.directory),
        )
        command = [str(CADDY), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
        with Running(command, environment=environment) as running:
            await asyncio.to_thread(running.line, "serving initial configuration")
            yield


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with Edge() as cluster, cluster.caddy():
        yield cluster


@pytest.mark.parametrize("restarts", some_of([1, 2], 1))
async def test_no_502_reaches_a_client_while_a_front_restarts(edge: Edge, restarts: int) -> None:
    front = await edge.start_front()
    url = f"http://127.0.0.1:{edge.port}"
    statuses: Counter[tuple[str, int]] = Counter()
    sights: list[Sight] = []
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        long = {"prompt": "[[sim: tokens=1200 rate=80 first=0]]"}
        stream_id = (await http.post(f"{url}/v1/streams", json=long)).raise_for_status().json()["id"]
        over = asyncio.Event()

        async def ask() -> None:
            while not over.is_set():
                answer = await http.get(f"{url}/v1/streams/{stream_id}")
                statuses["look", answer.status_code] += 1

        async def submit() -> None:
            while not over.is_set():
                answer = await http.post(f"{url}/v1/streams", json={"prompt": "[[sim: tokens=2 rate=100]]"})
                statuses["submit", answer.status_code] += 1
                await asyncio.sleep(0.1)

        async def open_anew() -> None:
            while not over.is_set():
                sight = Sight(stream_id)
                # As an EventSource: a status that is neither 200 nor 204 is final, and raised.
                with_a_cut = asyncio.create_task(connect_once(sight, edge.port))
                done, _ = await asyncio.wait({with_a_cut}, timeout=0.3)
                if done:
                    statuses["events", with_a_cut.result()] += 1
                else:
                    with_a_cut.cancel()
                    await asyncio.wait({with_a_cut})

        sights = [Sight(stream_id) for _ in range(READERS)]
        readers = [asyncio.create_task(watch(sight, lambda: edge.port)) for sight in sights]
        askers = [asyncio.create_task(work()) for work in (ask, ask, submit, open_anew)]
        for _ in range(restarts):
            await asyncio.sleep(1.0)  # what a restart interrupts is to be under way
            front.send(signal.SIGTERM)
            assert await front.wait() == 0
            await asyncio.sleep(1.5)  # nobody listens for a while, as where an image is pulled
            front = await edge.start_front()
        await asyncio.sleep(0.5)
        over.set()
        await asyncio.gather(*askers)
        await asyncio.gather(*readers)
        log = (await http.get(f"{url}/v1/streams/{stream_id}/events")).content
    # A POST that is on its way on a connection that closes at that moment is repeated by nobody but who sent it.
    seldom = {("submit", 502)}
    assert set(statuses) - seldom <= {("look", 200), ("submit", 202), ("events", 200), ("events", 204)}, statuses
    assert statuses["look", 200] > 0
    assert statuses["submit", 202] > 0
    for sight in sights:
        assert sight.end is not None
        assert sight.resets == sight.fronts_resets == 0
        assert log.endswith(bytes(sight.seen))
    front.send(signal.SIGTERM)


async def test_the_first_answer_comes_in_pieces(edge: Edge) -> None:
    """Nothing is held back at the edge: the first event is there long before the last. Nor does it break anything else
    of which `keepstream probe` knows.
    """
    await edge.start_front()
    url = f"http://127.0.0.1:{edge.port}"
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        slow = {"prompt": "[[sim: tokens=400 rate=50 first=0]]"}
        stream_id = (await http.post(f"{url}/v1/streams", json=slow)).raise_for_status().json()["id"]
        async with http.stream("GET", f"{url}/v1/streams/{stream_id}/events") as events:
            async for line in events.aiter_lines():
                if line.startswith("event: content_block_delta"):
                    break
            shown = (await http.get(f"{url}/v1/streams/{stream_id}")).json()
            assert shown["state"] == "running"
        await http.post(f"{url}/v1/streams/{stream_id}/cancel")
    async with a_client({}) as http:
        prompt = prompt_of(text_of(60))
        events = f"{url}/v1/streams/{await submit(http, url, prompt)}/events"
        found = await Rounds(http, Target(KEEPSTREAM, events, ENDS[KEEPSTREAM]), Plan(10, 7, 60.0)).run()
    assert found.breaches == ()
    assert found.facts["resumed"] > 0
