from __future__ import annotations

import pytest

from app.settings import Settings, SettingsError
from worker.tools.kit import Kit, kit_of


def test_two_tools_are_there_anyhow() -> None:
    for kit in (Kit(), kit_of(Settings(), {})):
        assert [runnable.tool.name for runnable in kit.fixed] == ["clock", "calculator"]


def test_what_is_secret_is_known_from_settings_and_environment() -> None:
    settings = Settings(anthropic_api_key="sk-from-a-file", redis_url="redis://me:redis-pass@localhost")
    redact = kit_of(settings, {"SOME_TOKEN": "from-outside"}).redact
    assert redact("sk-from-a-file redis-pass from-outside") == "[redacted] [redacted] [redacted]"


def test_a_module_that_is_not_there_is_told_by_its_setting() -> None:
    with pytest.raises(SettingsError, match="KEEPSTREAM_TOOLS"):
        kit_of(Settings(tools=("ks_not_there",)), {})
