"""What streams said, and what that amounts to: both clients, and all that show an answer, are held against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Told:
    """`turns`: the blocks that there are then; `waiting`: the calls that wait for a person."""

    events: list[dict[str, Any]]
    turns: list[list[dict[str, Any]]]
    text: str
    waiting: tuple[str, ...] = ()


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "data": data, "id": ""}


def begin(index: int, kind: str, **more: Any) -> dict[str, Any]:
    return event("content_block_start", index=index, content_block={"type": kind, **more})


def delta(index: int, kind: str, **more: Any) -> dict[str, Any]:
    return event("content_block_delta", index=index, delta={"type": kind, **more})


def stop(index: int) -> dict[str, Any]:
    return event("content_block_stop", index=index)


def call(index: int, key: str, json: str) -> list[dict[str, Any]]:
    """A tool's call, its input in two pieces."""
    cut = len(json) // 2
    return [
        begin(index, "tool_use", id=key, name="clock", input={}),
        delta(index, "input_json_delta", partial_json=json[:cut]),
        delta(index, "input_json_delta", partial_json=json[cut:]),
        stop(index),
    ]


def said(index: int, text: str) -> list[dict[str, Any]]:
    return [begin(index, "text", text=""), delta(index, "text_delta", text=text), stop(index)]


def result(key: str, content: str, *, is_error: bool = False) -> dict[str, Any]:
    return event("relay.tool", tool_use_id=key, name="clock", content=content, is_error=is_error, elapsed_ms=5)


START = event("message_start", message={"model": "claude-sonnet-5"})
NOON = result("toolu_1", "noon")
CALLED = {"type": "tool_use", "id": "toolu_1", "name": "clock", "input": {"zone": "UTC"}}
DONE = CALLED | {"result": NOON["data"]}
TURN = [START, *said(0, "Let me look."), *call(1, "toolu_1", '{"zone":"UTC"}')]
LOOK = {"type": "text", "text": "Let me look."}
ASKS = event("relay.approval", tool_use_id="toolu_1", name="clock", input={"zone": "UTC"})
REFUSED = result("toolu_1", "A person refused this call.", is_error=True)

TOLD = {
    "the second turn stands behind the first": Told(
        [*TURN, NOON, START, *said(0, "It is noon.")],
        [[LOOK, DONE], [{"type": "text", "text": "It is noon."}]],
        "Let me look.\n\nIt is noon.",
    ),
    "a turn without text is no blank line": Told(
        [START, *call(0, "toolu_1", '{"zone":"UTC"}'), NOON, START, *said(0, "Noon")],
        [[DONE], [{"type": "text", "text": "Noon"}]],
        "Noon",
    ),
    "a turn that breaks begins again alone": Told(
        [*TURN, NOON, START, *said(0, "It is"), event("relay.reset", attempt=2, reason="interrupted", turn=2)],
        [[LOOK, DONE]],
        "Let me look.",
    ),
    "and is the second one again": Told(
        [*TURN, NOON, START, event("relay.reset", attempt=2, reason="cut", turn=2), START, *said(0, "Noon")],
        [[LOOK, DONE], [{"type": "text", "text": "Noon"}]],
        "Let me look.\n\nNoon",
    ),
    "a first turn that breaks leaves nothing": Told(
        [*TURN, event("relay.reset", attempt=2, reason="interrupted", turn=1)], [], ""
    ),
    "a reset without a turn is one of all": Told(
        [*TURN, NOON, START, event("relay.reset", attempt=2, reason="lost")], [], ""
    ),
    "a call waits for a person": Told([*TURN, ASKS], [[LOOK, CALLED]], "Let me look.", ("toolu_1",)),
    "and waits no more once it was refused": Told(
        [*TURN, ASKS, REFUSED], [[LOOK, CALLED | {"result": REFUSED["data"]}]], "Let me look."
    ),
    "a call waits once, also where nothing else is shown yet": Told([ASKS, ASKS], [], "", ("toolu_1",)),
    "and not in a turn that begins again": Told(
        [*TURN, ASKS, event("relay.reset", attempt=2, reason="worker_lost", turn=1)], [], ""
    ),
    "nor where all is over": Told([ASKS, event("relay.end", outcome="cancelled")], [], ""),
    "what there is of JSON": Told(
        [START, *said(0, '{"a":1'), event("relay.partial", index=0, value={"a": 1})],
        [[{"type": "text", "text": '{"a":1', "value": {"a": 1}}]],
        '{"a":1',
    ),
    "an input that was cut off stays as it came": Told(
        [START, *call(0, "toolu_1", '{"zone":"U')],
        [[CALLED | {"input": {}, "partial_json": '{"zone":"U'}]],
        "",
    ),
    "nobody's results, and what nobody knows": Told(
        [
            result("toolu_9", "?"),
            START,
            event("relay.partial", index=7, value=1),
            delta(3, "text_delta", text="?"),
            begin(0, "text", text=""),
            delta(0, "of another version", something=1),
            delta(0, "citations_delta", citation={"title": "A book"}),
        ],
        [[{"type": "text", "text": "", "citations": [{"title": "A book"}]}]],
        "",
    ),
}
