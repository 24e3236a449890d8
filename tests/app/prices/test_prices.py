"""Whose price counts, and what several models come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.prices import Prices
from app.stream.ledger.usage import Cost

FILE = """
[model."claude-sonnet-5"]
input = 1
output = 1
[model."house-model"]
input = 2
output = 4
"""


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Prices:
    path: Path = tmp_path_factory.mktemp("prices") / "prices.toml"
    path.write_text(FILE)
    return Prices(str(path))


def test_the_file_counts_before_the_list(prices: Prices) -> None:
    usage = {"input_tokens": 10, "output_tokens": 10}
    assert prices.cost("claude-sonnet-5", usage) == Cost(20_000)
    assert prices.cost("house-model", usage) == Cost(60_000)
    assert Prices().cost("claude-sonnet-5", usage).nano == prices.cost("claude-sonnet-5-5", usage).nano == 120_000


def test_searches_cost_what_the_list_says(prices: Prices) -> None:
    usage = {"input_tokens": 1, "output_tokens": 0, "server_tool_use": {"web_search_requests": 2}}
    assert prices.cost("claude-sonnet-5", usage) == Cost(1000 + 2 * 10_000_000)
    assert prices.cost("house-model", usage) == Cost(2000)


def test_iterations_are_priced_as_the_models_that_made_them(prices: Prices) -> None:
    advice = {"type": "advisor_message", "model": "house-model", "input_tokens": 5, "output_tokens": 5}
    usage = {"input_tokens": 10, "output_tokens": 10, "iterations": [advice]}
    assert prices.cost("claude-sonnet-5", usage) == Cost(20_000 + 30_000)
    assert prices.cost("claude-sonnet-5", usage | {"iterations": [advice | {"model": "nobody"}]}) == Cost(None)


def test_what_used_nothing_costs_nothing_also_where_nobody_knows_the_price(prices: Prices) -> None:
    assert prices.cost("nobody", {}) == Cost(0)
    assert prices.cost("nobody", {"input_tokens": 1}) == Cost(None)


def test_caches_save(prices: Prices) -> None:
    assert prices.cost("house-model", {"cache_read_input_tokens": 100}) == Cost(20_000, saved=180_000)


def test_an_unknown_price_is_none(prices: Prices) -> None:
    assert prices.of("claude-of-the-far-future") is None
    assert prices.of("house-model") is not None
