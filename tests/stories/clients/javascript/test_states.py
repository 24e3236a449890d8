"""What a stream's events amount to for a view: a function of its own, without React and without a network."""

from __future__ import annotations

import json
from typing import Any

from tests.app.clients.python.keepstream.answers import TOLD, begin, delta, event
from tests.stories.clients.javascript.conftest import Project


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


async def test_each_answer_amounts_to_the_same_as_in_python(project: Project) -> None:
    """Turns, resets of one of them, tools with their results, and who has to approve them."""
    told = await project.ask("answers.mjs", json.dumps([one.events for one in TOLD.values()]))
    for (name, one), found in zip(TOLD.items(), told, strict=True):
        assert (found["turns"], found["text"]) == (one.turns, one.text), name
        assert found["blocks"] == [block for turn in one.turns for block in turn], name
        assert tuple(asked["tool_use_id"] for asked in found["approvals"]) == one.waiting, name
        assert (found["status"] == "asking") == bool(one.waiting), name


async def test_one_is_told_how_much_of_an_answer_there_is_that_is_shown_when_it_is_whole(project: Project) -> None:
    running, begun = await states(
        project,
        event("relay.status", state="running", elapsed_ms=2000, output_tokens=412),
        event("message_start", message={"model": "claude-sonnet-5"}),
    )
    assert (running["status"], running["tokens"], begun["tokens"]) == ("writing", 412, None)
