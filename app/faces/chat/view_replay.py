"""What an assistant's message held before this stream went on with it, as chunks: so that a resume shows all of it.

Pure. The rule: the SDK builds a resumed message anew from the chunks, so what is left out here is gone from the page. A
tool call that has its output is told without `tool-input-available`, on which a page would run its tool once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app import surrogates
from app.faces.chat.view_blocks import Chunk

# Parts whose chunk has the same fields.
_SAME = ("source-url", "source-document", "file", "reasoning-file", "custom", "steering-message")
_OF_THE_TOOL_CALL = ("title", "toolMetadata", "providerExecuted")


def chunks_of(parts: list[Any]) -> Iterator[Chunk]:
    """The chunks that make these parts."""
    for number, part in enumerate(parts):
        kind = str(part.get("type"))
        if kind == "step-start":
            yield {"type": "start-step"}
        elif kind in ("text", "reasoning"):
            yield from _text(kind, f"0-{number}", part)
        elif kind == "dynamic-tool" or kind.startswith("tool-"):
            yield from _tool(kind, part)
        elif kind in _SAME or kind.startswith("data-"):
            yield part


def _text(kind: str, chunk_id: str, part: Chunk) -> Iterator[Chunk]:
    metadata = {"providerMetadata": part["providerMetadata"]} if part.get("providerMetadata") else {}
    yield {"type": f"{kind}-start", "id": chunk_id, **metadata}
    if part.get("text"):
        yield {"type": f"{kind}-delta", "id": chunk_id, "delta": part["text"]}
    yield {"type": f"{kind}-end", "id": chunk_id}


def _tool(kind: str, part: Chunk) -> Iterator[Chunk]:
    tool_call_id = part["toolCallId"]
    what: Chunk = {"toolCallId": tool_call_id, "toolName": part.get("toolName") or kind.removeprefix("tool-")}
    what |= {name: part[name] for name in _OF_THE_TOOL_CALL if part.get(name) is not None}
    what |= {"dynamic": True} if kind == "dynamic-tool" else {}
    what |= _metadata(part, "callProviderMetadata")
    state = str(part.get("state"))
    if not state.startswith("output-"):
        yield {"type": "tool-input-available", **what, "input": part.get("input")}
        return
    yield {"type": "tool-input-start", **what}
    yield {
        "type": "tool-input-delta",
        "toolCallId": tool_call_id,
        "inputTextDelta": surrogates.dumps(part.get("input")).decode(),
    }
    result = {"toolCallId": tool_call_id, **_metadata(part, "resultProviderMetadata")}
    match state:
        case "output-available":
            yield {"type": "tool-output-available", **result, "output": part.get("output")}
        case "output-denied":
            yield {"type": "tool-output-denied", "toolCallId": tool_call_id}
        case _:
            yield {"type": "tool-output-error", **result, "errorText": str(part.get("errorText") or "")}


def _metadata(part: Chunk, name: str) -> Chunk:
    return {"providerMetadata": part[name]} if part.get(name) else {}
