"""Clients of Server-Sent Events that know nothing of Keepstream: they come back alone and double nothing (G2)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse

from tests.harness import node
from tests.harness.network.sse_cutter import CuttingProxy
from tests.long import some_of
from tests.stories.clients.conftest import Up

CUTS = (700, 1533, 911)
PROMPT = "Ümläute 東京 👋 [[sim: tokens=100 rate=400 first=0.05]]"


async def submitted(http: httpx.AsyncClient, prompt: str = PROMPT, *, ticket: bool = False) -> str:
    answer = await http.post("/v1/streams", json={"prompt": prompt, "relay": {"ticket": ticket}})
    assert answer.status_code == 202
    url: str = answer.json()["events_url"]
    return url


async def whole_text(http: httpx.AsyncClient, events_url: str) -> str:
    message = (await http.get(events_url.replace("/events", "/message"))).json()
    return "".join(block["text"] for block in message["content"])


@pytest.mark.parametrize("library", ["eventsource", "fetch-event-source"])
async def test_a_library_that_is_cut_shows_every_character_once(up: Up, library: str) -> None:
    async with httpx.AsyncClient(base_url=up.url) as http, CuttingProxy(up.url, CUTS) as proxy:
        url = await submitted(http, ticket=library == "eventsource")  # it comes back with that, too
        seen = await node.run("event_source.mjs", proxy.url + url, library)
        assert seen["text"] == await whole_text(http, url)
    assert proxy.cut == len(CUTS)
    assert seen["ids"] == sorted(set(seen["ids"]))
    assert (seen["types"][-1], seen["named_error"], seen["unnamed"]) == ("relay.end", 0, 0)
    asked = proxy.last_event_ids()
    first = next(n for n, asked_after in enumerate(asked) if asked_after)
    assert first > 0
    assert None not in asked[first:]


async def test_eventsource_is_stopped_by_204(up: Up) -> None:
    async with httpx.AsyncClient(base_url=up.url) as http:
        url = await submitted(http)
        seen = await node.run("event_source.mjs", up.url + url, "eventsource")
    # It came back after the clean end, as the standard says, and was told that there is nothing left.
    assert seen["errors"][-1] == 204
    assert seen["types"].count("relay.end") == 1


async def test_eventsource_may_begin_after_an_event(up: Up) -> None:
    async with httpx.AsyncClient(base_url=up.url) as http:
        url = await submitted(http)
        whole = await node.run("event_source.mjs", up.url + url, "eventsource", json.dumps({"until": "relay.end"}))
        half = len(whole["ids"]) // 2
        rest = await node.run(
            "event_source.mjs",
            f"{up.url}{url}?after={whole['ids'][half - 1]}",
            "eventsource",
            json.dumps({"until": "relay.end"}),
        )
    assert rest["ids"] == whole["ids"][half:]


@pytest.mark.parametrize("fault", some_of(["status=400", "status=529 times=1", "error-after=3 times=1"], 1))
async def test_whatever_fails_there_is_no_event_named_error(up: Up, fault: str) -> None:
    async with httpx.AsyncClient(base_url=up.url) as http:
        url = await submitted(http, f"[[sim: tokens=9 rate=0 first=0]] [[sim: {fault}]]")
        seen = await node.run("event_source.mjs", up.url + url, "eventsource", json.dumps({"until": "relay.end"}))
    assert seen["types"][-1] == "relay.end"
    assert seen["named_error"] == 0


async def test_httpx_sse_goes_on_with_the_last_id(up: Up) -> None:
    texts: list[str] = []
    ids: list[str] = []
    async with CuttingProxy(up.url, CUTS) as proxy, httpx.AsyncClient(base_url=proxy.url) as http:
        url = await submitted(http)
        last_id, retry = "", 0
        while not texts or texts[-1] != "relay.end":
            headers = {"last-event-id": last_id} if last_id else {}
            try:
                async with aconnect_sse(http, "GET", url, headers=headers) as source:
                    async for event in source.aiter_sse():
                        retry = retry if event.retry is None else event.retry
                        if not event.data:
                            continue
                        last_id = event.id
                        ids.append(event.id)
                        data: Any = event.json()
                        texts.append(
                            "relay.end" if event.event == "relay.end" else data.get("delta", {}).get("text", "")
                        )
            except httpx.TransportError:
                assert retry in (0, 1000)
        assert "".join(texts[:-1]) == await whole_text(http, url)
    assert proxy.cut == len(CUTS)
    assert ids == sorted(set(ids))


async def test_what_is_final_is_no_reason_to_come_back(up: Up) -> None:
    async with httpx.AsyncClient(base_url=up.url) as http:
        url = await submitted(http, "[[sim: tokens=2 rate=0 first=0]]")
        answers = await asyncio.gather(
            http.get("/v1/streams/st_00000000000000000000000000000000/events"),
            http.get(url, headers={"last-event-id": "not an id"}),
        )
    assert [answer.status_code for answer in answers] == [404, 400]
