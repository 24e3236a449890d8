"""What a stream's events amount to for a view: a function of its own, without React and without a network."""

from __future__ import annotations

import json
from typing import Any

from tests.stories.clients.javascript.conftest import Project


def delta(index: int, kind: str, **more: Any) -> dict[str, Any]:
    return event("content_block_delta", index=index, delta={"type": kind, **more})


def begin(index: int, kind: str, **more: Any) -> dict[str, Any]:
    return event("content_block_start", index=index, content_block={"type": kind, **more})


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "data": data, "id": ""}


async def states(project: Project, *events: dict[str, Any]) -> Any:
    return await project.ask("states.mjs", json.dumps(events))


async def test_each_thing_one_waits_for_has_its_name_and_its_time(project: Project) -> None:
    told = await states(
        project,
        event("relay.status", state="queued", position=3),
        event("relay.status", state="held", retry_in_ms=4000),
        event("relay.retry", attempt=2, reason="overloaded_error", retry_in_ms=500),
        event("relay.status", state="thinking", silent_ms=15_000),
        event("relay.status", state="of another version"),
        event("of another version"),
        event("relay.end", outcome="expired", error={"type": "timeout_error", "message": "too late"}),
    )
    seen = [(one["status"], one["position"], one["reason"], one["retryAt"]) for one in told]
    assert seen == [
        ("waiting", 3, None, None),
        ("held", None, None, 5000),
        ("retrying", None, "overloaded_error", 1500),
        ("thinking", None, None, None),
        ("thinking", None, None, None),
        ("thinking", None, None, None),
        ("ended", None, None, None),
    ]
    assert (told[-1]["outcome"], told[-1]["end"]["error"]["type"], told[-1]["id"]) == (
        "expired",
        "timeout_error",
        "st_1",
    )


async def test_blocks_grow_by_their_deltas_and_begin_again_after_a_reset(project: Project) -> None:
    *_, whole, reset, again = await states(
        project,
        event("message_start", message={"model": "claude-sonnet-5"}),
        begin(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Let me "),
        delta(0, "thinking_delta", thinking="see."),
        delta(0, "signature_delta", signature="abc"),
        event("content_block_stop", index=0),
        begin(1, "text", text=""),
        delta(1, "text_delta", text="Riv"),
        delta(1, "text_delta", text="ers"),
        delta(1, "citations_delta", citation={"title": "A book"}),
        delta(1, "of another version", something="new"),
        delta(7, "text_delta", text="of a block that never began"),
        event("relay.reset", attempt=2, reason="interrupted"),
        begin(0, "text", text=""),
    )
    assert whole["blocks"] == [
        {"type": "thinking", "thinking": "Let me see.", "signature": "abc"},
        {"type": "text", "text": "Rivers", "citations": [{"title": "A book"}]},
    ]
    assert (whole["status"], whole["model"]) == ("writing", "claude-sonnet-5")
    assert (reset["status"], reset["reason"], reset["blocks"]) == ("waiting", "interrupted", [])
    assert again["blocks"] == [{"type": "text", "text": ""}]


async def test_a_tools_call_has_its_input_and_its_result_and_what_follows_stands_behind_it(project: Project) -> None:
    told = await states(
        project,
        event("message_start", message={"model": "claude-sonnet-5"}),
        begin(0, "tool_use", id="toolu_1", name="weather", input={}),
        delta(0, "input_json_delta", partial_json='{"of":'),
        delta(0, "input_json_delta", partial_json='"Rome"}'),
        event("content_block_stop", index=0),
        event("relay.tool", tool_use_id="toolu_1", name="weather", content="Sun", is_error=False, elapsed_ms=5),
        event("relay.tool", tool_use_id="toolu_2", name="of nobody", content="", is_error=True, elapsed_ms=5),
        event("message_start", message={"model": "claude-sonnet-5"}),
        begin(0, "text", text=""),
        delta(0, "text_delta", text="Sunny."),
        event("content_block_stop", index=0),
        begin(1, "tool_use", id="toolu_3", name="weather", input={}),
        delta(1, "input_json_delta", partial_json='{"of":"Na'),
        event("content_block_stop", index=1),
    )
    assert (told[3]["status"], told[3]["blocks"][0]["partial_json"]) == ("thinking", '{"of":"Rome"}')
    call, text, cut = told[-1]["blocks"]
    assert (call["input"], call["result"]["content"], "partial_json" in call) == ({"of": "Rome"}, "Sun", False)
    assert text == {"type": "text", "text": "Sunny."}
    assert (cut["input"], cut["partial_json"]) == ({}, '{"of":"Na')
