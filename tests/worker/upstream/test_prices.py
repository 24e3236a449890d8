from __future__ import annotations

import pytest

from worker.upstream.prices import cost_usd, warm_up


def test_a_known_model_has_a_price() -> None:
    warm_up()
    cost = cost_usd("claude-sonnet-4-5", {"input_tokens": 1_000_000, "output_tokens": 0})
    assert cost is not None
    assert 1 < cost < 10


def test_cached_input_is_counted_once_and_cheaper() -> None:
    plain = cost_usd("claude-sonnet-4-5", {"input_tokens": 100_000})
    cached = cost_usd("claude-sonnet-4-5", {"input_tokens": 0, "cache_read_input_tokens": 100_000})
    written = cost_usd("claude-sonnet-4-5", {"input_tokens": 0, "cache_creation_input_tokens": 100_000})
    assert plain is not None
    assert cached is not None
    assert written is not None
    assert cached < plain < written < 2 * plain


@pytest.mark.parametrize("model", ["claude-of-the-far-future", "", "gpt-4o", "ż"])
def test_an_unknown_model_has_none(model: str) -> None:
    assert cost_usd(model, {"input_tokens": 1, "output_tokens": 1}) is None


@pytest.mark.parametrize("usage", [{}, {"input_tokens": None}, {"input_tokens": "7"}, {"input_tokens": -5}])
def test_a_strange_use_stops_nothing(usage: dict[str, object]) -> None:
    cost_usd("claude-sonnet-4-5", usage)
