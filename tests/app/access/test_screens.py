"""What who writes a screen relies on."""

from __future__ import annotations

import pytest

from app.access.screens import METADATA_BYTES, Metadata, Refusal, ScreenedPrompt


def test_a_prompt_is_shown_as_it_would_go_up() -> None:
    shown = ScreenedPrompt("a/b", "a", "b", "/v1/messages", "m", b'{"system":"s","messages":[{"content":"t"}]}')
    assert shown.body == {"system": "s", "messages": [{"content": "t"}]}
    assert shown.texts == ("s", "t")
    assert shown.texts is shown.texts
    assert "system" not in repr(shown)  # which may end in somebody's log


def test_lone_surrogates_are_read() -> None:
    assert ScreenedPrompt("a", "a", None, "/", "m", b'{"system":"\\ud83d"}').texts == ("\ud83d",)


def test_a_refusal_says_something_and_is_short() -> None:
    assert Refusal().message
    for message in ("", "x" * 501):
        with pytest.raises(ValueError, match="refusal"):
            Refusal(message)


def test_what_is_kept_is_small_json() -> None:
    assert Metadata({"a": [1, None]}).encoded == b'{"a":[1,null]}'
    with pytest.raises(ValueError, match="bytes of JSON"):
        Metadata({"a": "x" * METADATA_BYTES})
    with pytest.raises(TypeError):
        Metadata({"a": object()})
