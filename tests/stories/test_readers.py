"""Readers who join a running log of megabytes, some slow, some stalled (G1). `make readers` sends a thousand."""

from __future__ import annotations

import random
import secrets

import pytest

from tests.chaos.readers import Round, readers
from tests.long import some_of

ROUNDS = (
    Round(450_000, readers=20, rate=80),
    Round(4_000_000, readers=8, rate=200, largest=3_000_000),
)


@pytest.mark.parametrize("one", some_of(ROUNDS, 1), ids=lambda one: str(one.size))
async def test_whoever_joins_a_long_log_while_it_grows_gets_each_byte_once(one: Round) -> None:
    seed = secrets.randbelow(10**6)
    seen = await readers(random.Random(seed), [one])  # noqa: S311 - to repeat it
    assert [eye.wrong for eye in seen if eye.wrong] == [], f"seed {seed}"
    assert all(eye.ended for eye in seen)
