"""Tokens to money, exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.prices.price import Price, Rate, Rates
from app.stream.ledger.usage import Counts

USD = 10**9
LONG = 200_000


def rates(times: int = 1) -> Rates:
    plain = Rate(3 * USD * times, ((LONG, 6 * USD * times),))
    return Rates(
        input=plain,
        output=Rate(15 * USD * times, ((LONG, 22 * USD * times),)),
        cache_read=Rate(USD * times // 2),
        cache_write_5m=Rate(4 * USD * times),
        cache_write_1h=Rate(6 * USD * times, ((LONG, 12 * USD * times),)),
        search=10_000_000,
    )


PRICE = Price(rates(2), batch=rates(1), fast=rates(4))


def test_each_kind_has_its_rate() -> None:
    assert rates().nano(Counts(1000, 100, 10_000, 500, 200, 2)) == (
        1000 * 3000 + 100 * 15_000 + 10_000 * 500 + 500 * 4000 + 200 * 6000 + 2 * 10_000_000
    )


def test_a_long_prompt_is_dearer_as_a_whole() -> None:
    assert rates().nano(Counts(LONG, 10)) == LONG * 3000 + 10 * 15_000
    assert rates().nano(Counts(LONG + 1, 10)) == (LONG + 1) * 6000 + 10 * 22_000
    assert rates().nano(Counts(1, 10, cache_read=LONG)) == 6000 + 10 * 22_000 + LONG * 500


@pytest.mark.parametrize(
    ("told", "rates_of"),
    [
        ({}, PRICE.standard),
        ({"service_tier": "standard", "speed": "standard"}, PRICE.standard),
        ({"service_tier": "priority"}, PRICE.standard),
        ({"service_tier": "batch"}, PRICE.batch),
        ({"speed": "fast"}, PRICE.fast),
        ({"service_tier": ["batch"], "speed": {}}, PRICE.standard),
    ],
)
def test_the_way_it_was_served_is_what_the_upstream_says(told: dict[str, object], rates_of: Rates) -> None:
    assert PRICE.rates(told) is rates_of
    usage = {"input_tokens": 7, "output_tokens": 3}
    assert PRICE.cost_nano(usage | told) == rates_of.nano(Counts(7, 3))


def test_what_is_a_part_of_a_nano_dollar_is_rounded_once() -> None:
    fine = Rates(Rate(400_000), Rate(400_000), Rate(0), Rate(0), Rate(0))
    assert fine.nano(Counts(1)) == 0
    assert fine.nano(Counts(1, 1)) == 1
    assert fine.most(1, 0) == 1


COUNT = st.integers(0, 2 * LONG)


@given(COUNT, COUNT, COUNT, COUNT, COUNT, st.sampled_from([{}, {"service_tier": "batch"}, {"speed": "fast"}]))
def test_no_call_costs_more_than_the_most(  # noqa: PLR0917  # each is drawn
    plain: int, said: int, read: int, written: int, hour: int, told: dict[str, str]
) -> None:
    usage = {
        "input_tokens": plain,
        "output_tokens": said,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written + hour,
        "cache_creation": {"ephemeral_1h_input_tokens": hour},
    }
    cost = PRICE.cost_nano(usage | told)
    assert cost <= PRICE.most_nano(plain + read + written + hour, said)
    if told != {"speed": "fast"}:
        assert cost <= PRICE.most_nano(plain + read + written + hour, said, fast=False)


def test_what_caches_save_is_what_their_reading_costs_less() -> None:
    assert rates().saved(Counts(cache_read=1000, cache_write_1h=9)) == 1000 * 2500
    assert rates().saved(Counts(input=1000)) == 0
