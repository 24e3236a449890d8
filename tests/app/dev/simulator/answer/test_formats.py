"""Answers in JSON: true to the schema of the request, or broken as often as its prompt asks."""

import json
from typing import Any

import jsonschema_rs
import pytest
from anthropic import AsyncAnthropic

from tests.app.dev.simulator.claude import asking, text_in

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
FORMAT = {"format": {"type": "json_schema", "schema": SCHEMA}}


async def answers(claude: AsyncAnthropic, prompt: str) -> list[str]:
    """The first, and those after two corrections."""
    asked = asking(prompt, output_config=FORMAT)
    found: list[str] = []
    for _ in range(3):
        found.append(text_in(await claude.messages.create(**asked)))
        correction: Any = {"role": "user", "content": "That is not what the schema asks for."}
        asked["messages"] += [{"role": "assistant", "content": found[-1]}, correction]
    return found


@pytest.mark.parametrize(
    ("prompt", "right"),
    [
        ("Where?", [True, True, True]),
        ("Where? [[sim: broken=1]]", [False, True, True]),
        ("Where? [[sim: not-json=1 broken=2]]", [False, False, True]),
        ("Where? [[sim: broken]]", [False, False, False]),
    ],
)
async def test_json_is_broken_as_often_as_asked(claude: AsyncAnthropic, prompt: str, right: list[bool]) -> None:
    found = await answers(claude, prompt)
    assert [_fits(text) for text in found] == right


async def test_text_that_was_dictated_is_no_json(claude: AsyncAnthropic) -> None:
    dictated = asking("Where? [[sim: text=there]]", output_config=FORMAT)
    assert text_in(await claude.messages.create(**dictated)) == "there"


def _fits(text: str) -> bool:
    try:
        return jsonschema_rs.is_valid(SCHEMA, json.loads(text))
    except ValueError:
        return False
