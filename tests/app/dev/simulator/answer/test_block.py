"""What the API's own tools bring, and inputs that come at once."""

from typing import Any

from anthropic import AsyncAnthropic

from tests.app.dev.simulator.claude import WEATHER, asking, streamed


async def test_an_answer_that_paused_in_a_search_goes_on_when_it_is_sent_back(claude: AsyncAnthropic) -> None:
    asked = asking("Rivers? [[sim: server-tool pause-turn]]")
    paused = await claude.messages.create(**asked)
    assert (paused.stop_reason, paused.usage.server_tool_use.web_search_requests) == ("pause_turn", 1)
    use, found = paused.content
    assert (use.type, use.input, found.type) == ("server_tool_use", {"query": "Rivers?"}, "web_search_tool_result")
    assert use.id == found.tool_use_id
    again = {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in paused.content]}
    last = await claude.messages.create(**{**asked, "messages": [*asked["messages"], again]})
    assert (last.stop_reason, [block.type for block in last.content]) == ("end_turn", ["text"])
    whole = await claude.messages.create(**asking("Rivers? [[sim: server-tool]]"))
    assert [block.type for block in whole.content] == ["server_tool_use", "web_search_tool_result", "text"]


async def test_an_input_comes_in_as_many_pieces_as_asked_behind_an_empty_one(claude: AsyncAnthropic) -> None:
    for most, count in ((1, 1), (3, 3)):
        events: list[Any] = await streamed(claude, f"[[sim: tools input-pieces={most}]]", tools=[WEATHER])
        parts = [event.delta.partial_json for event in events if event.type == "content_block_delta"]
        assert (parts[0], len(parts)) == ("", count + 1)
        assert "".join(parts) == '{"city": "Kraków", "unit": "celsius", "days": 42}'
