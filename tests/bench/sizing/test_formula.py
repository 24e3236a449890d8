"""What the formula says grows with the load, and is enough for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.sizing.formula import AT_LEAST, Load, figures, need

FIGURES = figures()
LOADS = st.builds(
    Load,
    streams=st.floats(1, 1e6),
    readers=st.floats(0, 200),
    rate=st.floats(1, 500),
    tokens=st.floats(1, 1e5),
    kept=st.floats(0, 1e5),
)


@given(LOADS)
def test_the_fronts_are_enough_and_one_less_is_not(load: Load) -> None:
    """Each has the events of what is read there, and its part of the readers."""

    def busy(fronts: int) -> float:
        events, starts = load.streams * load.rate, load.streams * load.rate / load.tokens
        micros = events * min(load.readers, fronts) * FIGURES["front_event_us"]
        micros += events * load.readers * FIGURES["front_delivery_us"]
        micros += starts * (FIGURES["front_submit_us"] + load.readers * FIGURES["front_join_us"])
        return micros / 1e6 / fronts

    found = need(FIGURES, load).fronts
    by_readers = load.streams * load.readers / FIGURES["front_readers"]
    assert busy(found) <= FIGURES["busy"] * (1 + 1e-9)
    assert found >= by_readers
    if found > AT_LEAST and found - 1 >= by_readers:
        assert busy(found - 1) > FIGURES["busy"] * (1 - 1e-9)


@given(LOADS, st.sampled_from(["streams", "readers", "rate", "kept"]))
def test_more_of_anything_needs_no_less(load: Load, what: str) -> None:
    less, more = (need(FIGURES, one) for one in (load, replace(load, **{what: getattr(load, what) * 2})))
    for name in ("fronts", "workers", "redis_gb", "out_mb_s", "cores", "api_usd_hour"):
        assert getattr(more, name) >= getattr(less, name), name


def test_a_small_load_is_two_of_each_and_one_redis() -> None:
    found = need(FIGURES, Load(10))
    assert (found.fronts, found.workers, found.nodes) == (2, 2, 1)


def test_the_prices_are_of_the_tokens() -> None:
    of = FIGURES | {"input_usd": 0.0, "output_usd": 10.0}
    assert need(of, Load(1000, rate=50)).api_usd_hour == pytest.approx(1000 * 50 * 3600 / 1e6 * 10)
