from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.intake.prompt import Defaults, InvalidPromptError, Prompt, fields_of, prompt_of

DEFAULTS = Defaults(model="claude-default", max_tokens=77)
MESSAGES = [{"role": "user", "content": "hello"}]
FULL: dict[str, Any] = {"model": "claude-x", "max_tokens": 10, "messages": MESSAGES}


def prompt(**changes: Any) -> Prompt:
    return prompt_of(FULL | changes, DEFAULTS)


def test_the_short_form_takes_what_it_leaves_out_from_the_settings() -> None:
    assert orjson.loads(prompt_of({"prompt": "hello"}, DEFAULTS).body) == {
        "model": "claude-default",
        "max_tokens": 77,
        "messages": MESSAGES,
    }


def test_the_short_form_may_name_its_own_model_and_system() -> None:
    body = orjson.loads(prompt_of({"prompt": "hello", "model": "m", "system": "s", "max_tokens": 1}, DEFAULTS).body)
    assert body == {"messages": MESSAGES, "model": "m", "system": "s", "max_tokens": 1}


def test_every_field_passes_through_known_or_not_but_stream_and_relay() -> None:
    extra = {"thinking": {"type": "enabled"}, "from_the_future": [1, {"x": None}], "temperature": 0.5}
    given = FULL | extra | {"stream": True, "relay": {"on_interrupt": "fail"}}
    assert orjson.loads(prompt_of(given, DEFAULTS).body) == FULL | extra


def test_stream_is_not_part_of_what_an_idempotency_key_stands_for() -> None:
    assert prompt(stream=True).digest == prompt(stream=False).digest == prompt().digest


@pytest.mark.parametrize("change", [{"max_tokens": 11}, {"relay": {"on_interrupt": "fail"}}, {"x": 1}])
def test_everything_else_is(change: dict[str, Any]) -> None:
    assert prompt(**change).digest != prompt().digest


def test_the_order_of_fields_makes_no_other_body() -> None:
    assert prompt_of(dict(reversed(FULL.items())), DEFAULTS).digest == prompt().digest


def test_what_relay_asks_for_is_kept() -> None:
    asked = prompt(relay={"on_interrupt": "fail", "abandon_after": 2.5})
    assert (asked.on_interrupt, asked.relay.abandon_after) == ("fail", 2.5)
    fields = asked.fields("me", {"anthropic-beta": "a,b", "x-api-key": "secret"}, "beta=true")
    assert fields["abandon_after"] == "2.5"
    assert orjson.loads(fields["headers"]) == {"anthropic-beta": "a,b"}
    assert "secret" not in str(fields)


def test_a_stream_restarts_unless_it_is_told_otherwise() -> None:
    assert prompt().on_interrupt == "restart"
    assert prompt_of(FULL, DEFAULTS, on_interrupt="fail").on_interrupt == "fail"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": ["hello"]}, "messages.0"),
        ({"messages": [{"content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": []}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages.0.content"),
        ({"messages": [*MESSAGES, {"role": "assistant", "content": ""}, *MESSAGES]}, "messages.1.content"),
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 10**9}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": "10"}, "max_tokens"),
        ({"max_tokens": None}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"relay": []}, "relay"),
        ({"prompt": "hello"}, "prompt"),
    ],
)
def test_what_we_can_know_to_be_wrong_is_refused_by_its_name(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidPromptError, match=rf"\b{says}\b"):
        prompt(**changes)


@pytest.mark.parametrize("text", ["", "  \n", None, 5, ["x"]])
def test_an_empty_prompt_is_refused(text: Any) -> None:
    with pytest.raises(InvalidPromptError, match="prompt"):
        prompt_of({"prompt": text}, DEFAULTS)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b'{"a":NaN}', b'{"a":"\\ud800"}', b"[" * 5000]
)
def test_a_body_that_is_no_json_object_is_refused_without_quoting_it(raw: bytes) -> None:
    with pytest.raises(InvalidPromptError, match="JSON"):
        fields_of(raw)


def test_an_error_never_quotes_what_was_sent() -> None:
    with pytest.raises(InvalidPromptError) as refused:
        fields_of(b'{"prompt": "my secret diary')
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_what_is_nested_deeper_than_json_is_written_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(1000):
        deep = [deep]
    with pytest.raises(InvalidPromptError, match="nested too deeply"):
        prompt(metadata=deep)
