"""The Python client, both of it, over connections that are cut: what it shows is the answer, once, to its ending."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from app.clients.python.keepstream import (
    AsyncClient,
    ConflictError,
    Event,
    InvalidAnswerError,
    NotFoundError,
    RefusedError,
)
from tests.app.clients.python.keepstream.either import Either, Make
from tests.app.clients.python.keepstream.either import make as make  # noqa: PLC0414  # a fixture
from tests.harness.network.sse_cutter import CuttingProxy
from tests.patience import PATIENCE
from tests.stories.clients.conftest import Up

# The first cut is in the head of the answer, the others anywhere in frames, ids and letters.
CUTS = (100, 700, 1533, 911)
PROMPT = {"prompt": "Wörter 東京 👋 [[sim: tokens=120 rate=400 first=0.05]]"}
ENDLESS = {"prompt": "Long [[sim: tokens=4000 rate=50 first=0.05]]"}


def text_of(message: Any) -> str:
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


def shown(events: list[Event]) -> str:
    return "".join(event.text for event in events)


@pytest.fixture
async def client(make: Make, up: Up) -> Either:
    return make(up.url)


async def test_an_answer_is_whole_however_often_it_is_cut(make: Make, up: Up) -> None:
    states: list[str] = []
    async with CuttingProxy(up.url, CUTS) as proxy:
        client = make(proxy.url, api_key="any")
        stream = await client("submit", PROMPT)
        events = await client.all(stream["id"], on_state=lambda state, _: states.append(state))
        message = await client("message", stream["id"])
    assert proxy.cut == len(CUTS)
    assert shown(events) == text_of(message)
    ids = [event.id for event in events if event.id]
    assert ids == sorted(set(ids))
    assert events[-1].type == "relay.end"
    assert states.count("connecting") == len(CUTS) + 1


async def test_going_on_after_an_event_gives_exactly_what_follows(client: Either) -> None:
    stream = await client("submit", "In short [[sim: tokens=20 rate=0]]")
    events = [event for event in await client.all(stream["id"]) if event.id]
    half = len(events) // 2
    assert await client.all(stream["id"], after=events[half - 1].id) == events[half:]
    assert await client.all(stream["id"], after=events[-1].id) == []


async def test_a_cancel_ends_the_stream(client: Either) -> None:
    stream = await client("submit", ENDLESS)
    await client("cancel", stream["id"])
    *_, end = await client.all(stream["id"])
    assert end.data["outcome"] == "cancelled"


async def test_leaving_the_loop_lets_the_stream_run_on(client: Either) -> None:
    stream = await client("submit", ENDLESS)
    async for event in client.events(stream["id"]):
        if event.text:
            break
    with pytest.raises(ConflictError):
        await client("message", stream["id"])
    await client("cancel", stream["id"])


async def test_what_is_refused_is_final_and_says_why(client: Either) -> None:
    with pytest.raises(RefusedError, match="prompt") as refused:
        await client("submit", {"prompt": ""})
    assert (refused.value.status, refused.value.type, refused.value.final) == (400, "invalid_request_error", True)
    assert refused.value.request_id is not None
    with pytest.raises(NotFoundError):
        await client.all("st_00000000000000000000000000000000")


async def test_an_answer_of_lone_surrogates_is_read(client: Either) -> None:
    stream = await client("submit", "[[sim: hostile rate=0]]")
    *_, end = await client.all(stream["id"])
    assert end.type == "relay.end"


async def test_silence_is_a_dead_connection(make: Make, up: Up) -> None:
    client = make(up.url, timeout=0.4)
    stream = await client("submit", "[[sim: tokens=5 first=1.2 rate=0]]")
    states: list[str] = []
    *_, end = await client.all(stream["id"], on_state=lambda state, _: states.append(state))
    assert end.data["outcome"] == "completed"
    assert states.count("connecting") > 1


async def test_another_server_is_told_from_one_that_is_away(make: Make, up: Up) -> None:
    client = make(f"{up.url}/docs")  # pages for people
    with pytest.raises((InvalidAnswerError, RefusedError)) as refused:
        await client.all("st_1")
    assert refused.value.final


async def test_a_submit_is_repeated_and_makes_one_stream(up: Up) -> None:
    tried: list[str] = []

    class Failing(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            tried.append(request.headers["idempotency-key"])
            answer = await super().handle_async_request(request)
            if len(tried) == 1:
                await answer.aclose()
                raise httpx.ReadError("cut")
            await answer.aread()
            tried.append(answer.json()["id"])
            return answer

    async with httpx.AsyncClient(transport=Failing()) as http, httpx.AsyncClient(base_url=up.url) as other:
        stream = await AsyncClient(up.url, http_client=http).submit(PROMPT)
        same = await other.post("/v1/streams", json=PROMPT, headers={"idempotency-key": tried[0]})
    assert tried[0] == tried[1]
    assert same.json()["id"] == stream["id"]


async def test_a_conversation_is_begun_said_answered_changed_and_deleted(client: Either) -> None:
    made = await client("conversations.create", title="Rivers")
    said = await client("conversations.say", made["id"], "Hello [[sim: tokens=5 rate=0]]")
    assert said["conversation_id"] == made["id"]
    await client.all(said["id"])
    again = await client("conversations.regenerate", made["id"])
    await client.all(again["id"])
    await client("conversations.rename", made["id"], "Seas")
    *_, answer = (await client("conversations.get", made["id"]))["messages"]
    first, second = answer["versions"]
    await client("conversations.choose", made["id"], first if answer["id"] == second else second)
    found = await client("conversations.get", made["id"])
    assert found["messages"][-1]["id"] != answer["id"]
    assert (found["title"], [message["role"] for message in found["messages"]]) == ("Seas", ["user", "assistant"])
    fork = await client("conversations.fork", made["id"], found["messages"][0]["id"], title="Other")
    page = await client("conversations.list", limit=2)
    assert {made["id"], fork["id"]} <= {one["id"] for one in page["data"]}
    assert made["id"] in {one["id"] for one in (await client("conversations.list", query="seas"))["data"]}
    assert (await client("conversations.title", made["id"]))["title"] == "Seas"
    assert "# Seas" in await client("conversations.export", made["id"], "markdown")
    for one in (made, fork):
        await client("conversations.delete", one["id"])
    with pytest.raises(RefusedError) as gone:
        await client("conversations.get", made["id"])
    assert gone.value.status == 410


async def test_a_ticket_opens_the_one_stream(client: Either, make: Make, up: Up) -> None:
    stream = await client("submit", {"prompt": "[[sim: tokens=5 rate=0]]", "relay": {"ticket": True}})
    made = await client("ticket", stream["id"], expires_in=600)
    reader = make(up.url, ticket=lambda: made["ticket"])
    assert (await reader.all(stream["id"]))[-1].type == "relay.end"
    assert (await make(up.url).all(stream["events_url"], by="follow"))[-1].type == "relay.end"


async def test_what_happened_and_what_it_cost_can_be_asked_for(client: Either) -> None:
    stream = await client("submit", "[[sim: tokens=5 rate=0]]")
    await client.all(stream["id"])
    assert (await client("timeline", stream["id"]))["why"].startswith("completed")
    assert (await client("feedback", stream["id"], -1, "too long"))["rating"] == -1
    assert (await client("usage", by="model"))["total"]["streams"] >= 1
    assert (await client("stream", stream["id"]))["outcome"] == "completed"
    assert (await client("models"))["data"]
    assert (await client("request", "GET", "/healthz")) == {"status": "ok"}
    assert "streams" in str(await asyncio.wait_for(client("snapshot"), PATIENCE))
