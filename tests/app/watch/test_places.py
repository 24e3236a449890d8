from __future__ import annotations

import re

from app.settings import Settings
from app.watch.places import place_of


def test_the_deepest_line_of_ours_is_named() -> None:
    try:
        Settings.from_env({"KEEPSTREAM_PORT": "a secret"})
    except Exception as error:  # noqa: BLE001  # whatever it is: only its place matters
        place = place_of(error)
    assert re.fullmatch(r"\w+ \(app/environment\.py:\d+\)", place)


def test_where_none_is_ours_it_is_the_deepest_of_all() -> None:
    try:
        re.compile("(")
    except re.error as error:
        place = place_of(error)
    assert re.fullmatch(r"\w+ \(_parser\.py:\d+\)", place)


def test_what_was_never_raised_has_no_place() -> None:
    assert place_of(KeyError("secret")) == "an unknown place"
