"""What a message held before is told again as chunks, and no tool of the page's runs a second time by it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.faces.chat.view_replay import chunks_of

META = {"anthropic": {"signature": "s"}}
TOOL = {"type": "tool-search", "toolCallId": "t1", "input": {"q": "tides"}}
NAMED = {"toolCallId": "t1", "toolName": "search"}


def kinds(*parts: dict[str, Any]) -> list[str]:
    return [chunk["type"] for chunk in chunks_of(list(parts))]


@pytest.mark.parametrize("kind", ["text", "reasoning"])
def test_a_text_is_told_whole_under_an_id_of_its_own(kind: str) -> None:
    first, second = {"type": kind, "text": "a", "providerMetadata": META}, {"type": kind, "text": ""}
    assert list(chunks_of([first, second])) == [
        {"type": f"{kind}-start", "id": "0-0", "providerMetadata": META},
        {"type": f"{kind}-delta", "id": "0-0", "delta": "a"},
        {"type": f"{kind}-end", "id": "0-0"},
        {"type": f"{kind}-start", "id": "0-1"},
        {"type": f"{kind}-end", "id": "0-1"},
    ]


def test_a_tool_that_has_no_output_yet_is_told_with_its_input() -> None:
    assert list(chunks_of([{**TOOL, "state": "input-available", "title": "Search"}])) == [
        {"type": "tool-input-available", **NAMED, "title": "Search", "input": {"q": "tides"}}
    ]


@pytest.mark.parametrize(
    ("part", "last"),
    [
        ({"state": "output-available", "output": [1]}, {"type": "tool-output-available", "output": [1]}),
        ({"state": "output-denied"}, {"type": "tool-output-denied"}),
        ({"state": "output-error", "errorText": "no"}, {"type": "tool-output-error", "errorText": "no"}),
        ({"state": "output-error"}, {"type": "tool-output-error", "errorText": ""}),
    ],
)
def test_a_tool_that_has_its_output_does_not_run_again(part: dict[str, Any], last: dict[str, Any]) -> None:
    start, delta, end = chunks_of([TOOL | part])
    assert start == {"type": "tool-input-start", **NAMED}
    assert orjson.loads(delta["inputTextDelta"]) == {"q": "tides"}
    assert end == {**last, "toolCallId": "t1"}


def test_a_tool_of_any_name_keeps_it_and_what_a_provider_said_of_it() -> None:
    part = {"type": "dynamic-tool", "toolName": "mcp_x", "toolCallId": "t2", "state": "output-available", "output": 1}
    start, _, end = chunks_of([part | {"callProviderMetadata": META, "resultProviderMetadata": {"a": {}}}])
    assert (start["toolName"], start["dynamic"], start["providerMetadata"]) == ("mcp_x", True, META)
    assert end["providerMetadata"] == {"a": {}}


def test_what_is_as_its_chunk_is_passes_and_what_nobody_knows_stays_away() -> None:
    source, data = {"type": "source-url", "sourceId": "s", "url": "https://a"}, {"type": "data-x", "data": 1}
    assert list(chunks_of([{"type": "step-start"}, source, data, {"type": "novel"}])) == [
        {"type": "start-step"},
        source,
        data,
    ]
    assert kinds(TOOL | {"state": "input-streaming"}) == ["tool-input-available"]
