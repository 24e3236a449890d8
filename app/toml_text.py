"""TOML that somebody has written by hand, for who tells him what is wrong with it.

Pure. The rule: numbers are exact, and whatever is no TOML, or says numbers or depths that nobody can reckon with, is
one error, whose words quote nothing of the text.
"""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any

# The end of what `tomllib` says of a place.
_PLACE = "(at "


class NotTOMLError(ValueError):
    """The message says where, if that is known."""


def tables_of(text: str) -> dict[str, Any]:
    """The tables of a text, with a `Decimal` for each number that is not whole. Raises `NotTOMLError`."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        _, found, place = str(error).rpartition(_PLACE)
        raise NotTOMLError(f"at {place.rstrip(')')}" if found else "it cannot be read") from None
    except (ValueError, ArithmeticError, RecursionError):  # of thousands of digits, or levels
        raise NotTOMLError("it has a number, or a list in lists, that is beyond reckoning") from None


def finite(value: Any) -> Decimal | None:
    """A number as it was written; None for what is none, or is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    return number if number.is_finite() else None
