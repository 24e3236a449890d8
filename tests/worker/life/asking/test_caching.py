"""Marks stand where they save something and where the API takes them; all else of a request is as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.life.asking import caching
from worker.life.asking.caching import MINIMUM_OF_OTHERS, marked, minimum

MODEL = "claude-opus-5"
MARK = {"type": "ephemeral"}
LONG = "words of a long prompt " * 200
TOOL = {"name": "clock", "description": LONG, "input_schema": {"type": "object"}}


def body_of(**members: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": LONG}], **members}


def after(body: dict[str, Any], model: str = MODEL, time_to_live: str = "5m") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(marked(json.dumps(body).encode(), model, time_to_live))
    return found


def marks(value: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """Where marks stand, and which."""
    found: dict[tuple[Any, ...], Any] = {}
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in pairs:
        found |= {path: one} if name == "cache_control" else marks(one, (*path, name))
    return found


def test_the_last_tool_the_system_prompt_and_the_last_user_turn_are_marked() -> None:
    body = after(body_of(tools=[{"name": "a"}, TOOL], system="Be brief."), time_to_live="1h")
    hour = {**MARK, "ttl": "1h"}
    assert marks(body) == {("tools", 1): hour, ("system", 0): hour, ("messages", 0, "content", 0): hour}
    assert body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": hour}]


def test_in_a_loop_of_tools_the_newest_results_are_marked() -> None:
    results = [{"type": "tool_result", "tool_use_id": use, "content": "noon"} for use in "ab"]
    calls = [{"type": "tool_use", "id": use, "name": "clock", "input": {}} for use in "ab"]
    turns = [{"role": "assistant", "content": calls}, {"role": "user", "content": results}]
    body = body_of()
    assert marks(after({**body, "messages": [*body["messages"], *turns]})) == {("messages", 2, "content", 1): MARK}


MARKED = {"type": "text", "text": LONG, "cache_control": MARK}
RESULT = {"type": "tool_result", "tool_use_id": "a", "content": [MARKED]}


@pytest.mark.parametrize(
    "own",
    [
        {"cache_control": MARK},
        {"tools": [{**TOOL, "cache_control": MARK}]},
        {"system": [{"type": "text", "text": "x", "cache_control": {**MARK, "ttl": "1h"}}]},
        {"messages": [{"role": "user", "content": [MARKED]}, {"role": "user", "content": "y"}]},
        {"messages": [{"role": "user", "content": [RESULT]}]},
    ],
)
def test_a_request_with_a_mark_of_its_own_goes_up_as_it_is(own: dict[str, Any]) -> None:
    raw = json.dumps(body_of(**own)).encode()
    assert marked(raw, MODEL, "5m") is raw
    escaped = raw.replace(b'"cache_control"', b'"cache\\u005Fcontrol"')
    assert marked(escaped, MODEL, "5m") is escaped


def test_a_mark_that_a_text_only_speaks_of_is_none() -> None:
    assert len(marks(after(body_of(system=f'{LONG} "cache_control": {{}}')))) == 2


def test_what_the_api_would_refuse_a_mark_on_has_none() -> None:
    later, blank = {**TOOL, "defer_loading": True}, {"type": "text", "text": " \n"}
    blocks = [{"type": "text", "text": LONG}, {"type": "image", "source": {}}, {"type": "future"}, blank]
    body = after(body_of(tools=[TOOL, later], system=" \n\t", messages=[{"role": "user", "content": blocks}]))
    assert marks(body) == {("tools", 0): MARK, ("messages", 0, "content", 1): MARK}
    turn = {"role": "user", "content": "  "}
    assert marks(after(body_of(tools=[later], system=[blank], messages=[turn], metadata=LONG))) == {}
    prefilled = body_of(messages=[{"role": "user", "content": LONG}, {"role": "assistant", "content": "So"}])
    assert marks(after(prefilled)) == {("messages", 0, "content", 0): MARK}


def test_below_what_a_model_keeps_nothing_is_marked() -> None:
    short = body_of(tools=[{"name": "a"}], system="Be brief.")
    assert list(marks(after(short))) == [("messages", 0, "content", 0)]
    assert marks(after(short, "claude-opus-4-6")) == {}
    assert marks(after(short, "claude-3-sonnet-20240229")) == {}
    assert marks(after(short, "another-5")) == {}


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-opus-5", 512),
        ("claude-opus-5-20260601", 512),
        ("claude-opus-4-20250514", 1024),
        ("claude-opus-4-8", 1024),
        ("claude-opus-4-7", 2048),
        ("claude-3-5-haiku-latest", 2048),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", 1024),
        ("claude-haiku-4-5-20251001", MINIMUM_OF_OTHERS),
        ("claude-opus-5-5", MINIMUM_OF_OTHERS),
        ("other", MINIMUM_OF_OTHERS),
    ],
)
def test_what_a_model_wants_before_a_mark(model: str, tokens: int) -> None:
    assert minimum(model) == tokens


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"messages":7}', b'{"messages":[1]}', b'{"tools":[[]]}'])
def test_what_is_no_request_goes_up_as_it_is(raw: bytes) -> None:
    padded = raw + b" " * 20_000
    assert marked(padded, MODEL, "5m") is padded


TEXTS = st.text(max_size=8) | st.sampled_from(["", " \n", "\u0085", "\U0001f422"])
KINDS = st.sampled_from(["text", "image", "tool_result", "thinking"])
CONTENT = TEXTS | st.lists(st.fixed_dictionaries({"type": KINDS}, optional={"text": TEXTS}), max_size=4)
ROLES = st.sampled_from(["user", "assistant", "system"])
TURNS = st.lists(st.fixed_dictionaries({"role": ROLES, "content": CONTENT}), max_size=4)
TOOLS = st.lists(st.fixed_dictionaries({}, optional={"name": TEXTS, "defer_loading": st.booleans()}), max_size=3)
OTHER = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.dictionaries(TEXTS, TEXTS, max_size=2)
REQUESTS = st.fixed_dictionaries({"messages": TURNS}, optional={"system": CONTENT, "tools": TOOLS, "other": OTHER})


@given(REQUESTS, st.sampled_from(["5m", "1h"]), st.sampled_from([{}, {"indent": 1}, {"ensure_ascii": False}]))
def test_without_its_marks_a_request_is_what_it_was(
    request: dict[str, Any], time_to_live: str, written: dict[str, Any]
) -> None:
    raw = json.dumps(request, **written).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caching, "minimum", lambda _: 0)
        found = marked(raw, MODEL, time_to_live)
    assert len(marks(json.loads(found))) <= 3
    before, then = (json.loads(text, parse_float=str, parse_int=str) for text in (raw, found))
    assert _plain(then) == _plain(before)


def _plain(request: dict[str, Any]) -> dict[str, Any]:
    """Without marks, and each text as the block that it may have become."""
    for holder, name in [(request, "system"), *((message, "content") for message in request["messages"])]:
        if isinstance(holder.get(name), str):
            holder[name] = [{"type": "text", "text": holder[name]}]
    _unmark(request)
    return request


def _unmark(value: Any) -> None:
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _unmark(one)
    if isinstance(value, dict):
        value.pop("cache_control", None)
