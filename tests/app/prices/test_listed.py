"""The built-in list says what its own library reckons."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from genai_prices import calc_price
from genai_prices.data_snapshot import get_snapshot

from app.prices import listed
from app.prices.listed import Listed
from app.watch.events import of_processes
from tests.harness.heard import heard

PROVIDER = get_snapshot().find_provider(None, "anthropic", None)
WAYS = {"standard": None, "batch": {"processing": "batch"}, "fast": {"speed": "fast"}}
TOLD = {"standard": {}, "batch": {"service_tier": "batch"}, "fast": {"speed": "fast"}}
USES = [
    {"input_tokens": 1000, "output_tokens": 500},
    {"input_tokens": 250_001, "output_tokens": 64_000, "server_tool_use": {"web_search_requests": 3}},
    {
        "input_tokens": 3,
        "output_tokens": 2,
        "cache_read_input_tokens": 120_000,
        "cache_creation_input_tokens": 3000,
        "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 2000},
    },
]


@pytest.mark.parametrize("model", [model.id for model in PROVIDER.models])
def test_each_use_costs_what_the_library_reckons(model: str) -> None:
    price = Listed().price(model)
    assert price is not None
    for way, usage in itertools.product(WAYS, USES):
        _, counted = PROVIDER.extract_usage({"model": model, "usage": usage})
        usd = calc_price(counted, model, provider_id="anthropic", price_context=WAYS[way]).total_price
        assert abs(price.cost_nano(usage | TOLD[way]) - usd * 10**9) <= Decimal("0.5")


@pytest.mark.parametrize("model", ["claude-of-the-far-future", "", "gpt-4o", "ż"])
def test_an_unknown_model_has_no_price(model: str) -> None:
    assert Listed().price(model) is None


def test_a_list_that_fails_is_told_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "_price", lambda *_: 1 // 0)
    with heard() as events:
        assert Listed().price("claude-sonnet-5") is None
    assert of_processes.PriceUnknown("claude-sonnet-5", "ZeroDivisionError") in events
