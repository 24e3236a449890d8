"""Which screen a setting names, and what cannot be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.access.screening.chosen import chosen
from app.access.screens import Refusal, ScreenedPrompt
from app.settings import Settings, SettingsError
from tests.app.access.screening import a_screen

HERE = a_screen.__name__
BUILT_IN = "app.access.screens:patterns"


def test_nobody_looks_unless_it_is_said() -> None:
    assert chosen(Settings()) is None


def test_a_function_or_an_object_is_found_by_its_name() -> None:
    assert chosen(Settings(screen=f"{HERE}:passing")) is a_screen.passing
    assert chosen(Settings(screen=f"{HERE}:an_object")) is a_screen.an_object


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("screens", "must be package.module:function"),
        ("screens:", "must be package.module:function"),
        (":f", "must be package.module:function"),
        ("a b:f", "must be package.module:function"),
        ("../x:f", "must be package.module:function"),
        ("no_such_package.screens:f", "cannot import no_such_package.screens: ModuleNotFoundError"),
        ("a.:f", "cannot import a.: "),
        (f"{HERE}:nothing", "there is no nothing in"),
        (f"{HERE}:not_async", "is no `async def`"),
        (f"{HERE}:A_VALUE", "is no `async def`"),
        (f"{HERE}:AnObject", "is no `async def`"),
        (BUILT_IN, "set it to a file"),
    ],
)
def test_what_cannot_be_a_screen_ends_the_start(name: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as told:
        chosen(Settings(screen=name))
    assert "KEEPSTREAM_SCREEN" in str(told.value)


def test_patterns_without_who_reads_them_are_no_screen() -> None:
    with pytest.raises(SettingsError, match=BUILT_IN):
        chosen(Settings(screen_patterns="/etc/patterns"))


async def test_the_built_in_one_names_the_line_to_the_log_alone(tmp_path: Path) -> None:
    file = tmp_path / "patterns"
    file.write_text("# mine\n(?i)hush\n")
    screen = chosen(Settings(screen=BUILT_IN, screen_patterns=str(file)))
    assert screen is not None
    shown = ScreenedPrompt("a", "a", None, "/v1/streams", "m", b'{"messages":[{"content":"\\ud800 Hush!"}]}')
    said = await screen(shown)
    assert isinstance(said, Refusal)
    assert said.reason == "line_2"
    assert "ush" not in said.message
    assert await screen(ScreenedPrompt("a", "a", None, "/", "m", b'{"messages":[]}')) is None
