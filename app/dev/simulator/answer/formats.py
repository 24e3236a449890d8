"""Answers in JSON, where the request has a schema for its text: true to it, or as broken as a prompt asks. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from app.dev.simulator.answer.hearing import Messages, demanding_text
from app.dev.simulator.answer.schema import breaking, example
from app.dev.simulator.directives import Directives


def schema_of(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of `output_config.format`, or of `output_format` as it was called before."""
    config = body.get("output_config")
    found = (config.get("format") if isinstance(config, Mapping) else None) or body.get("output_format")
    schema = found.get("schema") if isinstance(found, Mapping) and found.get("type") == "json_schema" else None
    return schema if isinstance(schema, Mapping) else None


def json_answer(schema: Mapping[str, Any], messages: Messages, asked: Directives) -> str:
    _, turn = demanding_text(messages)
    if turn <= (asked.not_json or 0):
        text = json.dumps(example(schema), ensure_ascii=False)
        return text[: len(text) - 1 - len(text) // 3]
    value = breaking(schema) if turn <= (asked.broken or 0) else example(schema)
    return json.dumps(value, ensure_ascii=False)
