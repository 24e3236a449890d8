"""What compose.yaml sets can be used: its fronts start, also with what a `.env` says, and ask whom they should."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
import yaml

from app.access.closed import check_closed
from app.access.identity.entrance import check_unused
from app.settings import Settings, SettingsError, unknown
from tests.app.docs.shelf import ROOT

SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
EVERYWHERE = "0.0.0.0"  # noqa: S104  # within its own network
KEY = {"ANTHROPIC_API_KEY": "any"}
TOKENS = {"KEEPSTREAM_API_KEYS_FILE": "", "KEEPSTREAM_JWT_JWKS": "https://sso.example/keys"}
TOKENS |= {"KEEPSTREAM_JWT_ISSUER": "https://sso.example", "KEEPSTREAM_JWT_AUDIENCE": "keepstream"}
TOKENS |= {"KEEPSTREAM_JWT_ALGORITHMS": "ES256"}
DEMO = {"KEEPSTREAM_API_KEYS_FILE": "", "KEEPSTREAM_AUTH": "none", "KEEPSTREAM_HOSTS": "demo.example"}


def environment(service: str, dotenv: Mapping[str, str]) -> dict[str, str]:
    """What a service's process has: the file's `environment` wins over `.env`, which fills its places."""

    def filled(place: re.Match[str]) -> str:
        name, how, otherwise = place.groups()
        value = dotenv.get(name)
        return value if value or (value is not None and how == "-") else otherwise

    said = SERVICES[service]["environment"]
    return {**dotenv, **{name: re.sub(r"\$\{(\w+)(:?[-?])(.*?)\}", filled, text) for name, text in said.items()}}


@pytest.mark.parametrize("dotenv", [{}, TOKENS, DEMO], ids=["keys", "tokens", "demo"])
@pytest.mark.parametrize("service", ["front", "front-edge"])
def test_a_front_starts(service: str, dotenv: Mapping[str, str]) -> None:
    said = environment(service, KEY | dotenv)
    settings = Settings.from_env(said)
    check_closed(settings, EVERYWHERE)
    if settings.asks_nobody:
        check_unused(settings)
    assert settings.asks_nobody == (service == "front" or dotenv is DEMO)
    assert unknown(said) == ()


def test_the_edge_asks_for_a_key_where_nothing_is_said() -> None:
    settings = Settings.from_env(environment("front-edge", KEY))
    assert settings.api_keys_file == SERVICES["keys"]["environment"]["KEEPSTREAM_API_KEYS_FILE"]
    with pytest.raises(SettingsError):
        check_closed(Settings.from_env(environment("front-edge", KEY | {"KEEPSTREAM_API_KEYS_FILE": ""})), EVERYWHERE)


def test_files_that_settings_name_are_where_they_are_read() -> None:
    for service in ("front", "front-edge", "worker"):
        assert SERVICES[service]["volumes"] == ["keys:/var/lib/keepstream:ro"]
    assert SERVICES["keys"]["volumes"] == ["keys:/var/lib/keepstream"]
