"""Everything at once for some seconds, and for longer in `make proofs`. `make chaos` takes longer yet."""

from __future__ import annotations

import random
import secrets

import pytest

from tests.chaos.run import chaos
from tests.long import some_of


@pytest.mark.parametrize(("seconds", "width"), some_of([(6.0, 6), (20.0, 12)], 1))
async def test_no_promise_is_broken_under_a_nemesis(seconds: float, width: int) -> None:
    seed = secrets.randbelow(10**6)
    report = await chaos(seconds, random.Random(seed), width)  # noqa: S311 - to repeat it
    assert report.streams > 0
    assert report.violations == [], f"seed {seed}: {report.text()}"
