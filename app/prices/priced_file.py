"""`KEEPSTREAM_PRICES_FILE`: prices of one's own, for models that the list does not know or that cost something else.

    [model."claude-x"]
    input = 3            # US dollars for a million tokens
    output = 15
    cache_read = 0.3     # these three may be left out: they are then what the API's own multiples make of `input`
    cache_write_5m = 3.75
    cache_write_1h = 6

The rule: a file that cannot be understood is refused whole, in words that name what is wrong; nobody is to find out by
a bill that a line of it did not count. A name also stands for the model's dated versions, `claude-x-20260131`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.prices.price import Price, Rate, Rates
from app.settings import SettingsError
from app.toml_text import NotTOMLError, finite, tables_of

VARIABLE = "KEEPSTREAM_PRICES_FILE"
# More than any model will cost: what is more was meant for a thousand million tokens, or in cents.
USD_MAX = 1_000_000

_NANO = 10**9
_NEEDED = ("input", "output")
# What a kind costs, as a multiple of `input`, where the file does not say it.
_MULTIPLES = {"cache_read": Decimal("0.1"), "cache_write_5m": Decimal("1.25"), "cache_write_1h": Decimal(2)}
_DATED = re.compile(r"-20\d{6}$")


class PricedFile:
    """The models of a file; without a path there are none."""

    def __init__(self, prices: Mapping[str, Price]) -> None:
        self._prices = prices

    @classmethod
    def read(cls, path: str | None) -> PricedFile:
        """Raises `SettingsError`."""
        if path is None:
            return cls({})
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SettingsError(f"{VARIABLE}: cannot read {path}: {reason}") from error
        return cls(prices_of(text))

    def price(self, model: str) -> Price | None:
        return self._prices.get(model) or self._prices.get(_DATED.sub("", model))


def prices_of(text: str) -> dict[str, Price]:
    """The prices in a file's text. Raises `SettingsError`."""
    try:
        found = tables_of(text)
    except NotTOMLError as error:
        raise SettingsError(f"{VARIABLE}: it is not TOML: {error}") from None
    models = found.pop("model", {})
    if found:
        raise SettingsError(f'{VARIABLE}: {min(found)!r} is not known: each table is [model."its name"]')
    if not isinstance(models, dict):
        raise SettingsError(f'{VARIABLE}: model must be tables, [model."its name"]')
    return {name: _price(name, fields) for name, fields in models.items()}


def _price(name: str, fields: Any) -> Price:
    where = f'{VARIABLE}: [model."{name}"]'
    if not isinstance(fields, dict):
        raise SettingsError(f"{where} must be a table")
    known = (*_NEEDED, *_MULTIPLES)
    if unknown := sorted(set(fields) - set(known)):
        raise SettingsError(f"{where} has {unknown[0]!r}; known are {', '.join(known)}")
    if missing := [key for key in _NEEDED if key not in fields]:
        raise SettingsError(f"{where} lacks {missing[0]!r}")
    usd = {key: _usd(where, key, value) for key, value in fields.items()}
    usd |= {key: usd["input"] * multiple for key, multiple in _MULTIPLES.items() if key not in usd}
    rates = _rates(usd)
    # A batch costs half, whatever the kind.
    return Price(rates, batch=_rates({key: value / 2 for key, value in usd.items()}), fast=rates)


def _usd(where: str, key: str, value: Any) -> Decimal:
    number = finite(value)
    if number is None or not 0 <= number <= USD_MAX:
        raise SettingsError(f"{where}: {key} must be US dollars for a million tokens, from 0 to {USD_MAX}")
    return number


def _rates(usd: Mapping[str, Decimal]) -> Rates:
    kinds = {kind: Rate(round(value * _NANO)) for kind, value in usd.items()}
    return Rates(
        input=kinds["input"],
        output=kinds["output"],
        cache_read=kinds["cache_read"],
        cache_write_5m=kinds["cache_write_5m"],
        cache_write_1h=kinds["cache_write_1h"],
    )
