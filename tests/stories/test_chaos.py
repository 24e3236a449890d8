"""Everything at once for half a minute. `make chaos` takes longer, and another seed."""

from __future__ import annotations

import random
import secrets

from tests.chaos.run import chaos

SECONDS = 20.0
WIDTH = 12


async def test_no_promise_is_broken_under_a_nemesis() -> None:
    seed = secrets.randbelow(10**6)
    report = await chaos(SECONDS, random.Random(seed), WIDTH)  # noqa: S311 - to repeat it
    assert report.streams > 0
    assert report.violations == [], f"seed {seed}: {report.text()}"
