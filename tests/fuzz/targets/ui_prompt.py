"""A body of the AI SDK: a prompt that can be written down and has the API's order, or a refusal in words."""

from __future__ import annotations

import json
from itertools import pairwise

from app.faces.chat.prompt import Allowed, chat_prompt
from app.intake.raw_json import InvalidPromptError, fields_of, joined, raw
from tests.fuzz import mutating

mutate = mutating.of_json
ALLOWED = Allowed(model="m", max_tokens=5, system=None, models=("other",), fields=("system", "tools"))


def check(data: bytes) -> None:
    try:
        prompt = chat_prompt(fields_of(data), ALLOWED)
        body = joined({name: raw(value) for name, value in prompt.body.items()})
    except InvalidPromptError:
        return
    sent = json.loads(body)
    assert sent["messages"]
    assert all(one["role"] != other["role"] for one, other in pairwise(sent["messages"]))
    assert {one["role"] for one in sent["messages"]} <= {"user", "assistant"}
    assert all(one["content"] for one in sent["messages"])
    said = [block for one in sent["messages"] if one["role"] == "user" for block in one["content"]]
    assert all(block["text"].strip() for block in said if block["type"] == "text")
    assert all(isinstance(block, dict) and block["type"] for one in sent["messages"] for block in one["content"])
