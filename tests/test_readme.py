"""What the README names exists, and what exists it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.cli import COMMANDS
from app.settings import variables

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()
MAKEFILE = (Path(__file__).resolve().parent.parent / "Makefile").read_text()


@pytest.mark.parametrize("variable", variables())
def test_every_setting_is_in_it(variable: str) -> None:
    assert f"`{variable}`" in README


def test_every_setting_in_it_exists() -> None:
    named = set(re.findall(r"`(KEEPSTREAM_[A-Z_]+|REDIS_URL|ANTHROPIC_[A-Z_]+)`", README))
    of_the_terminal = {"KEEPSTREAM_URL", "KEEPSTREAM_KEY"}
    assert named - {"ANTHROPIC_API_KEY_FILE", "REDIS_URL_FILE"} - of_the_terminal <= set(variables())


def test_every_command_is_in_it_and_exists() -> None:
    assert set(re.findall(r"`keepstream ([a-z]+)", README)) == set(COMMANDS)


def test_every_make_target_in_it_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)(?=[ `\n])", README)) - {"and"} <= targets


def test_every_file_it_links_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (Path(__file__).resolve().parent.parent / target).exists(), target
