"""A loop of tools that the API would refuse is refused, in its words."""

from collections.abc import Callable
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic

from tests.app.dev.simulator.claude import asking, looped

TEXT = {"type": "text", "text": "There:"}
Blocks = list[dict[str, Any]]


def _drop_result(_call: Blocks, results: Blocks) -> None:
    results[:] = [results[1], TEXT]


def _text_first(_call: Blocks, results: Blocks) -> None:
    results.insert(0, TEXT)


def _unknown_result(_call: Blocks, results: Blocks) -> None:
    results.append({"type": "tool_result", "tool_use_id": "toolu_unknown", "content": "x"})


def _doubled_result(_call: Blocks, results: Blocks) -> None:
    results.append(results[0])


def _doubled_call(call: Blocks, _results: Blocks) -> None:
    call.append(call[1])


def _changed_thinking(call: Blocks, _results: Blocks) -> None:
    call[0]["thinking"] += "!"


def _no_thinking(call: Blocks, _results: Blocks) -> None:
    del call[0]


def _no_input(call: Blocks, _results: Blocks) -> None:
    call[1]["input"] = "{}"


def _empty_error(_call: Blocks, results: Blocks) -> None:
    results[0] |= {"content": "", "is_error": True}


def _other_content(_call: Blocks, results: Blocks) -> None:
    results[0] |= {"content": {"a": 1}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_drop_result, "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_"),
        (_text_first, "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_"),
        (_unknown_result, "messages.2.content.2: unexpected `tool_use_id` found in `tool_result` blocks: toolu_unk"),
        (_doubled_result, "messages.2.content: each tool_use must have a single result."),
        (_doubled_call, "`tool_use` ids must be unique"),
        (_changed_thinking, "messages.1.content.0: Invalid `signature` in `thinking` block"),
        (_no_thinking, "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`"),
        (_no_input, "messages.1.content.1.tool_use.input: Input should be a valid dictionary"),
        (_empty_error, "content cannot be empty if `is_error` is true"),
        (_other_content, "messages.2.content.0.tool_result.content: Input should be a valid string or list"),
    ],
)
async def test_what_breaks_a_pair_is_refused(
    claude: AsyncAnthropic, change: Callable[[Blocks, Blocks], None], words: str
) -> None:
    _, sent = await looped(claude, "[[sim: tools=a,b thinking]]", tools=[{"name": "a", "input_schema": {}}])
    change(sent[1]["content"], sent[2]["content"])
    with pytest.raises(anthropic.BadRequestError) as refused:
        await claude.messages.create(**{**asking(""), "messages": sent})
    assert words in refused.value.message


async def test_a_call_at_the_end_waits_for_its_result(claude: AsyncAnthropic) -> None:
    _, sent = await looped(claude, "[[sim: tools=a]]")
    with pytest.raises(anthropic.BadRequestError, match="without `tool_result` blocks"):
        await claude.messages.create(**{**asking(""), "messages": sent[:2]})
    later = [*sent, {"role": "assistant", "content": "Done"}, {"role": "user", "content": "Thanks"}]
    assert (await claude.messages.create(**{**asking(""), "messages": later})).stop_reason == "end_turn"
