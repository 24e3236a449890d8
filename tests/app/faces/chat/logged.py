"""Logs written by hand, event by event, and the view that shows them."""

from __future__ import annotations

from typing import Any

from app.faces.chat.view import UIMessagesView
from app.stream.frames import encode_json, origin

STREAM = "st_0123456789abcdef0123456789abcdef"
START = ("message_start", {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3}}})
STOP = ("message_stop", {"type": "message_stop"})
END = {"outcome": "completed", "stop_reason": "end_turn", "usage": None, "cost_usd": None, "attempts": 1}
Event = tuple[str, dict[str, Any]]


def frames(*events: Event) -> bytes:
    position, parts = origin(STREAM), []
    for name, data in events:
        frame, position = encode_json(name, data, position)
        parts.append(frame)
    return b"".join(parts)


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[Event]:
    return [
        ("content_block_start", {"index": index, "content_block": start}),
        *(("content_block_delta", {"index": index, "delta": delta}) for delta in deltas),
        ("content_block_stop", {"index": index}),
    ]


def delta(stop_reason: str) -> Event:
    return ("message_delta", {"delta": {"stop_reason": stop_reason}, "usage": {"output_tokens": 5}})


def end(**changes: Any) -> Event:
    return ("relay.end", END | changes)


TEXT = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hi"}, {"type": "text_delta", "text": "!"})
WHOLE = (START, *TEXT, delta("end_turn"), STOP, end())


def view(*tools: str) -> UIMessagesView:
    """`tools` are the worker's."""
    return UIMessagesView(STREAM, "m1", tools=tools)
