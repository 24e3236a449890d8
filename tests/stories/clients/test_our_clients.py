"""Our own clients, over connections that are cut: what they show is the answer, once, to its ending."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import clients
from app.clients.python.keepstream import Answer, Approval, AsyncClient, Event, KeepstreamError
from app.clients.python.keepstream.core import resuming
from tests.harness import node
from tests.harness.network.sse_cutter import CuttingProxy
from tests.stories.clients.conftest import Up

# The first cut is in the head of the answer, the others anywhere in frames, ids and letters.
CUTS = (100, 700, 1533, 911)
PROMPT = {"prompt": "Wörter 東京 👋 [[sim: tokens=120 rate=400 first=0.05]]"}
# Cut long after its reader has come: who comes after a reset begins behind it, and is told of none.
BROKEN = {"prompt": "Twice [[sim: tokens=170 rate=80 first=0.05]] [[sim: cut-after=160 times=1]]"}
ENDLESS = {"prompt": "Long [[sim: tokens=4000 rate=50 first=0.05]]"}


async def in_node(address: str, scenario: str, **asked: Any) -> Any:
    return await node.run("keepstream.mjs", address, scenario, json.dumps(asked))


def text_of(message: dict[str, Any]) -> str:
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


@pytest.fixture
async def client(up: Up) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(up.url) as made:
        yield made


async def test_the_module_is_small_and_is_served_with_an_etag(up: Up) -> None:
    async with httpx.AsyncClient(base_url=up.url) as http:
        answer = await http.get("/keepstream.js")
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert len(gzip.compress(answer.content)) < 5000
        again = await http.get("/keepstream.js", headers={"if-none-match": f'W/"other", {answer.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")


async def test_who_reads_says_whether_a_tool_may_run_and_reads_on(client: AsyncClient) -> None:
    pays = '[[sim: tools="pay{\\"chf\\":5},pay{\\"chf\\":6}" rate=0 first=0]]'
    submitted = await client.submit({"prompt": pays, "relay": {"tools": ["pay"]}})
    answer = Answer()
    async for event in client.events(submitted["id"]):
        answer.take(event)
        if isinstance(event, Approval):
            chf = event.input["chf"]
            await client.approve(submitted["id"], event.tool_use_id, approve=chf == 5, reason="Too much")
    results = [(block["input"]["chf"], block["result"]["content"]) for block in answer.turns[0]]
    assert results == [(5, "paid 5"), (6, "A person refused this call: Too much")]
    assert (len(answer.turns), answer.approvals) == (2, [])
    stream = await client.stream(submitted["id"])
    assert stream["message"] == stream["turns"][-1]
    assert answer.text.endswith(answer.turns[-1][0]["text"])


async def test_who_has_a_ticket_reads_the_one_stream(up: Up, client: AsyncClient) -> None:
    submitted = await client.submit(PROMPT | {"relay": {"ticket": True}})
    made, other = await client.ticket(submitted["id"], expires_in=600), (await client.submit(PROMPT))["id"]
    async with AsyncClient(up.url, ticket=made["ticket"]) as stranger:
        events = [event async for event in stranger.events(submitted["id"])]
        message = await stranger.message(submitted["id"])
        with pytest.raises(KeepstreamError) as refused:
            await stranger.stream(other)
    assert (events[-1].type, refused.value.status) == ("relay.end", 404)
    asked = {"id": submitted["id"], "ticket": submitted["ticket"], "other": other, "events_url": made["events_url"]}
    seen = await in_node(up.url, "ticket", **asked)
    assert (seen["text"], seen["message"], seen["status"]) == (text_of(message) * 2, message, 404)


async def test_in_javascript_an_answer_is_whole_however_often_it_is_cut(up: Up) -> None:
    async with CuttingProxy(up.url, CUTS) as proxy:
        seen = await in_node(proxy.url, "whole", direct=up.url, body=PROMPT)
    assert proxy.cut == len(CUTS)
    assert seen["text"] == text_of(seen["message"])
    assert seen["ids"] == sorted(set(seen["ids"]))
    assert seen["end"]["outcome"] == "completed"
    assert proxy.last_event_ids()[-1] is not None
    assert "waiting" in seen["states"]


async def test_in_javascript_nothing_follows_the_ending(up: Up) -> None:
    seen = await in_node(up.url, "whole", body=PROMPT)
    again = await in_node(up.url, "again", id=seen["id"], after=seen["ids"][-1])
    assert again["types"] == []


async def test_in_javascript_a_cancel_stops_the_stream_for_everybody(up: Up) -> None:
    assert (await in_node(up.url, "cancel", body=ENDLESS))["end"]["outcome"] == "cancelled"


async def test_in_javascript_what_is_refused_is_final_and_says_why(up: Up) -> None:
    errors = (await in_node(up.url, "refused"))["errors"]
    assert [(error["ours"], error["status"], error["type"]) for error in errors] == [
        (True, 400, "invalid_request_error"),
        (True, 404, "not_found_error"),
        (True, 404, "not_found_error"),
    ]
    assert all(error["requestId"].startswith("req_") for error in errors)


async def test_in_javascript_leaving_a_stream_lets_it_run_on(up: Up, client: AsyncClient) -> None:
    left = await in_node(up.url, "abort", body=ENDLESS)
    assert left["reason"] == "enough"
    with pytest.raises(KeepstreamError) as refused:
        await client.message(left["id"])
    assert refused.value.status == 409
    await client.cancel(left["id"])


async def test_in_javascript_silence_is_a_dead_connection(up: Up) -> None:
    body = {"prompt": "Silent [[sim: tokens=5 first=1.2 rate=0]]"}
    seen = await in_node(up.url, "whole", body=body, silence=400)
    assert seen["end"]["outcome"] == "completed"
    assert seen["states"].count("connecting") > 1


async def test_after_a_reset_both_show_the_second_attempt_alone(up: Up, client: AsyncClient) -> None:
    seen = await in_node(up.url, "whole", body=BROKEN | {"prompt": BROKEN["prompt"] + " in JavaScript"})
    assert "relay.reset" in seen["types"]
    assert seen["text"] == text_of(seen["message"])
    stream = await client.submit(BROKEN)
    events = [event async for event in client.events(stream["id"])]
    reset = next(n for n, event in enumerate(events) if event.type == "relay.reset")
    assert shown(events[reset:]) == text_of(await client.message(stream["id"]))


def shown(events: list[Event]) -> str:
    deltas = (event.data.get("delta", {}) for event in events if event.type == "content_block_delta")
    return "".join(delta["text"] for delta in deltas if delta.get("type") == "text_delta")


def test_both_clients_know_the_same_numbers() -> None:
    module = (Path(clients.__file__).parent / "js" / "keepstream.js").read_text()
    for line in (
        f"const SILENCE_MS = {resuming.SILENCE_SECONDS:.0f}_000;",
        f"const RETRY_MS = {resuming.RETRY_SECONDS * 1000:.0f};",
        f"const RETRY_MS_MAX = {resuming.RETRY_SECONDS_MAX:.0f}_000;",
        f"const SUBMIT_TRIES = {resuming.SUBMIT_TRIES};",
    ):
        assert line in module
