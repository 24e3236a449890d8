"""Other kinds of content and other endings."""

from typing import Any

import pytest
from anthropic import AsyncAnthropic

from app.dev.simulator import answer_for
from tests.app.dev.simulator.claude import WEATHER, asking, streamed, text_in


async def test_thinking_comes_first_and_is_signed(claude: AsyncAnthropic) -> None:
    events = await streamed(claude, "hello [[sim: thinking]]")
    kinds = [event.delta.type for event in events if event.type == "content_block_delta"]
    assert list(dict.fromkeys(kinds)) == ["thinking_delta", "signature_delta", "text_delta"]
    assert kinds.count("signature_delta") == 1
    answer = await claude.messages.create(**asking("hello [[sim: thinking redacted-thinking]]"))
    assert [block.type for block in answer.content] == ["thinking", "redacted_thinking", "text"]
    assert answer.content[0].signature
    assert answer.usage.output_tokens_details.thinking_tokens > 10
    cut = await claude.messages.create(**{**asking("hello [[sim: thinking]]"), "max_tokens": 5})
    assert ([block.type for block in cut.content], cut.stop_reason) == (["thinking"], "max_tokens")


async def test_a_tool_is_called_and_its_result_used(claude: AsyncAnthropic) -> None:
    asked = asking("Weather? [[sim: tool tag=weather]]", tools=[WEATHER])
    async with claude.messages.stream(**asked) as stream:
        call: Any = await stream.get_final_message()
    assert call.stop_reason == "tool_use"
    [use] = call.content
    assert (use.type, use.name) == ("tool_use", "get_weather")
    assert use.input == {"city": "Kraków", "unit": "celsius", "days": 42}
    result = {"type": "tool_result", "tool_use_id": use.id, "content": [{"type": "text", "text": "21 °C, ☀️"}]}
    turn = {"role": "assistant", "content": [use.model_dump(exclude_none=True)]}
    messages = [*asked["messages"], turn, {"role": "user", "content": [result]}]
    answer = await claude.messages.create(**{**asked, "messages": messages})
    assert answer.stop_reason == "end_turn"
    assert text_in(answer).startswith("The tool `get_weather` says:\n\n> 21 °C, ☀️\n")
    assert text_in(answer) == answer_for(messages)


async def test_tools_by_name_with_input_and_in_rounds(claude: AsyncAnthropic) -> None:
    prompt = 'Both [[sim: tool=get_weather,other tool-input="{\\"a\\": [1, \\"]]\\"]}" tool-rounds=2]]'
    messages: list[Any] = [{"role": "user", "content": prompt}]
    for _ in range(2):
        call = await claude.messages.create(**{**asking(""), "messages": messages, "tools": [WEATHER]})
        uses: Any = call.content
        assert [(use.name, use.input) for use in uses] == [
            (name, {"a": [1, "]]"]}) for name in ("get_weather", "other")
        ]
        results = [{"type": "tool_result", "tool_use_id": use.id, "content": "no", "is_error": True} for use in uses]
        messages += [call.to_param(), {"role": "user", "content": results}]
    last = await claude.messages.create(**{**asking(""), "messages": messages, "tools": [WEATHER]})
    assert "The tool `other` failed and said:\n\n> no\n" in text_in(last)
    ids = [block.id for message in messages[1::2] for block in message["content"]]
    assert len(set(ids)) == 4


async def test_tool_choice_is_obeyed(claude: AsyncAnthropic) -> None:
    for choice in ({"type": "any"}, {"type": "tool", "name": "get_weather"}):
        answer = await claude.messages.create(**asking("hello", tools=[WEATHER], tool_choice=choice))
        assert answer.stop_reason == "tool_use"
    assert (await claude.messages.create(**asking("[[sim: tool]]"))).stop_reason == "end_turn"


async def test_citations(claude: AsyncAnthropic) -> None:
    events = await streamed(claude, "hello [[sim: citations]]")
    [cited] = [
        event.delta for event in events if event.type == "content_block_delta" and event.delta.type == "citations_delta"
    ]
    assert cited.citation.type == "char_location"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("refusal", "refusal"),
        ("pause-turn", "pause_turn"),
        ("context-window", "model_context_window_exceeded"),
        ("max_tokens", "max_tokens"),
    ],
)
async def test_other_stop_reasons(claude: AsyncAnthropic, key: str, reason: str) -> None:
    answer = await claude.messages.create(**asking(f"[[sim: {key} tokens=5 times=1]]"))
    assert (answer.stop_reason, answer.usage.output_tokens) == (reason, 5)
    assert (answer.stop_details is not None) == (key == "refusal")
    assert (await claude.messages.create(**asking(f"[[sim: {key} tokens=5 times=1]]"))).stop_reason == "end_turn"
