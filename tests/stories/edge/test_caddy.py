"""Caddy before two fronts, all as compose.yaml has it: readers notice nothing of what becomes of a front.

An EventSource gives up for good on any status but 200 and 204, so one 502 while a front restarts is a page that stands
still until somebody reloads it.
"""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from app.terminal.probe import canary as probe
from app.terminal.probe.reading.rounds import Plan, Rounds
from app.terminal.probe.targets import ENDS, KEEPSTREAM, Target
from tests.stories.edge.arranged import Arranged
from tests.stories.edge.caddy import Edge, caddy
from tests.stories.edge.names import Names
from tests.stories.edge.noticing import SHORT, noticing, submit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_readers_notice_nothing_of_fronts_that_drain_die_and_come_back(arranged: Arranged, edge: Edge) -> None:
    assert await noticing(arranged, edge) == 0  # it waits for a front, and has nobody come again


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
