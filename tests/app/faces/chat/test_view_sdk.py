"""Every chunk as the AI SDK's own schema has it: the SDK reads them, in Node."""

from __future__ import annotations

import json

from app.stream.asides import Queued
from tests.app.faces.chat.logged import START, STOP, TEXT, Event, block, end, frames, view
from tests.harness import node


async def test_the_sdk_knows_every_chunk() -> None:
    citation = {
        "type": "char_location",
        "document_index": 1,
        "document_title": None,
        "cited_text": "…",
        "file_id": None,
    }
    result = {"tool_use_id": "t1", "name": "f", "content": [{"type": "text", "text": "x"}], "is_error": False}
    events: list[Event] = [
        ("relay.retry", {"attempt": 1, "reason": "overloaded", "retry_in_ms": 5}),
        START,
        *TEXT,
        *block(1, {"type": "thinking", "thinking": "a"}, {"type": "signature_delta", "signature": "b"}),
        *block(2, {"type": "redacted_thinking", "data": "b"}),
        *block(3, {"type": "tool_use", "id": "t1", "name": "f", "input": {}}),
        *block(4, {"type": "tool_use", "id": "t2", "name": "f"}, {"type": "input_json_delta", "partial_json": "{"}),
        *block(5, {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}, "caller": None}),
        *block(6, {"type": "web_search_tool_result", "tool_use_id": "s1", "content": {"type": "x_error"}}),
        *block(7, {"type": "text", "text": "y"}, {"type": "citations_delta", "citation": citation}),
        *block(8, {"type": "compaction", "content": None}, {"type": "compaction_delta", "content": "z"}),
        *block(9, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}),
        *block(10, {"type": "document", "source": {"type": "file", "file_id": "f"}}),
        ("relay.reset", {"attempt": 2, "reason": "cut"}),
        START,
        *block(0, {"type": "tool_use", "id": "t1", "name": "f", "input": {}}),
        *block(1, {"type": "tool_use", "id": "t3", "name": "ours", "input": {}}),
        STOP,
        ("relay.approval", {"tool_use_id": "t3", "name": "ours", "input": {}}),
        ("relay.tool", result | {"elapsed_ms": 3}),
        ("relay.tool", result | {"tool_use_id": "t3", "elapsed_ms": 3}),
        START,
        STOP,
    ]
    parts = []
    for ending in (end(), end(outcome="cancelled"), end(outcome="failed", error={"type": "a", "message": "b"})):
        made = view("ours")
        parts.append(made.head() + made.aside(Queued(1)) + made.take(frames(*events, ending)))
    stream = b"".join(parts).decode()
    seen = await node.run("ai_sdk.mjs", "", "validate", json.dumps({"stream": stream}))
    assert seen["wrong"] == []
    assert len(seen["chunks"]) > 100
