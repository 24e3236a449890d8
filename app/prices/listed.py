"""Prices from the list of `genai-prices`, which needs no network.

The rule: a price is a courtesy and never stands in a stream's way: what the list does not know, or says in a way that
we do not know, has no price. The list is large and holds Python up for a fifth of a second while it is loaded: it is
loaded by making a `Listed`, before anything is served.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app.prices.price import Price, Rate, Rates
from app.stream.observing import tell
from app.watch.events import of_processes
from app.watch.events.subjects import word

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo

PROVIDER = "anthropic"
_NANO = 10**9
_BATCH, _FAST = {"processing": "batch"}, {"speed": "fast"}


class Listed:
    """The list, loaded."""

    def __init__(self) -> None:
        from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415  # see the module

        self._provider = get_snapshot().find_provider(None, PROVIDER, None)

    @staticmethod
    def day() -> date:
        """As long as it is the same, no price changes."""
        return datetime.now(UTC).date()

    def price(self, model: str) -> Price | None:
        """What the model costs today."""
        try:
            found = self._provider.find_model(model)
            return None if found is None else _price(found, datetime.now(UTC))
        except Exception as error:  # noqa: BLE001  # somebody else's data about somebody else's prices: see the rule
            tell(of_processes.PriceUnknown(word(model), type(error).__name__))
            return None


def _price(model: ModelInfo, now: datetime) -> Price:
    standard, batch, fast = (_rates(model.get_prices(now, context)) for context in (None, _BATCH, _FAST))
    return Price(standard, batch, fast)


def _rates(prices: Any) -> Rates:
    """Where a kind has no price of its own, it has that of the next wider kind, as in the list's own reckoning."""
    plain = _rate(prices.input_mtok, Rate(0))
    written = _rate(prices.cache_write_mtok, plain)
    searches = prices.web_searches_kcount
    return Rates(
        input=plain,
        output=_rate(prices.output_mtok, Rate(0)),
        cache_read=_rate(prices.cache_read_mtok, plain),
        cache_write_5m=_rate(prices.cache_write_5m_mtok, written),
        cache_write_1h=_rate(prices.cache_write_1h_mtok, written),
        search=int(searches * _NANO / 1000) if isinstance(searches, Decimal) else 0,
    )


def _rate(price: Any, otherwise: Rate) -> Rate:
    """From US dollars for a million tokens."""
    if price is None:
        return otherwise
    if isinstance(price, Decimal):
        return Rate(int(price * _NANO))
    return Rate(int(price.base * _NANO), tuple((tier.start, int(tier.price * _NANO)) for tier in price.tiers))
