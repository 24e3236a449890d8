"""What stands in a table of limits, of the file's or of a token's: checked, and made an `Allowance`.

Pure. The rule: a field that is not known, or says what cannot be meant, is refused by its name; what stands in it is
quoted to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.access.limits.allowance import Allowance
from app.stream.accounts import NANO, NANO_MAX
from app.toml_text import finite

# Above what any model says in one answer.
TOKENS_MAX = 10_000_000
COUNT_MAX = 1_000_000
TOKENS_PER_MINUTE_MAX = 100_000_000
WEIGHTS = (0.001, 1000)
HALF_YEAR = 183 * 24 * 3600


class FieldError(ValueError):
    """A field that cannot be used. The message names it and says what it takes."""


def allowance_of(table: Mapping[str, Any], known: Mapping[str, Reader] | None = None) -> Allowance:
    """What a table allows. Raises `FieldError`."""
    known = FIELDS if known is None else known
    found: dict[str, Any] = {}
    for name, value in table.items():
        if name not in known:
            raise FieldError(f"{name}: unknown field; known are {', '.join(known)}")
        as_what, read = known[name]
        try:
            found[as_what] = read(value)
        except FieldError as error:
            raise FieldError(f"{name}: must be {error}") from None
    return Allowance(**found)


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise FieldError(f"a whole number from {least} to {most}")
        return value

    return read


def _number(least: float, most: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        number = finite(value)
        if number is None or not least <= float(number) <= most:
            raise FieldError(f"a number from {least:g} to {most:g}")
        return float(number)

    return read


def _nano(value: Any) -> int:
    """US dollars, to the last nano-dollar as they were written."""
    usd = finite(value)
    if usd is not None and 0 <= usd <= NANO_MAX // NANO:
        return int(usd * NANO)
    raise FieldError(f"US dollars, a number from 0 to {NANO_MAX // NANO}")


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise FieldError("true or false")
    return value


def _patterns(value: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and _is_pattern(one) for one in value):
        raise FieldError('a list of shell patterns, as in ["claude-*"]')
    return (tuple(value),)


def _is_pattern(text: str) -> bool:
    """Whether it says what it means: a bracket that nobody closes would be taken as it stands."""
    if not text or not text.isprintable() or text != text.strip():
        return False
    at = text.find("[")
    while at >= 0:
        closed = text.find("]", at + (3 if text[at + 1 : at + 2] == "!" else 2))
        if closed < 0:
            return False
        at = text.find("[", closed)
    return True


def _one_of(*words: str) -> Callable[[Any], bool]:
    """Whether it is the first of them."""

    def read(value: Any) -> bool:
        if value not in words:
            raise FieldError(" or ".join(f'"{word}"' for word in words))
        return bool(value == words[0])

    return read


Reader = tuple[str, Callable[[Any], Any]]

RATES: Mapping[str, Reader] = {
    "requests_per_minute": ("requests_per_minute", _whole(1, COUNT_MAX)),
    "burst": ("burst", _whole(1, COUNT_MAX)),
}
FIELDS: Mapping[str, Reader] = {
    "models": ("models", _patterns),
    "max_tokens": ("max_tokens", _whole(1, TOKENS_MAX)),
    "betas": ("betas", _patterns),
    "server_tools": ("server_tools", _flag),
    **RATES,
    "concurrent_streams": ("concurrent_streams", _whole(0, COUNT_MAX)),
    "open_readers": ("open_readers", _whole(0, COUNT_MAX)),
    "output_tokens_per_minute": ("output_tokens_per_minute", _whole(1, TOKENS_PER_MINUTE_MAX)),
    "usd_per_day": ("nano_per_day", _nano),
    "usd_per_month": ("nano_per_month", _nano),
    "weight": ("weight", _number(*WEIGHTS)),
    "delivery": ("final", _one_of("final", "progressive")),
    "unpriced": ("unpriced", _one_of("allow", "refuse")),
    "cache": ("cache", _number(0, HALF_YEAR)),
}
