"""Whether strangers could come in, by the address that is listened on."""

from __future__ import annotations

import pytest

from app.access.closed import check_closed, hosts
from app.settings import Settings, SettingsError

ANYWHERE = "0.0.0.0"  # noqa: S104  # what is to be refused


@pytest.mark.parametrize(
    ("settings", "address", "names"),
    [
        (Settings(), "127.0.0.1", ("127.0.0.1",)),
        (Settings(host="Relay.local."), "127.0.1.1", ("relay.local",)),
        (Settings(host="relay.local", hosts=("relay.example",)), "::1", ("relay.example", "relay.local")),
        (Settings(host=ANYWHERE, auth="none"), ANYWHERE, None),
        (Settings(host=ANYWHERE, auth="none", hosts=("relay.example",)), ANYWHERE, ("relay.example", ANYWHERE)),
        (Settings(api_keys_file="keys"), "127.0.0.1", None),
    ],
)
def test_the_names_that_are_answered(settings: Settings, address: str, names: tuple[str, ...] | None) -> None:
    assert hosts(settings, address) == names


ASKING = (
    {"api_keys_file": "keys"},
    {"jwt_secret": "s" * 32},
    {"jwt_jwks": "keys.json"},
)


def test_who_asks_nobody_listens_here() -> None:
    for address in ("127.0.0.1", "127.0.1.1", "::1"):
        check_closed(Settings(host="relay.local"), address)
    for address in (ANYWHERE, "::", "192.0.2.1"):
        with pytest.raises(SettingsError, match="KEEPSTREAM_AUTH=none"):
            check_closed(Settings(host="localhost"), address)
        check_closed(Settings(auth="none"), address)


@pytest.mark.parametrize("asking", ASKING)
def test_who_asks_for_anything_listens_anywhere_and_says_so_once(asking: dict[str, str]) -> None:
    check_closed(Settings(**asking), ANYWHERE)  # type: ignore[arg-type]
    assert hosts(Settings(**asking), "127.0.0.1") is None  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="not both"):
        check_closed(Settings(auth="none", **asking), "127.0.0.1")  # type: ignore[arg-type]
