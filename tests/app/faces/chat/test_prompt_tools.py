"""Tools by their names, as assistant-ui sends them: what becomes of them, and that none are no choice."""

from __future__ import annotations

from typing import Any

import pytest

from app.faces.chat.prompt import Allowed, chat_prompt
from app.faces.chat.prompt_tools import named_tools
from app.intake.prompt import prompt_of
from app.intake.raw_json import InvalidPromptError, raw

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
USER = {"id": "u", "role": "user", "parts": [{"type": "text", "text": "hi"}]}


def body_of(tools: Any, *fields: str) -> dict[str, Any]:
    sent = {"id": raw("c"), "messages": raw([USER]), "tools": raw(tools)}
    made = chat_prompt(sent, Allowed("m", 5, None, fields=fields)).body
    prompt_of(made, None)
    return made


def test_no_tools_are_no_choice_whatever_may_be_chosen() -> None:
    assert "tools" not in body_of({})
    assert "tools" not in body_of({}, "tools")


def test_tools_by_their_names_become_a_list_where_they_may_be_chosen() -> None:
    sent = {"weather": {"description": "The weather", "parameters": SCHEMA}, "clock": {"parameters": {}}}
    made = [
        {"name": "weather", "input_schema": SCHEMA, "description": "The weather"},
        {"name": "clock", "input_schema": {}},
    ]
    assert named_tools(sent) == made == body_of(sent, "tools")["tools"]
    with pytest.raises(InvalidPromptError, match="tools: may not be chosen here"):
        body_of(sent)


@pytest.mark.parametrize("tool", [5, None, {}, {"parameters": "x"}, {"description": "x"}])
def test_what_is_no_tool_is_refused_with_its_place(tool: Any) -> None:
    with pytest.raises(InvalidPromptError, match=r"tools\.x: must be"):
        named_tools({"x": tool})


def test_a_list_goes_up_as_it_was_sent() -> None:
    assert bytes(body_of([{"type": "web_search_20250305", "name": "web_search"}], "tools")["tools"]).startswith(b"[")
