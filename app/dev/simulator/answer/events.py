"""A plan in the API's own shapes: as the events of a stream, and as one Message.

The order and the fields are those of recorded streams: message_start, the first block's start, a ping, deltas, stop,
message_delta with the cumulative usage, message_stop. JSON is compact; the ping alone has spaces, as on the real wire.
Frames are made one at a time, because an answer may be longer than memory likes. Pure.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from app.dev.simulator.answer.block import Block
from app.dev.simulator.answer.plan import Plan

# One SSE event as bytes, with its blank line, and the number of tokens that it delivers: 0 or 1.
Frame = tuple[bytes, int]

PING: Frame = (b'event: ping\ndata: {"type": "ping"}\n\n', 0)
MESSAGE_STOP: Frame = (b'event: message_stop\ndata: {"type":"message_stop"}\n\n', 0)
_SURROGATE = re.compile("[\ud800-\udfff]")


def message(plan: Plan, message_id: str) -> dict[str, Any]:
    """The whole Message, as it is answered without streaming."""
    return {
        **_envelope(plan, message_id),
        "content": [_finished(block) for block in plan.blocks],
        "stop_reason": plan.stop_reason,
        "stop_sequence": plan.stop_sequence,
        "stop_details": plan.stop_details,
        "usage": _usage(plan, plan.output_tokens) | _thinking_share(plan),
    }


def frames(plan: Plan, message_id: str) -> Iterator[Frame]:
    """The events of the stream, one after the other."""
    start = {**_envelope(plan, message_id), "content": [], "stop_reason": None, "stop_sequence": None}
    start |= {"stop_details": None, "usage": _usage(plan, 1)}
    yield event("message_start", {"type": "message_start", "message": start})
    for index, block in enumerate(plan.blocks):
        yield event(
            "content_block_start", {"type": "content_block_start", "index": index, "content_block": block.start}
        )
        if index == 0:
            yield PING
        yield from _deltas(index, block)
        yield event("content_block_stop", {"type": "content_block_stop", "index": index})
    delta = {name: getattr(plan, name) for name in ("stop_reason", "stop_sequence", "stop_details")}
    usage = {
        "input_tokens": plan.plain_input_tokens,
        "cache_creation_input_tokens": plan.cached.written,
        "cache_read_input_tokens": plan.cached.read,
        "output_tokens": plan.output_tokens,
        **_searches(plan),
        **_thinking_share(plan),
    }
    yield event("message_delta", {"type": "message_delta", "delta": delta, "usage": usage})
    yield MESSAGE_STOP


def event(name: str, data: Mapping[str, Any]) -> Frame:
    """One event that delivers no token."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), dumps(data)), 0


def dumps(value: Any) -> bytes:
    """Compact JSON. Lone surrogates, which UTF-8 cannot carry, go out as escapes, as a model can make the API do."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return _dumps_with_surrogates(value)


def _dumps_with_surrogates(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _deltas(index: int, block: Block) -> Iterator[Frame]:
    # This is the hot path: all that is the same for each token of a block is made once.
    before = (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":'
        % (
            index,
            block.kind.encode(),
            block.carries.encode(),
        )
    )
    if block.kind == "input_json_delta":
        yield before + b'""}}\n\n', 0  # as the API begins an input
    for text in block.deltas:
        yield before + dumps(text) + b"}}\n\n", 1
    if block.last is not None:
        yield event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": block.last})


def _envelope(plan: Plan, message_id: str) -> dict[str, Any]:
    return {"model": plan.model, "id": message_id, "type": "message", "role": "assistant"}


def _finished(block: Block) -> dict[str, Any]:
    """The block as a whole Message has it: the sum of its deltas in the place of what it started with."""
    total = {block.carries: "".join(block.deltas)} if block.carries in block.start else {}
    return {**block.start, **total, **block.whole}


def _usage(plan: Plan, output_tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": plan.plain_input_tokens,
        **plan.cached.usage(),
        "output_tokens": output_tokens,
        **_searches(plan),
        "service_tier": "standard",
        "inference_geo": "not_available",
    }


def _searches(plan: Plan) -> dict[str, Any]:
    return {"server_tool_use": {"web_search_requests": plan.searches, "web_fetch_requests": 0}} if plan.searches else {}


def _thinking_share(plan: Plan) -> dict[str, Any]:
    return {"output_tokens_details": {"thinking_tokens": plan.thinking_tokens}} if plan.thinking_tokens else {}
