"""What is read of a prompt, and what is taken for the most that it could be."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.access.limits.asked import IMAGE_TOKENS, INPUT_TOKENS_MAX, TOOLS_TOKENS, Asked, asked_of

DATA = "iVBORw0KGgo" * 1000
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}


def asked(betas: str = "", **fields: Any) -> Asked:
    body = {"model": "m", "max_tokens": 7, "messages": [{"role": "user", "content": "hi"}], **fields}
    return asked_of("m", orjson.dumps(body), betas)


def test_a_plain_prompt() -> None:
    found = asked("a, b-2,")
    assert (found.model, found.max_tokens, found.betas) == ("m", 7, ("a", "b-2"))
    assert (found.server_tools, found.fast) == (False, False)
    assert found.input_tokens == len(found.body)


@pytest.mark.parametrize(
    ("tools", "theirs"),
    [
        ([{"name": "mine", "input_schema": {"type": "object"}}], False),
        ([{"type": "custom", "name": "mine"}], False),
        ([{"type": None, "name": "mine"}], False),
        ([{"type": "bash_20250124"}, {"type": "text_editor_20250728"}, {"type": "computer_20250124"}], False),
        ([{"type": "memory_20250818"}], False),
        ([{"type": "custom"}, {"type": "web_search_20250305"}], True),
        ([{"type": "code_execution_20250825"}], True),
        ([{"type": "one_of_tomorrow"}], True),
        ([{"type": 3}], True),
        ([["no tool"]], True),
        ("none", True),
        (None, False),
    ],
)
def test_which_tools_are_run_by_anthropic(tools: Any, theirs: bool) -> None:  # noqa: FBT001
    assert asked(tools=tools).server_tools == theirs


def test_of_a_key_that_is_there_twice_the_last_one_counts() -> None:
    body = b'{"model":"m","max_tokens":7,"messages":[],"tools":[{"type":"custom","type":"web_search_20250305"}]}'
    assert asked_of("m", body, "").server_tools


def test_servers_that_anthropic_asks_are_tools_that_it_runs() -> None:
    assert asked(mcp_servers=[{"type": "url"}]).server_tools
    assert not asked(mcp_servers=[]).server_tools


def test_the_fast_mode_is_asked_for_in_the_body() -> None:
    assert asked(speed="fast").fast


def test_an_image_is_a_few_thousand_tokens_however_large_it_is() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": [IMAGE]}
    for content in ([IMAGE, IMAGE], [result, IMAGE]):
        found = asked(messages=[{"role": "user", "content": content}])
        plain = len(found.body) - 2 * len(orjson.dumps(DATA))
        assert found.input_tokens == plain + 2 * IMAGE_TOKENS


@pytest.mark.parametrize("source", [{"type": "url", "url": "https://a.example/b"}, {"type": "file", "file_id": "f"}])
@pytest.mark.parametrize("word", ["image", "im\\u0061ge"])
def test_an_image_that_is_only_named_is_one_too(source: dict[str, str], word: str) -> None:
    """Many of them are few bytes."""
    found = asked(messages=[{"role": "user", "content": [{"type": "image", "source": source}] * 3}])
    body = found.body.replace(b'"image"', b'"%b"' % word.encode())
    assert asked_of("m", body, "").input_tokens == len(body) + 3 * IMAGE_TOKENS


def test_what_only_looks_like_an_image_is_text() -> None:
    for block in (
        {"type": "tool_use", "id": "t", "name": "n", "input": IMAGE},
        {"type": "document", "title": "image", "source": IMAGE["source"]},
        {"type": "text", "text": orjson.dumps(IMAGE).decode()},
    ):
        found = asked(messages=[{"role": "user", "content": [block]}])
        assert found.input_tokens == len(found.body)


def test_what_cannot_be_read_is_taken_for_the_most() -> None:
    strange = asked(messages=[{"role": "user", "content": [IMAGE, 3]}])
    assert strange.input_tokens == len(strange.body)


def test_tools_add_to_a_prompt_and_no_model_takes_more_than_that() -> None:
    found = asked(tools=[{"name": "mine", "input_schema": {}}])
    assert found.input_tokens == len(found.body) + TOOLS_TOKENS
    assert asked(system="x" * 2 * INPUT_TOKENS_MAX).input_tokens == INPUT_TOKENS_MAX
