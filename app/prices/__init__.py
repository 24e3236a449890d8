"""What the upstream's calls cost: the file's prices before the list's. Both processes reckon with it.

Everything that makes money of tokens must live here. The rule: who asks hears a price or None, at once and without
a network; what it is for (a reservation, a line of the ledger) is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from app.prices.listed import Listed
from app.prices.price import Price
from app.prices.priced_file import PricedFile
from app.stream.ledger.usage import Cost, parts_of

# Prices change with the day, and models are the clients' words: what is remembered is bounded, and soon forgotten.
REMEMBERED = 256


class Prices:
    """Loads the list, which takes a fifth of a second; `file` is KEEPSTREAM_PRICES_FILE. Raises `SettingsError`."""

    def __init__(self, file: str | None = None) -> None:
        self._file = PricedFile.read(file)
        self._listed = Listed()
        self._find = lru_cache(REMEMBERED)(self._found)

    def of(self, model: str) -> Price | None:
        """The price of a model, today."""
        return self._find(model, self._listed.day())

    def cost(self, model: str, usage: Mapping[str, Any]) -> Cost:
        """What a `usage` in the Messages API's shape did cost, where `model` answered.

        Iterations that another model made are priced as that one's.
        """
        nano: int | None = 0
        saved = 0
        for part in parts_of(usage):
            price = self.of(part.model or model)
            if price is None:
                nano = None
                continue
            rates = price.rates(usage)
            nano = None if nano is None else nano + rates.nano(part.counts)
            saved += rates.saved(part.counts)
        return Cost(nano, saved)

    def _found(self, model: str, day: object) -> Price | None:
        del day
        listed = self._listed.price(model)
        ours = self._file.price(model)
        if ours is None or listed is None:
            return ours or listed
        # The file has no price of searches: they cost the same, whoever has agreed on another price for tokens.
        search = listed.standard.search
        return Price(*(replace(rates, search=search) for rates in (ours.standard, ours.batch, ours.fast)))
