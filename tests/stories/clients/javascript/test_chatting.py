"""The transport for the AI SDK: what it makes of connections that end, and of what comes over the next."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.clients.javascript.conftest import Project

SENT, RESUMED = ["POST", "/api/chat"], ["GET", "/api/chat/resume/ID?bare=1"]


@pytest.mark.parametrize(
    ("scenario", "chunks", "failed"),
    [
        ("ended", ["start", "data-status", "start-step", "a", "data-status", "b", "finish"], None),
        ("another", ["start", "start-step", "a", "b", "reset-step", "a", "c", "d"], None),
        ("taken_back", ["start", "start-step", "a", "reset-step", "b", "c"], None),
        ("glued", ["start", "start-step", "a", "start-step", "b"], "Error: the answer has begun again"),
        ("cancelled", ["start", "start-step", "a"], "AbortError: "),
        ("stopped", ["start", "start-step", "a"], "AbortError: "),
        ("gone", ["start"], "KeepstreamError: it is 410"),
        ("refused", [], "KeepstreamError: it is 429"),
    ],
)
async def test_what_is_handed_out_is_the_answer_once_or_an_error(
    project: Project, scenario: str, chunks: list[str], failed: str | None
) -> None:
    heard: dict[str, Any] = await project.ask("chatting.mjs", scenario)
    assert heard["chunks"] == chunks
    assert (heard["failed"] or "").startswith(failed or "\0") == (failed is not None)
    assert [one[:2] for one in heard["asked"]] == [SENT, RESUMED][: 1 if scenario in ("stopped", "refused") else 2]


async def test_where_the_stream_s_id_is_not_told_the_chat_s_own_has_to_do(project: Project) -> None:
    heard = await project.ask("chatting.mjs", "unnamed")
    assert heard["chunks"] == ["start", "start-step", "a", "b"]
    assert [one[:2] for one in heard["asked"]] == [SENT, ["GET", "/api/chat/c%2F%C3%A4/stream?unseen=1"]]


async def test_a_message_is_sent_again_under_the_same_key(project: Project) -> None:
    heard = await project.ask("chatting.mjs", "away")
    first, second = heard["asked"]
    assert first == second
    assert first[2]
    assert heard["chunks"] == ["start"]
