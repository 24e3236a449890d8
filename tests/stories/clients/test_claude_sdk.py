"""The Claude API's SDK for JavaScript, with nothing changed but its base URL, beside the same calls made directly."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.harness import node
from tests.harness.recordings.recorded import recorded_streams
from tests.harness.recordings.replaying import Replaying
from tests.harness.relay import Relay
from tests.long import some_of
from tests.stories.clients.conftest import Up

TOOL = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
ANSWERS = [
    "tokens=40",
    "tokens=1500",
    "hostile",
    "big-delta=300000",
    "thinking",
    "redacted-thinking",
    "thinking citations",
    "tool=get_weather",
    "refusal",
    "pause-turn",
    "max-tokens",
    "unknown-events",
    "split crlf",
]
REFUSALS = ["status=400", "status=404", "status=413", "status=429 retry-after=100", "status=500 should-retry=false"]

Call = tuple[str, dict[str, Any], dict[str, Any]]


def asking(directives: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"[[sim: rate=0 first=0]] [[sim: {directives}]]"}]
    tools = {"tools": [TOOL]} if "tool" in directives else {}
    return {"model": "claude-opus-5-5", "max_tokens": 4096, "messages": messages, **tools, **more}


async def both(up: Up, calls: list[Call]) -> list[tuple[Any, Any]]:
    """What each call comes to: directly, and relayed."""
    given = json.dumps(calls)
    direct = await node.run("claude_sdk.mjs", up.simulator, given)
    relayed = await node.run("claude_sdk.mjs", up.url, given)
    return list(zip(direct, relayed, strict=True))


def alike(value: Any) -> Any:
    """Without what every call makes anew, and without what follows a message's end."""
    if isinstance(value, list):
        ends = [n for n, one in enumerate(value) if isinstance(one, dict) and one.get("type") == "message_stop"]
        return [alike(one) for one in value[: ends[0] + 1 if ends else None]]
    if isinstance(value, dict):
        return {name: alike(one) for name, one in value.items() if name != "request_id" and not is_made_anew(name, one)}
    return value


def is_made_anew(name: str, value: Any) -> bool:
    return name == "id" and str(value).startswith("msg_")


@pytest.mark.parametrize("kind", some_of(["stream", "create", "beta_stream", "beta_create"], 2))
async def test_messages_and_events_are_the_same(up: Up, kind: str) -> None:
    for direct, relayed in await both(up, [(kind, asking(directives), {}) for directives in ANSWERS]):
        assert "error" not in direct
        assert alike(relayed) == alike(direct)


@pytest.mark.parametrize("kind", some_of(["events", "create"], 1))
async def test_refusals_are_the_same(up: Up, kind: str) -> None:
    for direct, relayed in await both(up, [(kind, asking(directives), {}) for directives in REFUSALS]):
        assert direct["error"]["status"] >= 400
        assert alike(relayed["error"]) == alike(direct["error"])


async def test_an_error_in_the_stream_is_the_same(up: Up) -> None:
    [(direct, relayed)] = await both(up, [("events", asking("error-after=5"), {})])
    assert direct["error"]["body"]["error"]["type"] == "overloaded_error"
    assert relayed["error"]["name"] == direct["error"]["name"]
    assert alike(relayed["error"]["body"]) == alike(direct["error"]["body"])
    assert alike(relayed["events"]) == alike(direct["events"])


async def test_a_broken_answer_never_looks_whole(up: Up) -> None:
    broken = ["cut-after=5", "end-after=5", "bad-json-after=5"]
    seen = await node.run("claude_sdk.mjs", up.url, json.dumps([("stream", asking(how), {}) for how in broken]))
    assert [one["error"]["body"]["error"]["type"] for one in seen] == ["api_error"] * len(broken)


async def test_a_second_message_start_is_never_sent(up: Up) -> None:
    # This SDK throws at one, where the one for Python glues two answers together.
    calls = [
        ("events", asking(f"{how} call=1", metadata={"user_id": how}), {}) for how in ("error-after=0", "cut-after=0")
    ]
    for seen in await node.run("claude_sdk.mjs", up.url, json.dumps(calls)):
        types = [event["type"] for event in seen["events"]]
        assert (types[0], types[-1], types.count("message_start")) == ("message_start", "message_stop", 1)


async def test_a_retry_attaches_and_the_headers_name_the_stream(up: Up) -> None:
    call = ("named", asking("tokens=20"), {"headers": {"idempotency-key": "javascript"}})
    first, second = await node.run("claude_sdk.mjs", up.url, json.dumps([call, call]))
    assert second == first
    assert first["location"] == f"/v1/streams/{first['id']}"
    async with httpx.AsyncClient(base_url=up.url) as http:
        assert (await http.get(f"{first['location']}/message")).json()["id"] == first["message"]["id"]


async def test_short_calls_are_the_same(up: Up) -> None:
    counted = {"model": "claude-opus-5-5", "messages": [{"role": "user", "content": "hi"}]}
    for direct, relayed in await both(up, [("count", counted, {}), ("models", {}, {})]):
        assert "error" not in direct
        assert relayed == direct


async def test_every_recorded_stream_becomes_the_same_message(request: pytest.FixtureRequest) -> None:
    assert request.config.cache is not None
    recorded = recorded_streams(request.config.cache.mkdir("recorded-streams"))
    calls = [
        (kind, {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": name}]}, {})
        for name in recorded
        for kind in ("beta_stream", "stream")
    ]
    # The recordings lack their last blank line, without which this SDK misses their last event.
    whole = {name: stream.rstrip(b"\n") + b"\n\n" for name, stream in recorded.items()}
    with Replaying(whole) as upstream, Relay(upstream.url) as relay:
        seen = await both(Up(relay.url, upstream.url, relay), calls)
    assert len(seen) == 2 * len(recorded)
    for (_, body, _), (direct, relayed) in zip(calls, seen, strict=True):
        assert alike(relayed) == alike(direct), body
