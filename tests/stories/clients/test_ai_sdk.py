"""The AI SDK's chat, driven as `useChat` drives it, against a Keepstream that it does not know of."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import signal
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.harness import node
from tests.harness.network.sse_cutter import CuttingProxy
from tests.harness.relay import Relay
from tests.harness.running import PATIENCE
from tests.stories.clients.conftest import Up

PROMPT = "Grüße 東京 👋 [[sim: tokens=80 rate=400 first=0.05]]"
ENDLESS = "Long [[sim: tokens=4000 rate=100 first=0.02]]"
TOOL = {"name": "get_weather", "description": "The weather", "input_schema": {"type": "object", "properties": {}}}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


async def in_node(address: str, scenario: str, **asked: Any) -> Any:
    return await node.run("ai_sdk.mjs", address, scenario, json.dumps(asked | {"chat": asked.get("chat", new_chat())}))


def new_chat() -> str:
    return uuid.uuid4().hex


def stream_of(told: dict[str, Any]) -> str:
    stream_id: str = told["messages"][-1]["metadata"]["streamId"]
    return stream_id


async def text_of(http: httpx.AsyncClient, stream_id: str) -> str:
    message = (await http.get(f"/v1/streams/{stream_id}/message")).json()
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


def asking(chat: str, prompt: str, **more: Any) -> dict[str, Any]:
    message = {"id": "u1", "role": "user", "parts": [{"type": "text", "text": prompt}]}
    return {"id": chat, "messages": [message], "trigger": "submit-message"} | more


def echoed(told: dict[str, Any]) -> dict[str, Any]:
    """The body that reached the upstream, as `[[sim: echo]]` gives it back."""
    request = json.loads(told["text"].partition("```json\n")[2].partition("```")[0])
    body: dict[str, Any] = request["body"]
    return body


async def ended(http: httpx.AsyncClient, stream_id: str) -> dict[str, Any]:
    """How a stream ended, once it has."""
    async with asyncio.timeout(PATIENCE), http.stream("GET", f"/v1/streams/{stream_id}/events") as answer:
        await answer.aread()
    found: dict[str, Any] = (await http.get(f"/v1/streams/{stream_id}")).json()
    return found


@pytest.fixture
async def http(up: Up) -> Any:
    async with httpx.AsyncClient(base_url=up.url, timeout=PATIENCE) as made:
        yield made


async def test_an_answer_is_shown_in_full(up: Up, http: httpx.AsyncClient) -> None:
    told = await in_node(up.url, "send", prompt=PROMPT)
    assert (told["status"], len(told["messages"])) == ("ready", 2)
    assert told["text"] == await text_of(http, stream_of(told))
    assert told["finishes"] == [{"isAbort": False, "isDisconnect": False, "isError": False, "finishReason": "stop"}]
    assert told["messages"][-1]["metadata"]["usage"]["output_tokens"] == 80


@pytest.mark.parametrize(
    "directives",
    ["thinking", "redacted-thinking", "citations", "hostile", "max-tokens", "refusal", "unknown-events", "pause-turn"],
)
async def test_every_chunk_is_one_that_the_sdk_knows(up: Up, directives: str) -> None:
    prompt = f"[[sim: {directives} rate=0 first=0]]"
    seen = await in_node(up.url, "chunks", prompt=prompt, body={"tools": [TOOL]})
    assert seen["headers"]["x-vercel-ai-ui-message-stream"] == "v1"
    assert seen["headers"]["content-type"] == "text/event-stream"
    assert (seen["wrong"], seen["done"]) == ([], True)
    kinds = [chunk["type"] for chunk in seen["chunks"] if not chunk.get("transient")]
    assert kinds[:2] == ["start", "start-step"]
    assert kinds[-2:] == ["finish-step", "finish"]


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


async def test_regenerate_makes_another_answer_in_the_place_of_the_first(up: Up) -> None:
    told = await in_node(up.url, "regenerate", prompt=PROMPT)
    assert [message["role"] for message in told["messages"]] == ["user", "assistant"]
    assert stream_of(told) != stream_of(told["first"])
    assert told["text"] == told["first"]["text"]


async def test_a_second_message_cancels_the_answer_that_still_runs(up: Up, http: httpx.AsyncClient) -> None:
    told = await in_node(up.url, "second", prompt=ENDLESS, then=PROMPT)
    assert (await ended(http, stream_of(told["older"])))["outcome"] == "cancelled"
    assert told["older"]["status"] == "ready"
    assert told["newer"]["text"] == await text_of(http, stream_of(told["newer"]))


async def test_of_messages_sent_at_once_exactly_one_is_answered(http: httpx.AsyncClient) -> None:
    chat = new_chat()

    async def send() -> str:
        async with http.stream("POST", "/api/chat", json=asking(chat, ENDLESS)) as answer:
            assert answer.status_code == 200
            stream_id: str = answer.headers["x-keepstream-id"]
            return stream_id

    streams = await asyncio.gather(*(send() for _ in range(6)))
    async with http.stream("GET", f"/api/chat/{chat}/stream") as shown:
        last = shown.headers["x-keepstream-id"]
    others = [stream_id for stream_id in streams if stream_id != last]
    assert len(others) == 5
    outcomes = [found["outcome"] for found in await asyncio.gather(*(ended(http, other) for other in others))]
    assert outcomes == ["cancelled"] * 5
    assert (await http.get(f"/v1/streams/{last}")).json()["state"] != "ended"
    assert (await http.delete(f"/api/chat/{chat}/stream")).status_code == 202


async def test_a_tool_of_the_page_is_called_and_its_output_continues_the_message(up: Up) -> None:
    prompt = '[[sim: tool=get_weather tool-input="{\\"city\\":\\"東京\\"}" rate=0]]'
    told = await in_node(up.url, "tool", prompt=prompt, output={"sky": "clear"}, body={"tools": [TOOL]})
    assert told["status"] == "ready"
    assert [message["role"] for message in told["messages"]] == ["user", "assistant"]
    parts = told["messages"][-1]["parts"]
    tool = next(part for part in parts if part["type"] == "tool-get_weather")
    assert (tool["state"], tool["input"], tool["output"]) == ("output-available", {"city": "東京"}, {"sky": "clear"})
    assert parts[-1]["type"] == "text"
    assert len(told["finishes"]) == 2


async def test_a_message_that_is_continued_is_resumed_with_what_it_had_before(up: Up) -> None:
    prompt = '[[sim: tool=get_weather tool-input="{\\"city\\":\\"東京\\"}" rate=60]]'
    told = await in_node(up.url, "tool_resumed", prompt=prompt, output={"sky": "clear"}, body={"tools": [TOOL]})
    assert told["called"] == 1  # a resume runs no tool again
    assert (told["status"], len(told["messages"])) == ("ready", 2)
    assert told["messages"][-1]["id"] == told["live"]["messages"][-1]["id"]

    def kept(message: dict[str, Any]) -> list[dict[str, Any]]:
        return [{name: value for name, value in part.items() if value is not None} for part in message["parts"]]

    assert kept(told["messages"][-1]) == kept(told["live"]["messages"][-1])


async def test_the_prompt_is_the_chat_so_far(up: Up) -> None:
    told = await in_node(up.url, "send", prompt="One [[sim: thinking tokens=3 rate=0]]", then=["[[sim: echo rate=0]]"])
    body = echoed(told)
    assert body["system"] == "Answer as a lighthouse keeper."
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    thinking, text = body["messages"][1]["content"]
    assert (thinking["type"], text["type"]) == ("thinking", "text")
    assert thinking["signature"]


async def test_files_reach_the_upstream(up: Up) -> None:
    text = base64.b64encode("Ünï".encode()).decode()
    files = [
        {"type": "file", "mediaType": "image/png", "url": f"data:image/png;base64,{PIXEL}"},
        {"type": "file", "mediaType": "text/plain", "url": f"data:text/plain;base64,{text}", "filename": "a.txt"},
    ]
    told = await in_node(up.url, "send", prompt="[[sim: echo rate=0]]", files=files)
    content = echoed(told)["messages"][0]["content"]
    image = next(block for block in content if block["type"] == "image")
    document = next(block for block in content if block["type"] == "document")
    assert image["source"] == {"type": "base64", "media_type": "image/png", "data": PIXEL}
    assert (document["source"]["data"], document["title"]) == ("Ünï", "a.txt")


async def test_a_failure_is_an_error_that_the_page_can_show(up: Up) -> None:
    told = await in_node(up.url, "send", prompt='[[sim: status=400 message="that will not do"]]')
    assert (told["status"], told["error"]) == ("error", "that will not do")
    told = await in_node(up.url, "send", prompt="[[sim: tokens=50 cut-after=20 rate=0]]")
    assert told["status"] == "error"
    assert told["text"]


async def test_what_is_known_at_submit_is_a_status(http: httpx.AsyncClient) -> None:
    async def refused(body: dict[str, Any], **headers: str) -> tuple[int, str]:
        answer = await http.post("/api/chat", json=body, headers=headers)
        return answer.status_code, answer.json()["error"]["message"]

    chat = new_chat()
    assistant = {"id": "a1", "role": "assistant", "parts": [{"type": "text", "text": "Hello"}]}
    assert await refused({"id": chat, "messages": [assistant]}) == (
        400,
        "messages: there is no user message to answer",
    )
    assert (await refused(asking(chat, "Hello", model="claude-nobody")))[0] == 400
    assert (await refused(asking(chat, "Hello", max_tokens=1)))[0] == 400
    assert (await refused(asking(chat, "x" * (33 * 1024 * 1024))))[0] == 413
    stopped = await http.post("/api/chat", json=asking(chat, "Hello"), headers={"idempotency-key": chat})
    assert stopped.status_code == 200
    assert (await refused(asking(chat, "Other"), **{"idempotency-key": chat}))[0] == 422


async def test_a_model_is_chosen_where_the_settings_allow(up: Up) -> None:
    told = await in_node(up.url, "send", prompt="[[sim: echo rate=0]]", body={"model": "claude-haiku-5"})
    assert echoed(told)["model"] == "claude-haiku-5"


@pytest.mark.parametrize("chat", ["a/b", "ü ?&#%2F", "/stream", "line\nbreak", "%", "x/stream/stream", "..a//"])
async def test_a_chats_id_may_hold_any_character(http: httpx.AsyncClient, chat: str) -> None:
    path = f"/api/chat/{quote(chat, safe='')}/stream"
    chat_is_new = await http.get(path)
    assert chat_is_new.status_code == 204
    async with http.stream("POST", "/api/chat", json=asking(chat, ENDLESS)) as answer:
        stream_id = answer.headers["x-keepstream-id"]
    async with http.stream("GET", path) as resumed:
        assert resumed.headers["x-keepstream-id"] == stream_id
    assert (await http.delete(path)).json()["id"] == stream_id
    assert (await http.get(path)).status_code == 204
    assert (await http.delete(f"/api/chat/{quote(chat + '!', safe='')}/stream")).status_code == 204


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
        assert "Exception" not in relay.front.output
        assert "ERROR" not in relay.front.output
        told = await in_node(other, "resume", chat=chat, unseen=True)
        async with httpx.AsyncClient(base_url=other) as http:
            assert told["text"] == await text_of(http, stream_of(told))


async def test_who_may_not_or_must_wait_is_told_by_a_status_and_a_waiting_answer_by_its_place(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("".join(f"{owner} {hashlib.sha256(owner.encode()).hexdigest()}\n" for owner in ("ann", "bob")))
    chat = new_chat()
    with Relay(workers=0, KEEPSTREAM_QUEUE_LIMIT="1", KEEPSTREAM_API_KEYS_FILE=str(keys)) as relay:
        async with httpx.AsyncClient(base_url=relay.url, timeout=PATIENCE, headers={"x-api-key": "ann"}) as http:
            for method, path in (
                ("POST", "/api/chat"),
                ("GET", "/api/chat/x/stream"),
                ("DELETE", "/api/chat/x/stream"),
            ):
                nobody = await http.request(method, path, json=asking(chat, "x"), headers={"x-api-key": "eve"})
                assert (nobody.status_code, nobody.json()["error"]["type"]) == (401, "authentication_error")
            async with http.stream("POST", "/api/chat", json=asking(chat, "x")) as answer:
                lines = answer.aiter_lines()
                assert '"start"' in await anext(lines)
                full = await http.post("/api/chat", json=asking(new_chat(), "x"))
                assert (full.status_code, full.json()["error"]["type"]) == (429, "rate_limit_error")
                assert int(full.headers["retry-after"]) > 0
                other = await http.get(f"/api/chat/{chat}/stream", headers={"x-api-key": "bob"})
                assert other.status_code == 204
                assert (await http.delete(f"/api/chat/{chat}/stream")).status_code == 202
                rest = [line async for line in lines if line]
    assert json.loads(rest[0].removeprefix("data: "))["data"] == {"state": "queued", "position": 1}
    assert rest[-2:] == ['data: {"type":"abort","reason":"cancelled"}', "data: [DONE]"]
