"""What of an answer's structure is refused before anything is stored."""

from __future__ import annotations

from typing import Any

import pytest

from app.intake.checked.structured import LOOKED_AT_BYTES, check
from app.intake.prompt import prompt_of
from app.intake.raw_json import InvalidPromptError

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def asked(relay: dict[str, Any], **fields: Any) -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "relay": relay, **fields}
    check(prompt_of(body, None))


def config(schema: Any) -> dict[str, Any]:
    return {"format": {"type": "json_schema", "schema": schema}}


def test_a_schema_is_needed_and_either_place_will_do() -> None:
    asked({"validate": True}, output_config=config(SCHEMA))
    asked({"validate": True}, output_format={"type": "json_schema", "schema": SCHEMA})
    for fields in ({}, {"output_config": {"effort": "low"}}, {"output_config": None}):
        with pytest.raises(InvalidPromptError, match="needs a JSON schema"):
            asked({"validate": True}, **fields)


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "objekt"}, "relay.validate: /type"),
        ({"$ref": "https://127.0.0.1:9/x.json"}, "Retrieval is disabled"),
        ({"pattern": "(?=a)"}, "regex"),
        ({"description": "x" * 70_000}, "64 KiB"),
    ],
)
def test_one_that_nothing_can_be_held_against_is_refused(schema: Any, why: str) -> None:
    with pytest.raises(InvalidPromptError, match=why):
        asked({"validate": True}, output_config=config(schema))


def test_of_a_large_one_the_worker_finds_out() -> None:
    asked({"validate": True}, output_config=config({"type": "objekt", "description": "x" * LOOKED_AT_BYTES}))


def test_who_does_not_ask_for_it_may_have_any() -> None:
    asked({}, output_config=config({"type": "objekt"}))
    asked({"repair": 2}, output_config=config({"type": "objekt"}))


def test_an_answer_that_is_validated_is_nobody_else_s() -> None:
    with pytest.raises(InvalidPromptError, match="nobody else's"):
        asked({"validate": True, "cache": 60}, output_config=config(SCHEMA))
    asked({"validate": True, "cache": 0}, output_config=config(SCHEMA))
