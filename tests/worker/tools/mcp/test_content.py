from __future__ import annotations

from typing import Any

import mcp_types
import pytest

from worker.tools.mcp.content import blocks_of


def of(*content: dict[str, Any], **more: Any) -> mcp_types.CallToolResult:
    return mcp_types.CallToolResult.model_validate({"content": list(content), **more})


@pytest.mark.parametrize(
    ("content", "block"),
    [
        ({"type": "text", "text": "a"}, {"type": "text", "text": "a"}),
        (
            {"type": "image", "data": "aGk=", "mimeType": "image/png"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        ),
        ({"type": "image", "data": "aGk=", "mimeType": "image/bmp"}, "[image/bmp that cannot be shown here]"),
        ({"type": "image", "data": "a!", "mimeType": "image/png"}, "[image/png that cannot be shown here]"),
        ({"type": "audio", "data": "aGk=", "mimeType": "audio/wav"}, "[audio/wav that cannot be shown here]"),
        ({"type": "resource_link", "name": "a", "uri": "file:///a"}, "a: file:///a"),
        ({"type": "resource", "resource": {"uri": "file:///a", "text": "b"}}, "file:///a\nb"),
        (
            {"type": "resource", "resource": {"uri": "file:///a", "blob": "aGk=", "mimeType": "application/pdf"}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}},
        ),
        (
            {"type": "resource", "resource": {"uri": "file:///a", "blob": "aGk="}},
            "[something that cannot be shown here]",
        ),
    ],
)
def test_what_a_model_is_shown(content: dict[str, Any], block: Any) -> None:
    told = {"type": "text", "text": block} if isinstance(block, str) else block
    assert blocks_of(of(content)).blocks == [told]


def test_values_are_told_where_there_is_nothing_else() -> None:
    assert blocks_of(of(structuredContent={"a": 1})).blocks == [{"type": "text", "text": '{"a":1}'}]
    assert blocks_of(of({"type": "text", "text": "a"}, structuredContent={"a": 1})).blocks[0]["text"] == "a"


def test_a_fault_has_words() -> None:
    assert blocks_of(of(isError=True)).is_error
    assert blocks_of(of({"type": "text", "text": " "}, isError=True)).blocks[0]["text"].startswith("The tool failed")
