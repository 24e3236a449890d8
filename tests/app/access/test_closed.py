"""Whether strangers could come in, by the address that is listened on."""

from __future__ import annotations

import pytest

from app.access.closed import check_closed, hosts
from app.access.owners import Owners
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


def test_who_asks_nobody_listens_here() -> None:
    asking = Owners({"digest": "alice"})
    for address in ("127.0.0.1", "127.0.1.1", "::1"):
        check_closed(Settings(host="relay.local"), Owners(), address)
    for address in (ANYWHERE, "::", "192.0.2.1"):
        with pytest.raises(SettingsError, match="KEEPSTREAM_AUTH=none"):
            check_closed(Settings(host="localhost"), Owners(), address)
        check_closed(Settings(auth="none"), Owners(), address)
        check_closed(Settings(), asking, address)
    with pytest.raises(SettingsError, match="not both"):
        check_closed(Settings(auth="none"), asking, "127.0.0.1")
