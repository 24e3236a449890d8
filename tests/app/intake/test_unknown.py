"""A field that nobody knows is named where it is spelt as one, and what else it may be is not told again."""

from __future__ import annotations

import pytest

from app.intake.unknown import unknown


def test_a_misspelt_field_is_named() -> None:
    assert unknown("abandon_afer", ("a", "b"), of="relay") == "relay.abandon_afer: unknown field; known are a, b"
    assert unknown("form", ("a",), kind="parameter") == "form: unknown parameter; known are a"


@pytest.mark.parametrize("name", ["", "A", "my prompt", "x" * 31, "ks_1", "a\n", "naïve", "\ud800", "123"])
def test_what_is_spelt_otherwise_is_not(name: str) -> None:
    assert unknown(name, ("a",), of="relay") == "relay: unknown field; known are a"
    assert unknown(name, ("a",)) == "one of them: unknown field; known are a"
