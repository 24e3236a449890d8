"""What stands of an answer that never was whole: each block as far as it came, of the newest attempt."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.stream.frames import encode, origin
from app.stream.readback.partial import PartialMessage

START = {"type": "message_start", "message": {"id": "msg_1", "role": "assistant", "content": [], "model": "claude-x"}}


def begun(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **told: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **told}}


def frames_of(*events: dict[str, Any]) -> bytes:
    data, (offset, crc) = b"", origin("st_1")
    for event in events:
        name = "relay.reset" if event["type"] == "reset" else event["type"]
        frame, offset, crc = encode(name.encode(), orjson.dumps(event), offset, crc)
        data += frame
    return data


def standing(*events: dict[str, Any]) -> PartialMessage:
    found = PartialMessage()
    found.take(frames_of(*events))
    return found


def test_every_kind_of_block_stands_as_far_as_it_came() -> None:
    found = standing(
        START,
        begun(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="hm"),
        delta(0, "signature_delta", signature="s"),
        begun(1, type="text", text=""),
        delta(1, "text_delta", text="Hel"),
        delta(1, "text_delta", text="lo"),
        delta(1, "citations_delta", citation={"url": "x"}),
        begun(3, type="tool_use", id="t", name="look", input={}),
        delta(3, "input_json_delta", partial_json='{"a":'),
        begun(2, type="server_tool_use", id="u", name="find", input={}),
        delta(2, "input_json_delta", partial_json='{"b":1}'),
    )
    assert found.content == [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "Hello", "citations": [{"url": "x"}]},
        {"type": "server_tool_use", "id": "u", "name": "find", "input": {"b": 1}},
        {"type": "tool_use", "id": "t", "name": "look", "input": {}},
    ]
    assert found.message is not None
    assert (found.message["id"], found.message["content"]) == ("msg_1", found.content)


def test_only_the_newest_attempt_stands() -> None:
    old = (START, begun(0, type="text", text=""), delta(0, "text_delta", text="old"))
    assert standing(*old, {"type": "reset"}).message is None
    new = standing(*old, {"type": "reset"}, begun(0, type="text", text=""), delta(0, "text_delta", text="new"))
    assert new.content == [{"type": "text", "text": "new"}]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_delta"},
        {"type": "content_block_delta", "index": "x", "delta": {"type": 5}},
        {"type": "content_block_start", "index": None, "content_block": 7},
        {"type": "message_start", "message": []},
        {"type": "message_delta", "delta": None},
        delta(0, "text_delta", text=5),
        delta(9, "input_json_delta", partial_json="{}"),
        delta(0, "citations_delta"),
    ],
)
def test_a_shape_that_nobody_knows_does_no_harm(event: dict[str, Any]) -> None:
    found = standing(START, begun(0, type="text", text="a"), event, delta(0, "text_delta", text="b"))
    assert str(found.content[0]["text"]).endswith("b")


def test_of_several_turns_the_newest_is_what_stands() -> None:
    first = (START, begun(0, type="text", text="one"), begun(1, type="tool_use", id="t"), {"type": "message_stop"})
    found = standing(*first, {"type": "relay.tool"}, START, begun(0, type="text", text="two"))
    assert found.content == [{"type": "text", "text": "two"}]
