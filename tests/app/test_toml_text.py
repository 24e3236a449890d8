"""What a hand may have written into a file of ours."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.toml_text import NotTOMLError, finite, tables_of


def test_numbers_are_as_they_were_written() -> None:
    assert tables_of("[a]\nb = 0.1\nc = 3") == {"a": {"b": Decimal("0.1"), "c": 3}}


@pytest.mark.parametrize(
    "text",
    ["[a", "a = b", "a = " + "1" * 5000, "a = 1e99999999999999999999", "a = " + "[" * 5000, "a = 2026-13-01"],
    ids=["table", "word", "digits", "exponent", "depth", "date"],
)
def test_what_cannot_be_read_is_one_error_that_quotes_nothing(text: str) -> None:
    with pytest.raises(NotTOMLError, match=r"^(at (line|end)|it cannot|it has)"):
        tables_of(text)


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, Decimal(1)), (0.1, Decimal("0.1")), (Decimal("0.1"), Decimal("0.1")), (10**400, Decimal(10**400))],
    ids=str,
)
def test_a_number_is_exact(value: Any, number: Decimal) -> None:
    assert finite(value) == number


@pytest.mark.parametrize(
    "value", [True, "1", None, float("nan"), float("inf"), Decimal("nan"), Decimal("-inf"), [1]], ids=str
)
def test_what_is_no_number_is_none(value: Any) -> None:
    assert finite(value) is None
