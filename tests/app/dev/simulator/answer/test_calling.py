"""Loops of tools, as a prompt asks for them."""

import json
from typing import Any

from anthropic import AsyncAnthropic

from tests.app.dev.simulator.claude import WEATHER, asking, looped, streamed, text_in

CLOCK = {"name": "clock", "input_schema": {"type": "object", "properties": {"zone": {"type": "string"}}}}
SUM = {"name": "sum", "input_schema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}
TOOLS = [CLOCK, SUM]


def calls(answer: Any) -> list[tuple[str, Any]]:
    return [(block.name, block.input) for block in answer.content if block.type == "tool_use"]


async def test_each_turn_calls_its_own_tools_and_the_text_tells_what_they_said(claude: AsyncAnthropic) -> None:
    prompt = '[[sim: tools="clock,sum{\\"n\\":1},sum{\\"n\\":2};sum!;*" tell]]'
    answers, sent = await looped(claude, prompt, tools=TOOLS)
    assert [calls(answer) for answer in answers] == [
        [("clock", {"zone": "Kraków"}), ("sum", {"n": 1}), ("sum", {"n": 2})],
        [("sum", {})],
        [("clock", {"zone": "Kraków"}), ("sum", {"n": 42})],
        [],
    ]
    told = json.loads(text_in(answers[-1]))
    uses = [block for message in sent[1::2] for block in message["content"]]
    assert [one["tool_use_id"] for one in told] == [use["id"] for use in uses]
    assert [one["content"] for one in told] == ["result 1"] * 3 + ["result 2"] + ["result 3"] * 2
    assert [(one["name"], one["input"]) for one in told] == [(use["name"], use["input"]) for use in uses]
    assert len({use["id"] for use in uses}) == len(uses)
    again, _ = await looped(claude, prompt, tools=TOOLS)
    assert [block.id for answer in again[:-1] for block in answer.content] == [use["id"] for use in uses]


async def test_a_script_is_repeated_for_as_many_turns_as_asked(claude: AsyncAnthropic) -> None:
    answers, _ = await looped(claude, 'Go on [[sim: tools="clock;sum" turns=5 text="Let me see."]]', tools=TOOLS)
    assert [[name for name, _ in calls(answer)] for answer in answers] == [
        ["clock"], ["sum"], ["clock"], ["sum"], ["clock"], []
    ]  # fmt: skip
    assert text_in(answers[0]) == "Let me see."
    assert text_in(answers[-1]).count("The tool `clock` says:") == 3


async def test_an_input_can_be_cut_off_and_one_call_at_a_time_be_asked_for(claude: AsyncAnthropic) -> None:
    events = await streamed(claude, "[[sim: tools=get_weather~]]", tools=[WEATHER])
    parts = [event.delta.partial_json for event in events if event.type == "content_block_delta"]
    assert '{"city": "Kraków", "unit": "celsius", "days": 42}'.startswith("".join(parts))
    assert not "".join(parts).endswith("}")
    alone = {"type": "auto", "disable_parallel_tool_use": True}
    answer = await claude.messages.create(**asking("[[sim: tools]]", tools=TOOLS, tool_choice=alone))
    assert calls(answer) == [("clock", {"zone": "Kraków"})]


async def test_faults_of_a_later_turn_are_counted_by_themselves(claude: AsyncAnthropic) -> None:
    prompt = "[[sim: tools=clock turns=2 thinking]] [[sim: max-tokens turn=2 times=1]] [[sim: text=done turn=3]]"
    answers, sent = await looped(claude, prompt, tools=TOOLS)
    assert [answer.stop_reason for answer in answers] == ["tool_use", "max_tokens"]
    answers, sent = await looped(claude, prompt, tools=TOOLS)
    assert [answer.stop_reason for answer in answers] == ["tool_use", "tool_use", "end_turn"]
    assert [block["type"] for block in sent[1]["content"]] == ["thinking", "tool_use"]
    assert answers[-1].content[1].text == "done"
