"""What compose.yaml sets can be used: its processes start, also with what a `.env` says, and ask whom they should."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from app.access.closed import check_closed
from app.access.identity.entrance import check_unused
from app.settings import OF_COMPOSE, Settings, SettingsError, unknown
from tests.deploy.compose.composed import FILE, services

EVERYWHERE = "0.0.0.0"  # noqa: S104  # within its own network
KEY = {"ANTHROPIC_API_KEY": "any"}
TOKENS = {"KEEPSTREAM_API_KEYS_FILE": "", "KEEPSTREAM_JWT_JWKS": "https://sso.example/keys"}
TOKENS |= {"KEEPSTREAM_JWT_ISSUER": "https://sso.example", "KEEPSTREAM_JWT_AUDIENCE": "keepstream"}
TOKENS |= {"KEEPSTREAM_JWT_ALGORITHMS": "ES256"}
DEMO = {"KEEPSTREAM_API_KEYS_FILE": "", "KEEPSTREAM_AUTH": "none", "KEEPSTREAM_HOSTS": "demo.example"}
OURS = ("front", "worker", "setup")


@pytest.mark.parametrize("dotenv", [{}, TOKENS, DEMO], ids=["keys", "tokens", "demo"])
def test_a_front_starts(dotenv: Mapping[str, str]) -> None:
    settings = Settings.from_env(services(KEY | dotenv)["front"].environment)
    check_closed(settings, EVERYWHERE)
    if settings.asks_nobody:
        check_unused(settings)
    assert settings.asks_nobody == (dotenv is DEMO)


def test_what_the_world_reaches_asks_for_a_key_where_nothing_is_said() -> None:
    settings = Settings.from_env(services(KEY)["front"].environment)
    made = services(KEY, ["keys"])["keys"].environment
    assert settings.api_keys_file == made["KEEPSTREAM_API_KEYS_FILE"]
    with pytest.raises(SettingsError):
        check_closed(
            Settings.from_env(services(KEY | {"KEEPSTREAM_API_KEYS_FILE": ""})["front"].environment), EVERYWHERE
        )


@pytest.mark.parametrize("service", ["front", "worker"])
def test_every_setting_may_stand_in_the_file_and_none_is_called_misspelt(service: str) -> None:
    said = {"KEEPSTREAM_TOOLS": "shop", "KEEPSTREAM_MCP": "mcp.json", "STREAMS_REDIS_URL": "redis://elsewhere:6379/0"}
    of_compose = set(re.findall(r"\$\{(KEEPSTREAM_\w+)", FILE.read_text())) | OF_COMPOSE
    environment = services(KEY | said | dict.fromkeys(of_compose, "9"))[service].environment
    assert said.items() <= environment.items()
    assert unknown(environment) == ()


def test_the_drain_and_redis_are_what_the_file_says_otherwise() -> None:
    said = {"KEEPSTREAM_DRAIN_SECONDS": "5", "REDIS_URL": "rediss://elsewhere:6380/1"}
    settings = Settings.from_env(services(KEY | said)["worker"].environment)
    assert (settings.drain_seconds, settings.redis_url) == (5.0, "rediss://elsewhere:6380/1")


@pytest.mark.parametrize("service", OURS)
def test_the_key_for_claude_is_in_nobodys_environment_but_in_that_of_who_hands_it_on(service: str) -> None:
    environment = services({"ANTHROPIC_API_KEY": "sk-ant-made-up"})[service].environment
    assert ("sk-ant-made-up" in environment.values()) == (service == "setup")


def test_files_that_settings_name_are_where_they_are_read() -> None:
    every = services({}, ["keys"])
    for service in ("front", "worker", "setup", "keys"):
        folder = every[service].folder("keys")
        assert folder == "/var/lib/keepstream"
        assert every[service].declared["working_dir"] == folder  # relative names, and modules of tools
    reading = {name for name in every if "keys:/var/lib/keepstream:ro" in every[name].declared.get("volumes", ())}
    assert reading == {"front", "worker"}
