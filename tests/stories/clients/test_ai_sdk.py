"""The AI SDK's chat, driven as `useChat` drives it, against a Keepstream that it does not know of."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.harness.relay import Relay
from tests.long import some_of
from tests.patience import PATIENCE
from tests.stories.clients.chatting import ENDLESS, PROMPT, TOOL, asking, ended, in_node, new_chat, stream_of, text_of
from tests.stories.clients.conftest import Up

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def echoed(told: dict[str, Any]) -> dict[str, Any]:
    """The body that reached the upstream, as `[[sim: echo]]` gives it back."""
    request = json.loads(told["text"].partition("```json\n")[2].partition("```")[0])
    body: dict[str, Any] = request["body"]
    return body


async def test_an_answer_is_shown_in_full(up: Up, http: httpx.AsyncClient) -> None:
    told = await in_node(up.url, "send", prompt=PROMPT)
    assert (told["status"], len(told["messages"])) == ("ready", 2)
    assert told["text"] == await text_of(http, stream_of(told))
    assert told["finishes"] == [{"isAbort": False, "isDisconnect": False, "isError": False, "finishReason": "stop"}]
    assert told["messages"][-1]["metadata"]["usage"]["output_tokens"] == 80


@pytest.mark.parametrize(
    "directives",
    some_of(
        [
            "thinking",
            "redacted-thinking",
            "citations",
            "hostile",
            "max-tokens",
            "refusal",
            "unknown-events",
            "pause-turn",
        ],
        2,
    ),
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


async def test_what_the_worker_runs_is_shown_and_not_run_again_and_goes_along_with_the_next_message(up: Up) -> None:
    asks = 'Two [[sim: tools="clock,calculator{\\"expression\\":\\"2**x\\"}" rate=0]]'
    body = {"relay": {"tools": ["clock", "calculator"]}}
    told = await in_node(up.url, "tool", prompt=asks, output="made up by the page", body=body)
    assert (told["status"], len(told["finishes"])) == ("ready", 1)
    parts = told["messages"][-1]["parts"]
    assert [part["type"] for part in parts] == ["step-start", "dynamic-tool", "dynamic-tool", "step-start", "text"]
    assert [part["state"] for part in parts[1:3]] == ["output-available", "output-error"]
    assert parts[1]["output"] != "made up by the page"
    told = await in_node(up.url, "send", prompt=asks, then=["[[sim: echo rate=0]]"], body=body)
    _, called, given, answer, _ = echoed(told)["messages"]
    assert [block["type"] for block in called["content"]] == ["tool_use", "tool_use"]
    assert [block["tool_use_id"] for block in given["content"]] == [block["id"] for block in called["content"]]
    assert [block.get("is_error", False) for block in given["content"]] == [False, True]
    assert answer["content"][0]["type"] == "text"


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


@pytest.mark.parametrize(
    "chat", some_of(["a/b", "ü ?&#%2F", "/stream", "line\nbreak", "%", "x/stream/stream", "..a//"], 3)
)
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
