from __future__ import annotations

import pytest

from app.access.limits import address_rates
from app.access.limits.address_rates import AddressRates
from app.access.limits.allowance import Allowance

RATE = Allowance(requests_per_minute=60, burst=2)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_then_one_in_each_share_of_a_minute() -> None:
    clock = Clock()
    rates = AddressRates(clock)
    assert [rates.wait("192.0.2.1", RATE) for _ in range(3)] == [0, 0, 1]
    assert rates.wait("192.0.2.2", RATE) == 0
    clock.now += 0.5
    assert rates.wait("192.0.2.1", RATE) == 0.5  # who asks too early takes nothing
    clock.now += 0.5
    assert [rates.wait("192.0.2.1", RATE) for _ in range(2)] == [0, 1]


def test_one_host_is_one_whichever_of_its_addresses_it_uses() -> None:
    rates = AddressRates(Clock())
    assert [rates.wait(f"2001:db8::{n}", RATE) for n in range(3)] == [0, 0, 1]
    assert rates.wait("2001:db8:0:1::1", RATE) == 0


def test_without_a_limit_nobody_is_remembered() -> None:
    rates = AddressRates(Clock())
    assert rates.wait("192.0.2.1", Allowance()) == 0
    assert len(rates) == 0


def test_a_flood_of_addresses_takes_no_more_room_and_leaves_who_asked_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_rates, "ADDRESSES_MAX", 10)
    rates = AddressRates(Clock())
    for n in range(100):
        rates.wait(f"192.0.2.{n}", RATE)
    assert len(rates) == 10
    assert [rates.wait("192.0.2.99", RATE) for _ in range(2)] == [0, 1]


def test_a_lower_limit_holds_at_once() -> None:
    rates = AddressRates(Clock())
    for _ in range(100):
        rates.wait("192.0.2.1", Allowance(requests_per_minute=600, burst=100))
    assert rates.wait("192.0.2.1", RATE) == 1
