from __future__ import annotations

from app.access.limits.allowance import Allowance, Granted
from app.access.limits.open_readers import OpenReaders, ReaderPlace
from app.stream.accounts import Limit, Over

TENANT = ("acme", Allowance(open_readers=2))
USER = ("acme/bob", Allowance(open_readers=1))


def test_a_reader_is_on_all_its_accounts_or_on_none_and_leaves_them_once() -> None:
    readers = OpenReaders()
    bob = readers.enter(Granted((TENANT, USER)))
    assert isinstance(bob, ReaderPlace)
    over = readers.enter(Granted((TENANT, USER)))
    assert isinstance(over, Over)
    assert (over.limit, over.account, over.most) == (Limit.READERS, "acme/bob", 1)
    other = readers.enter(Granted((TENANT,)))
    assert isinstance(other, ReaderPlace)
    assert isinstance(readers.enter(Granted((TENANT,))), Over)
    for _ in range(3):
        bob.leave()
    assert isinstance(readers.enter(Granted((TENANT, USER))), ReaderPlace)
    assert isinstance(readers.enter(Granted((TENANT,))), Over)


def test_nobody_is_remembered_who_has_left_or_has_no_limit() -> None:
    readers = OpenReaders()
    for granted in (Granted((TENANT, USER)), Granted((("free", Allowance()),))):
        place = readers.enter(granted)
        assert isinstance(place, ReaderPlace)
        place.leave()
    assert not readers._open
