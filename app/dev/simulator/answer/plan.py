"""One answer, planned: its content blocks in token-sized deltas, its stop reason, its usage.

A plan is what is said; `events` tells how it looks as a stream and as one Message, `faults` what goes wrong on the way.
One delta that carries text, thinking or JSON is one token, and the request's max_tokens is kept over all of them.
Pure; knows nothing of SSE or HTTP.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.dev.simulator.answer.answers import answer_pieces, pieces
from app.dev.simulator.answer.block import Block, searched
from app.dev.simulator.answer.calling import calls, ids, input_of
from app.dev.simulator.answer.formats import json_answer, schema_of
from app.dev.simulator.answer.thoughts import REDACTED, signature
from app.dev.simulator.answer.words.texts import REFUSAL, THINKING
from app.dev.simulator.directives import Directives
from app.dev.simulator.values import ToolCall

CHARACTERS_PER_TOKEN = 4  # a rule of thumb for English; nobody is billed by it
REQUEST_TOKENS = 7  # what the API adds around a prompt, roughly
CITATION: Mapping[str, Any] = {
    "type": "char_location",
    "cited_text": "Nothing travels faster than light.",
    "document_index": 0,
    "document_title": "On fast things",
    "start_char_index": 0,
    "end_char_index": 34,
    "file_id": None,
}


@dataclass(frozen=True, slots=True)
class Cached:
    """Tokens of a prompt that were read from the cache, and those that were written to it."""

    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    @property
    def written(self) -> int:
        return self.written_5m + self.written_1h

    def usage(self) -> dict[str, Any]:
        return {
            "cache_creation_input_tokens": self.written,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written_5m,
                "ephemeral_1h_input_tokens": self.written_1h,
            },
        }


@dataclass(frozen=True, slots=True)
class Plan:
    model: str
    blocks: tuple[Block, ...]
    stop_reason: str
    stop_sequence: str | None
    stop_details: Mapping[str, Any] | None
    input_tokens: int
    cached: Cached = field(default_factory=Cached)

    @property
    def plain_input_tokens(self) -> int:
        """Those that were neither read from a cache nor written to one."""
        return max(self.input_tokens - self.cached.read - self.cached.written, 0)

    @property
    def output_tokens(self) -> int:
        return sum(len(block.deltas) for block in self.blocks)

    @property
    def searches(self) -> int:
        return sum(block.start["type"] == "server_tool_use" for block in self.blocks)

    @property
    def declined(self) -> bool:
        """Whether nothing was said before the refusal."""
        return self.stop_reason == "refusal" and not self.output_tokens

    @property
    def thinking_tokens(self) -> int:
        return sum(len(block.deltas) for block in self.blocks if block.carries == "thinking")


def plan(body: Mapping[str, Any], asked: Directives) -> Plan:
    """What is answered to the Messages request `body`."""
    blocks, stop_reason, stop_sequence = list(_thoughts(asked)), "end_turn", None
    if asked.server_tool:
        blocks += searched(body["messages"])
    if called := calls(body, asked):
        if asked.text:
            blocks.append(_text(pieces(asked.text), citing=asked.citations))
        blocks += _tool_uses(body, called, asked)
        stop_reason = "tool_use"
    elif not (asked.server_tool and asked.pause_turn):
        found, stop_sequence = _until_stop_sequence(_text_pieces(body, asked), body.get("stop_sequences") or ())
        blocks.append(_text(found, citing=asked.citations))
        stop_reason = "end_turn" if stop_sequence is None else "stop_sequence"
    kept = list(_within(blocks, int(body["max_tokens"])))
    if sum(len(block.deltas) for block in kept) < sum(len(block.deltas) for block in blocks):
        stop_reason, stop_sequence = "max_tokens", None
    return Plan(
        model=str(body["model"]),
        blocks=tuple(kept),
        stop_reason=_stop_reason(asked) or stop_reason,
        stop_sequence=stop_sequence,
        stop_details={"type": "refusal", "category": None, "explanation": REFUSAL} if asked.refusal else None,
        input_tokens=input_tokens(body),
    )


def input_tokens(body: Mapping[str, Any]) -> int:
    """An estimate that is stable and grows with the request."""
    counted = [body.get(name) for name in ("messages", "system", "tools")]
    return len(json.dumps(counted, ensure_ascii=False)) // CHARACTERS_PER_TOKEN + REQUEST_TOKENS


def _stop_reason(asked: Directives) -> str | None:
    reasons = {
        "refusal": asked.refusal,
        "pause_turn": asked.pause_turn,
        "model_context_window_exceeded": asked.context_window,
        "max_tokens": asked.max_tokens,
    }
    return next((reason for reason, wanted in reasons.items() if wanted), None)


def _within(blocks: Sequence[Block], budget: int) -> Iterator[Block]:
    """The blocks as far as `budget` tokens go. What is cut off has no closing delta and no complete input."""
    for block in blocks:
        if len(block.deltas) > budget:
            if budget:
                yield replace(block, deltas=block.deltas[:budget], last=None, whole={})
            return
        yield block
        budget -= len(block.deltas)


def _thoughts(asked: Directives) -> Iterator[Block]:
    if asked.thinking:
        signed = {"signature": signature(THINKING)}
        start = {"type": "thinking", "thinking": "", "signature": ""}
        last = {"type": "signature_delta", **signed}
        yield Block(start, "thinking_delta", "thinking", pieces(THINKING), last, signed)
    if asked.redacted_thinking:
        yield Block({"type": "redacted_thinking", "data": REDACTED})


def _text(found: Sequence[str], *, citing: bool) -> Block:
    if not citing:
        return Block({"type": "text", "text": ""}, "text_delta", "text", found)
    start = {"type": "text", "text": "", "citations": []}
    last = {"type": "citations_delta", "citation": CITATION}
    return Block(start, "text_delta", "text", found, last, {"citations": [CITATION]})


def _text_pieces(body: Mapping[str, Any], asked: Directives) -> list[str]:
    if asked.refusal and asked.tokens is None and asked.text is None:
        return []
    if asked == replace(asked, text=None, tokens=None, big_delta=None, hostile=False) and (schema := schema_of(body)):
        return pieces(json_answer(schema, body["messages"], asked))
    return answer_pieces(body["messages"], asked)


def _until_stop_sequence(found: list[str], stops: Sequence[str]) -> tuple[list[str], str | None]:
    """The pieces before the earliest of the stop sequences, and which it was."""
    text = "".join(found) if stops else ""
    places = [(text.find(stop), stop) for stop in stops if stop in text]
    if not places:
        return found, None
    end, stop = min(places)
    kept: list[str] = []
    for piece in found:
        if end <= 0:
            break
        kept.append(piece[:end])
        end -= len(piece)
    return kept, stop


def _tool_uses(body: Mapping[str, Any], called: Sequence[ToolCall], asked: Directives) -> Iterator[Block]:
    thought = asked.thinking or asked.redacted_thinking
    for call, use in zip(called, ids(body, len(called), thought=thought), strict=True):
        given = input_of(body, call)
        text = json.dumps(given, ensure_ascii=False)
        start = {"type": "tool_use", "id": use, "name": call.name, "input": {}, "caller": {"type": "direct"}}
        deltas = pieces(text[: len(text) - 1 - len(text) // 3] if call.broken else text)
        if asked.input_pieces is not None:
            deltas = _joined(deltas, max(asked.input_pieces, 1))
        whole = {"input": {} if call.broken else given}
        yield Block(start, "input_json_delta", "partial_json", deltas, None, whole)


def _joined(deltas: Sequence[str], most: int) -> list[str]:
    size = -(-len(deltas) // most)
    return ["".join(deltas[at : at + size]) for at in range(0, len(deltas), size)]
