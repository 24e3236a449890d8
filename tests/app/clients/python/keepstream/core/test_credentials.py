"""Who asks: by value or by a function, and never to be seen."""

from __future__ import annotations

import pytest

from app.clients.python.keepstream.core.credentials import Access, Credentials, worth_another


def test_what_is_given_is_sent_and_nothing_else() -> None:
    assert Access().headers() == {}
    assert Access("key ", "ticket\n", "bob").headers() == {"x-api-key": "key", "x-keepstream-user": "bob"}
    assert (Access(ticket="ticket\n").params(), Access().params()) == ({"ticket": "ticket"}, {})


def test_nothing_of_it_can_be_printed() -> None:
    for one in (Access("s3cret", "s3cret"), Credentials("s3cret", "s3cret")):
        assert "s3cret" not in f"{one!r} {one}"


def test_only_who_can_be_asked_again_is() -> None:
    assert not worth_another(Credentials("key", "ticket"), 401)
    assert worth_another(Credentials(lambda: "key"), 401)
    assert worth_another(Credentials(ticket=lambda: "ticket"), 401)
    assert not worth_another(Credentials(lambda: "key"), 403)


def test_what_cannot_be_sent_is_refused_where_it_is_given() -> None:
    with pytest.raises(ValueError, match="user: must be made of printable ASCII"):
        Credentials.checked("key", None, "bob\n eve")
    assert Credentials.checked("key", None, None).acting_for("eve").user == "eve"
