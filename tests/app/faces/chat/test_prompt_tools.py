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


def relayed(relay: Any, *fields: str) -> Any:
    sent = {"id": raw("c"), "messages": raw([USER]), "relay": raw(relay)}
    return prompt_of(chat_prompt(sent, Allowed("m", 5, None, fields=fields)).body, None).relay


def test_the_workers_tools_are_for_who_may_choose_them() -> None:
    assert relayed({"tools": ["clock"], "max_turns": 3}, "relay.tools").tools == ("clock",)
    assert relayed({"tools": ["clock"], "max_turns": 3}, "relay.tools").max_turns == 3
    assert relayed({}).tools == relayed(None).tools == relayed({"tools": []}).tools == ()
    with pytest.raises(InvalidPromptError, match=r"relay\.tools: may not be chosen here"):
        relayed({"tools": ["clock"]}, "tools")


@pytest.mark.parametrize("relay", [5, ["clock"], {"tools": ["clock"], "on_interrupt": "restart"}, {"tools": "clock"}])
def test_nothing_else_of_the_relay_is_a_pages_to_say(relay: Any) -> None:
    with pytest.raises(InvalidPromptError, match="relay"):
        relayed(relay, "relay.tools")


NOON = {"type": "text", "text": "Noon"}


def ran_by_worker(state: str, **more: Any) -> dict[str, Any]:
    call = {"type": "dynamic-tool", "toolName": "clock", "toolCallId": "t1", "input": {"zone": "x"}}
    return call | {"providerExecuted": True, "state": state} | more


def answered(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"id": "a", "role": "assistant", "parts": list(parts)}


def messages_of(*messages: dict[str, Any]) -> Any:
    made = chat_prompt({"id": raw("c"), "messages": raw(messages)}, Allowed("m", 5, None)).body
    prompt_of(made, None)
    return made["messages"]


def test_what_the_worker_ran_goes_back_as_a_call_and_its_result() -> None:
    """As the view shows it: not the page's to answer, and of no tool that the API runs."""
    ran = ran_by_worker("output-available", output="noon")
    failed = ran_by_worker("output-error", errorText="no clock", toolCallId="t2")
    cut = ran_by_worker("input-available", toolCallId="t3")
    use = {"type": "tool_use", "name": "clock", "input": {"zone": "x"}}
    made = messages_of(USER, answered(ran, failed, {"type": "step-start"}, NOON, cut), USER)
    assert made[1:4] == [
        {"role": "assistant", "content": [use | {"id": "t1"}, use | {"id": "t2"}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "noon"},
                {"type": "tool_result", "tool_use_id": "t2", "content": "no clock", "is_error": True},
            ],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "Noon"}]},
    ]
    assert messages_of(USER, answered(NOON, cut))[1:] == made[3:4]
