"""The page of the settings says of each what `app/settings.py` says: its default and its bounds."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from app.settings import Settings, SettingsError, variable_of, variables
from tests.app.docs.shelf import SHELF

ROW = re.compile(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\| (.*?) ?\| (.+) \|$", re.MULTILINE)
TOLD = {name: (default, bounds) for name, default, bounds, _ in ROW.findall(SHELF["settings"].text)}
FIELDS = {variable_of(field.name): field.name for field in fields(Settings)}


def test_every_setting_has_one_row_and_nothing_else_has() -> None:
    named = [row[0] for row in ROW.findall(SHELF["settings"].text)]
    assert sorted(named) == sorted(variables())


@pytest.mark.parametrize("name", variables())
def test_its_default_is_what_stands_there(name: str) -> None:
    default = getattr(Settings(), FIELDS[name])
    assert TOLD[name][0] == (f"{default:g}" if isinstance(default, float) and default < 1e6 else default_of(default))


def default_of(default: object) -> str:
    match default:
        case None | () | "":
            return ""
        case float():
            return f"{default:.0f}"
        case _:
            return str(default)


@pytest.mark.parametrize("name", variables())
def test_its_bounds_are_what_stands_there(name: str) -> None:
    """Nothing is told of bounds where any text may stand."""
    assert TOLD[name][1] == bounds_of(name)


def bounds_of(name: str) -> str:
    """As a setting that cannot be used says them."""
    try:
        Settings.from_env({name: "?"})
    except SettingsError as error:
        told = str(error)
    else:
        return ""
    if found := re.search(r"from ([\d.e+]+) to ([\d.e+]+)", told):
        return " to ".join(f"{float(bound):.16g}" for bound in found.groups())
    found = re.search(r"must be one of (.*), not", told)
    return found[1] if found else ""


@pytest.mark.parametrize("name", [name for name, (_, bounds) in TOLD.items() if " to " in bounds])
def test_its_bounds_hold(name: str) -> None:
    low, high = TOLD[name][1].split(" to ")
    for value in (low, high):
        Settings.from_env({name: value})
    for value in (f"-{high}", f"{high}0"):
        with pytest.raises(SettingsError):
            Settings.from_env({name: value})
