from __future__ import annotations

import pytest

from app.access.caller import Caller, is_tenant


def test_a_user_has_streams_of_its_own() -> None:
    assert Caller("acme").owner == "acme"
    assert Caller("acme", user="bob").owner == "acme/bob"


@pytest.mark.parametrize(
    ("name", "usable"),
    [
        ("acme", True),
        ("auth0|5f7c8ec7c33c6c004bbafe82", True),
        ("a@b.example", True),
        ("J\u00f6rg M\u00fcller", True),
        ("x" * 255, True),
        ("x" * 256, False),
        ("", False),
        ("acme/bob", False),
        ("a\nb", False),
        ("a\u200bb", False),
        ("\ud800", False),
    ],
)
def test_what_somebody_can_be_called(name: str, usable: bool) -> None:  # noqa: FBT001  # a column of the table
    assert is_tenant(name) is usable
