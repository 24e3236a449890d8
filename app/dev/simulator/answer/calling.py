"""Which tools an answer calls, and with what: a prompt's directives, or the request's tool_choice. Pure.

A call's id is that of its place in exactly this conversation: alike in a repetition of the same request, unlike in all
others. It says also whether its turn began with thinking, so that one that was left out is missed (rules/pairs.py).
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import chain
from typing import Any

from app.dev.simulator.answer.hearing import directive_text, rounds_of_results
from app.dev.simulator.answer.schema import breaking, example
from app.dev.simulator.answer.suggesting import suggested
from app.dev.simulator.directives import Directives
from app.dev.simulator.values import ToolCall

PREFIX, AFTER_THINKING = "toolu_sim", "T"


def calls(body: Mapping[str, Any], asked: Directives) -> list[ToolCall]:
    """The calls of this turn; none: it is answered with text."""
    found = _scripted(body, asked) if asked.tools else _simple(body, asked)
    alone = (body.get("tool_choice") or {}).get("disable_parallel_tool_use")
    return found[:1] if alone else found


def input_of(body: Mapping[str, Any], call: ToolCall) -> Any:
    if call.input is not None:
        return call.input
    schema = _tools(body).get(call.name, {}).get("input_schema") or {"type": "object"}
    return breaking(schema) if call.breaks else example(schema)


def ids(body: Mapping[str, Any], count: int, *, thought: bool) -> list[str]:
    """An id for each of so many calls."""
    mark = AFTER_THINKING if thought else ""
    conversation = json.dumps([body.get("model"), body["messages"]]).encode()
    seed = blake2b(conversation, digest_size=16).digest()
    return [f"{PREFIX}{mark}{blake2b(b'%d' % n, key=seed, digest_size=10).hexdigest()}" for n in range(count)]


def _tools(body: Mapping[str, Any]) -> dict[Any, Mapping[str, Any]]:
    return {tool.get("name"): tool for tool in body.get("tools") or ()}


def _scripted(body: Mapping[str, Any], asked: Directives) -> list[ToolCall]:
    script: Sequence[Sequence[ToolCall]] = asked.tools or ()
    _, turn = directive_text(body["messages"])
    if turn > (len(script) if asked.turns is None else asked.turns):
        return []
    every = [ToolCall(str(name)) for name in _tools(body)]
    return list(chain.from_iterable(every if one.name == "*" else [one] for one in script[(turn - 1) % len(script)]))


def _simple(body: Mapping[str, Any], asked: Directives) -> list[ToolCall]:
    first, choice = list(_tools(body))[:1], body.get("tool_choice") or {}
    if rounds_of_results(body["messages"]) >= (asked.tool_rounds or 1):
        return []
    if asked.tool:
        names: Sequence[Any] = asked.tool.split(",")
    elif choice.get("type") == "tool":
        names = [choice.get("name")] if choice.get("name") in _tools(body) else []
    elif asked.tool is not None or choice.get("type") == "any":
        names = first
    else:
        return list(suggested(body, asked)) if rounds_of_results(body["messages"]) == 0 else []
    return [ToolCall(str(name), asked.tool_input) for name in names]
