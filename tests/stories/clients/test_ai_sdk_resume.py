"""The Vercel AI SDK's resume: what was cut, left or stopped is shown in full, and once."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import httpx
import pytest

from tests.harness.network.sse_cutter import CuttingProxy
from tests.harness.relay import Relay
from tests.patience import PATIENCE
from tests.stories.clients.chatting import ENDLESS, PROMPT, TOOL, asking, ended, in_node, new_chat, stream_of, text_of
from tests.stories.clients.conftest import Up


async def test_a_cut_answer_is_resumed_in_full_and_shown_once(up: Up, http: httpx.AsyncClient) -> None:
    # It still runs when it is cut: what a proxy swallows of an answer that has ended, no front can know of.
    prompt = "Grüße 東京 👋 [[sim: tokens=300 rate=100 first=0.05]]"
    async with CuttingProxy(up.url, (1500, 3000)) as proxy:
        told = await in_node(proxy.url, "cut", prompt=prompt, unseen=True)
    assert proxy.cut == 2
    assert told["first"]["status"] == "error"
    assert told["status"] == "ready"
    assert [message["role"] for message in told["messages"]] == ["user", "assistant"]
    assert told["messages"][-1]["id"] == f"msg_{stream_of(told)}"
    assert told["text"] == await text_of(http, stream_of(told))


async def test_what_ended_while_nobody_looked_is_shown_once_to_who_asks_for_it(up: Up, http: httpx.AsyncClient) -> None:
    chat = new_chat()
    async with http.stream("POST", "/api/chat", json=asking(chat, PROMPT)) as answer:
        stream_id = answer.headers["x-keepstream-id"]  # and off goes the tab
    assert (await ended(http, stream_id))["outcome"] == "completed"
    assert (await http.get(f"/api/chat/{chat}/stream")).status_code == 204  # nothing runs
    assert (await in_node(up.url, "resume", chat=chat))["messages"] == []
    told = await in_node(up.url, "resume", chat=chat, unseen=True)
    assert told["text"] == await text_of(http, stream_of(told))
    assert (await http.get(f"/api/chat/{chat}/stream?unseen=1")).status_code == 204


async def test_a_page_that_is_loaded_anew_goes_on_live_with_the_same_message(up: Up, http: httpx.AsyncClient) -> None:
    for tokens in (60, 600, 3000):
        chat = new_chat()
        prompt = f"Slow [[sim: tokens={tokens} rate=60]]"
        async with http.stream("POST", "/api/chat", json=asking(chat, prompt)) as answer:
            parts = answer.aiter_bytes()
            assert b'"start"' in await anext(parts)
            resumed = asyncio.create_task(in_node(up.url, "resume", chat=chat))
            async for _ in parts:
                pass
        told = await resumed
        assert told["status"] == "ready"
        if told["messages"]:  # if not, Node took longer to start than the answer took to end
            break
    assert told["text"] == await text_of(http, answer.headers["x-keepstream-id"])
    assert told["messages"][0]["id"] == f"msg_{answer.headers['x-keepstream-id']}"


async def test_stop_leaves_and_delete_stops_for_real(up: Up, http: httpx.AsyncClient) -> None:
    told = await in_node(up.url, "stop", prompt=ENDLESS)
    assert (told["runs"], told["stopped"], told["left"]) == (200, 202, 204)
    assert told["finishes"][0]["isAbort"]
    assert (await ended(http, stream_of(told)))["outcome"] == "cancelled"


async def test_a_message_that_is_continued_is_resumed_with_what_it_had_before(up: Up) -> None:
    prompt = '[[sim: tool=get_weather tool-input="{\\"city\\":\\"東京\\"}" rate=60]]'
    told = await in_node(up.url, "tool_resumed", prompt=prompt, output={"sky": "clear"}, body={"tools": [TOOL]})
    assert told["called"] == 1  # a resume runs no tool again
    assert (told["status"], len(told["messages"])) == ("ready", 2)
    assert told["messages"][-1]["id"] == told["live"]["messages"][-1]["id"]

    def kept(message: dict[str, Any]) -> list[dict[str, Any]]:
        return [{name: value for name, value in part.items() if value is not None} for part in message["parts"]]

    assert kept(told["messages"][-1]) == kept(told["live"]["messages"][-1])


async def test_a_front_that_stops_breaks_the_connection_and_another_front_goes_on() -> None:
    chat = new_chat()
    slow = "Slow [[sim: tokens=250 rate=80 first=0.05]]"
    with Relay(KEEPSTREAM_DRAIN_SECONDS="1") as relay:
        _, other = relay.another_front()
        async with (
            httpx.AsyncClient(base_url=relay.url, timeout=PATIENCE) as http,
            http.stream("POST", "/api/chat", json=asking(chat, slow)) as answer,
        ):
            parts = answer.aiter_bytes()
            assert b'"start"' in await anext(parts)
            relay.front.send(signal.SIGTERM)
            with pytest.raises(httpx.RemoteProtocolError):
                async for _ in parts:
                    pass
        assert await asyncio.to_thread(relay.front.wait) == 0
        assert '"event":"front.draining"' in relay.front.output
        assert '"level":"error"' not in relay.front.output
        told = await in_node(other, "resume", chat=chat, unseen=True)
        async with httpx.AsyncClient(base_url=other) as http:
            assert told["text"] == await text_of(http, stream_of(told))
