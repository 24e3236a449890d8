from __future__ import annotations

import pytest

from app.stream.accounts import ANONYMOUS, NO_DEMAND, NOBODYS, Account, Demand, Share, share_of


@pytest.mark.parametrize("kept", ["concurrent_streams", "output_tokens_per_minute", "nano_per_day", "nano_per_month"])
def test_what_is_settled_at_the_end_is_kept_until_then(kept: str) -> None:
    assert Account("a", **{kept: 0}).reserves  # type: ignore[arg-type]  # by their names


def test_requests_are_counted_when_they_come_and_need_no_end() -> None:
    assert not Account("a", requests_per_minute=60, burst=10, weight=2.0).reserves


def test_turns_are_a_tenant_s_and_its_users_take_them_among_themselves() -> None:
    limits = Demand((Account("acme", weight=3), Account("acme/bob", weight=0.5)))
    assert share_of("acme", limits) == Share("acme", 3.0, "acme", 1.0, others=True)
    assert share_of("acme/bob", limits) == Share("acme", 3.0, "acme/bob", 0.5, others=True)
    tenant, weight, newcomer, owner, own = share_of("acme/bob", limits).words
    assert (weight, newcomer, own) == (3000, 1000, 500)
    assert share_of("acme", NO_DEMAND).words == [tenant, 1000, 1000, tenant, 1000]
    assert len({tenant, owner, *share_of("alice", NO_DEMAND).words}) == 4


def test_where_nobody_is_asked_there_is_nobody_to_leave_room_for() -> None:
    assert share_of(ANONYMOUS, NO_DEMAND) == NOBODYS
    assert NOBODYS.words[2] == 0


@pytest.mark.parametrize(("weight", "thousandths"), [(1, 1000), (0.5, 500), (0, 1), (-3, 1), (1e9, 1_000_000)])
def test_a_weight_is_counted_in_thousandths_within_bounds(weight: float, thousandths: int) -> None:
    assert Share("a", weight).words[1] == thousandths
