"""Caddy before two fronts, all as compose.yaml has it: readers notice nothing of what becomes of a front.

An EventSource gives up for good on any status but 200 and 204, so one 502 while a front restarts is a page that stands
still until somebody reloads it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import httpx
import pytest

from app.terminal.probe import canary as probe
from app.terminal.probe.reading.rounds import Plan, Rounds
from app.terminal.probe.targets import ENDS, KEEPSTREAM, Target
from tests.harness.reader import Sight
from tests.stories.edge.arranged import Arranged
from tests.stories.edge.caddy import Edge, caddy
from tests.stories.edge.names import Names
from tests.stories.edge.sources import Sources

pytestmark = pytest.mark.asyncio(loop_scope="session")

STREAMS = 2
READERS = 3  # of each that stay, and as many that leave
LONG = {"prompt": "[[sim: tokens=20000 rate=40 first=0]]"}  # until it is cancelled
SHORT = {"prompt": "[[sim: tokens=2 rate=100]]"}


async def submit(http: httpx.AsyncClient, arranged: Arranged, body: dict[str, str]) -> str:
    answer = await http.post("/v1/streams", json=body, headers={"x-api-key": arranged.key})
    stream_id: str = answer.raise_for_status().json()["id"]
    return stream_id


async def test_readers_notice_nothing_of_fronts_that_drain_die_and_come_back(arranged: Arranged, edge: Edge) -> None:
    one, other = arranged.addresses
    statuses: Counter[int] = Counter()
    submitted: Counter[int] = Counter()
    over = asyncio.Event()
    async with edge.client() as http:
        staying, leaving = Sources(edge, arranged.key, statuses, http), Sources(edge, arranged.key, statuses)

        async def open_anew() -> None:
            while not over.is_set():
                opening = asyncio.create_task(leaving.once(Sight(ids[0])))
                await asyncio.wait({opening}, timeout=0.3)
                opening.cancel()
                await asyncio.wait({opening})

        async def submit_anew() -> None:
            while not over.is_set():
                answer = await http.post("/v1/streams", json=SHORT, headers={"x-api-key": arranged.key})
                submitted[answer.status_code] += 1
                await asyncio.sleep(0.2)

        ids = [await submit(http, arranged, LONG) for _ in range(STREAMS)]
        stay, leave = ([Sight(stream_id) for stream_id in ids for _ in range(READERS)] for _ in range(2))
        reading = [staying.watch(sight) for sight in stay]
        reading += [leaving.watch(sight, lambda: random.uniform(0.3, 1.5)) for sight in leave]  # noqa: S311 - as phones
        readers = [asyncio.create_task(one_of_them) for one_of_them in reading]
        others = [asyncio.create_task(work()) for work in (open_anew, submit_anew)]
        await arranged.read_from(one, READERS)  # half of them from each, as nobody has more
        await arranged.read_from(other, READERS)
        await arranged.stop(one)  # all read from the other by now
        await arranged.front(one)
        arranged.kill(other)
        await arranged.read_from(one, len(stay))  # though the other is still known by its name
        arranged.gone(other)
        await arranged.stop(one)  # and now there is none
        await asyncio.sleep(0.5)
        await asyncio.gather(arranged.front(one), arranged.front(other))
        over.set()
        await asyncio.gather(*others)
        headers = {"x-api-key": arranged.key}
        for stream_id in ids:
            (await http.post(f"/v1/streams/{stream_id}/cancel", headers=headers)).raise_for_status()
        await asyncio.gather(*readers)
        logs = {one: (await http.get(f"/v1/streams/{one}/events", headers=headers)).content for one in ids}
    assert set(statuses) <= {200, 204}
    assert staying.of_the_edge == leaving.of_the_edge == 0
    assert staying.versions == {"HTTP/2"}
    # A POST that is on its way on a connection that closes at that moment is repeated by nobody but who sent it.
    assert set(submitted) <= {202, 502}
    assert submitted[202] > 0
    assert all(sight.reconnects > 1 for sight in stay)  # they were sent away, or cut off
    for sight in (*stay, *leave):
        assert sight.end is not None
        assert sight.resets == sight.fronts_resets == 0
        assert logs[sight.stream_id].endswith(bytes(sight.seen))


async def test_the_first_answer_comes_in_pieces(arranged: Arranged, edge: Edge) -> None:
    """Nothing is held back at the edge: the first event is there long before the last. Nor does it break anything else
    of which `keepstream probe` knows.
    """
    headers = {"x-api-key": arranged.key}
    async with edge.client() as http:
        stream_id = await submit(http, arranged, {"prompt": "[[sim: tokens=400 rate=50 first=0]]"})
        async with http.stream("GET", f"/v1/streams/{stream_id}/events", headers=headers) as events:
            async for line in events.aiter_lines():
                if line.startswith("event: content_block_delta"):
                    break
            shown = (await http.get(f"/v1/streams/{stream_id}", headers=headers)).json()
            assert shown["state"] == "running"
        await http.post(f"/v1/streams/{stream_id}/cancel", headers=headers)
    url = f"https://localhost:{edge.port}"
    async with httpx.AsyncClient(verify=edge.trusted, headers=headers) as http:
        events = f"{url}/v1/streams/{await probe.submit(http, url, probe.prompt_of(probe.text_of(60)))}/events"
        found = await Rounds(http, Target(KEEPSTREAM, events, ENDS[KEEPSTREAM]), Plan(10, 7, 60.0)).run()
    assert found.breaches == ()
    assert found.facts["resumed"] > 0


async def test_nobody_comes_in_without_a_key(edge: Edge) -> None:
    async with edge.client() as http:
        assert (await http.post("/v1/streams", json=SHORT)).status_code == 401
        assert (await http.get("/v1/usage")).status_code == 401


async def test_where_no_front_comes_at_all_who_reads_events_is_asked_to_come_again(tmp_path: Path) -> None:
    async with Names() as names, caddy(tmp_path / "caddy", names.port, tries=0.2) as edge, edge.client() as http:
        url = "/v1/streams/st_00000000000000000000000000000000/events"
        answer = await http.get(url, headers={"accept": "text/event-stream"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
        assert answer.text == "retry: 2000\n\n"
        assert (await http.get(url)).status_code == 503  # whoever can read it is told
