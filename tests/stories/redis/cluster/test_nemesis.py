"""Everything at once, with logs on a cluster to whose nodes things happen as well: `make chaos ARGS="--cluster"`."""

from __future__ import annotations

import random
import secrets

import pytest

from tests.chaos.run import chaos

pytestmark = pytest.mark.long

SECONDS = 30.0
WIDTH = 10


async def test_no_promise_is_broken_while_nodes_fail_over_and_slots_move() -> None:
    seed = secrets.randbelow(10**6)
    report = await chaos(SECONDS, random.Random(seed), WIDTH, on_nodes=True)  # noqa: S311 - to repeat it
    assert report.streams > 0
    assert report.violations == [], f"seed {seed}: {report.text()}"
