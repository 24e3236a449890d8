from __future__ import annotations

from app.access.caller import Caller


def test_a_user_has_streams_of_its_own() -> None:
    assert Caller("acme").owner == "acme"
    assert Caller("acme", user="bob").owner == "acme/bob"
