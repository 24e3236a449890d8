"""The data of the one ending has always the same fields, and an error only where there is one."""

from __future__ import annotations

import pytest

from app.openapi.schemas import SCHEMAS
from app.stream.endings import Outcome, end_data

ALWAYS = set(SCHEMAS["RelayEnd"]["required"])


@pytest.mark.parametrize("outcome", Outcome)
def test_every_ending_has_what_is_described(outcome: Outcome) -> None:
    assert set(end_data(outcome, attempts=2)) == ALWAYS
    assert end_data(outcome, attempts=2)["outcome"] == outcome.value


def test_an_error_is_there_where_there_is_one() -> None:
    error = {"type": "api_error", "message": "no"}
    ending = end_data(Outcome.FAILED, attempts=0, error=error)
    assert set(ending) == {*ALWAYS, "error"}
    assert (ending["error"], ending["attempts"], ending["usage"]) == (error, 0, None)
