"""One answer, planned: its content blocks in token-sized deltas, its stop reason, its usage.

A plan is what is said; `events` tells how it looks as a stream and as one Message, `faults` what goes wrong on the way.
One delta that carries text, thinking or JSON is one token, and the request's max_tokens is kept over all of them.
Pure; knows nothing of SSE or HTTP.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.simulator.answers import answer_pieces, pieces, tool_results
from worker.simulator.directives import Directives
from worker.simulator.schema import example
from worker.simulator.texts import REFUSAL, THINKING

CHARACTERS_PER_TOKEN = 4  # a rule of thumb for English; nobody is billed by it
REQUEST_TOKENS = 7  # what the API adds around a prompt, roughly
SIGNATURE = "EqQBCgIYAhIkc2ltdWxhdGVkLXNpZ25hdHVyZS1ub3QtdG8tYmUtdmVyaWZpZWQaDOWlvei/kOaAjiJAc2ltdWxhdGVk" * 2
REDACTED = "EmwKAhgBEgxzaW11bGF0ZWQtZGF0YS1ub3QtdG8tYmUtcmVhZBoMc2ltdWxhdGVkLWtleSIwc2ltdWxhdGVkLW5vbmNl" * 2


@dataclass(frozen=True, slots=True)
class Block:
    """A content block: as content_block_start has it, its deltas, and as the finished Message has it.

    `kind` and `field` are the delta's type and the name of what it carries; `last` is a delta that costs no token.
    """

    start: Mapping[str, Any]
    whole: Mapping[str, Any]
    kind: str = ""
    field: str = ""
    deltas: Sequence[str] = ()
    last: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    model: str
    blocks: tuple[Block, ...]
    stop_reason: str
    stop_sequence: str | None
    stop_details: Mapping[str, Any] | None
    input_tokens: int
    thinking_tokens: int

    @property
    def output_tokens(self) -> int:
        return sum(len(block.deltas) for block in self.blocks)


def plan(body: Mapping[str, Any], asked: Directives) -> Plan:
    """What is answered to the Messages request `body`."""
    budget = int(body["max_tokens"])
    blocks: list[Block] = []
    stop_reason, stop_sequence = _stop_reason(asked), None
    if asked.thinking:
        blocks.append(_thinking(pieces(THINKING)[:budget]))
    if asked.redacted_thinking:
        blocks.append(
            Block({"type": "redacted_thinking", "data": REDACTED}, {"type": "redacted_thinking", "data": REDACTED})
        )
    thinking_tokens = sum(len(block.deltas) for block in blocks)
    budget -= thinking_tokens
    calls = _tools_called(body, asked)
    if calls:
        stop_reason = stop_reason or "tool_use"
        for number, tool in enumerate(calls):
            seed = f"{len(body['messages'])}.{number}.{tool.get('name')}"
            block = _tool_use(tool, f"toolu_sim{zlib.crc32(seed.encode()):08x}", asked, max(budget, 0))
            budget -= len(block.deltas)
            blocks.append(block)
        cut = False
    else:
        found, stop_sequence = _until_stop_sequence(_text_pieces(body, asked), body.get("stop_sequences") or ())
        cut = len(found) > budget
        blocks.append(_text(found[:budget], citing=asked.citations))
    if cut or (calls and budget <= 0):
        stop_reason, stop_sequence = "max_tokens", None
    return Plan(
        model=str(body["model"]),
        blocks=tuple(blocks),
        stop_reason=stop_reason or ("stop_sequence" if stop_sequence is not None else "end_turn"),
        stop_sequence=stop_sequence,
        stop_details={"type": "refusal", "category": None, "explanation": REFUSAL} if asked.refusal else None,
        input_tokens=input_tokens(body),
        thinking_tokens=thinking_tokens,
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


def _text_pieces(body: Mapping[str, Any], asked: Directives) -> list[str]:
    if asked.refusal and asked.tokens is None and asked.text is None:
        return []
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


def _text(found: Sequence[str], *, citing: bool) -> Block:
    text = "".join(found)
    if not citing:
        return Block({"type": "text", "text": ""}, {"type": "text", "text": text}, "text_delta", "text", found)
    citation = {
        "type": "char_location",
        "cited_text": "Nothing travels faster than light.",
        "document_index": 0,
        "document_title": "On fast things",
        "start_char_index": 0,
        "end_char_index": 34,
        "file_id": None,
    }
    return Block(
        {"type": "text", "text": "", "citations": []},
        {"type": "text", "text": text, "citations": [citation]},
        "text_delta",
        "text",
        found,
        {"type": "citations_delta", "citation": citation},
    )


def _thinking(found: Sequence[str]) -> Block:
    return Block(
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking", "thinking": "".join(found), "signature": SIGNATURE},
        "thinking_delta",
        "thinking",
        found,
        {"type": "signature_delta", "signature": SIGNATURE},
    )


def _tools_called(body: Mapping[str, Any], asked: Directives) -> list[Mapping[str, Any]]:
    tools = list(body.get("tools") or ())
    choice = body.get("tool_choice") or {}
    if tool_results(body["messages"]):
        return []
    if asked.tool:
        known = {tool.get("name"): tool for tool in tools}
        return [known.get(name, {"name": name}) for name in asked.tool.split(",")]
    if choice.get("type") == "tool":
        return [tool for tool in tools if tool.get("name") == choice.get("name")]
    if asked.tool is not None or choice.get("type") == "any":
        return tools[:1]
    return []


def _tool_use(tool: Mapping[str, Any], use_id: str, asked: Directives, budget: int) -> Block:
    given = json.loads(asked.tool_input) if asked.tool_input is not None else example(tool.get("input_schema") or {})
    start = {"type": "tool_use", "id": use_id, "name": str(tool.get("name")), "input": {}, "caller": {"type": "direct"}}
    whole = json.dumps(given, ensure_ascii=False)
    return Block(start, {**start, "input": given}, "input_json_delta", "partial_json", pieces(whole)[:budget])
