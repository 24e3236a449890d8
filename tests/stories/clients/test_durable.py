"""The client of Durable Streams reads a stream that is being written: it comes back alone and doubles nothing (G2)."""

from __future__ import annotations

import httpx
import pytest

from tests.harness import node
from tests.harness.network.sse_cutter import CuttingProxy
from tests.stories.clients.conftest import Up
from tests.stories.clients.test_event_source import whole_text

CUTS = (700, 1533, 911)
PROMPT = "Ümläute 東京 👋 [[sim: tokens=100 rate=50 first=0.5]]"


@pytest.mark.parametrize(("live", "cuts"), [("sse", CUTS), ("long-poll", ())])
async def test_a_library_that_is_cut_shows_every_character_once(up: Up, live: str, cuts: tuple[int, ...]) -> None:
    async with httpx.AsyncClient(base_url=up.url) as http, CuttingProxy(up.url, cuts) as proxy:
        seen = await node.run("durable/client.mjs", proxy.url, live, PROMPT)
        shown = (await http.get(f"/v1/streams/{seen['id']}")).json()
        assert seen["text"] == await whole_text(http, f"/v1/streams/{seen['id']}/events")
    assert bool(proxy.cut) == bool(cuts)  # its pages, by which it catches up, are no events and are not cut
    assert (seen["offset"], seen["closed"]) == (shown["offset"], True)
    assert (seen["types"][0], seen["types"][-1]) == ("message_start", "relay.end")
    assert seen["types"].count("message_start") == 1
