"""Whenever the autoscaler happens to look, whoever comes first waits for less than twenty seconds."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest

from tests.bench.scaling.__main__ import AT_FIRST, BUSY, PHASES, WAIT_SECONDS
from tests.bench.scaling.model import waits
from tests.bench.scaling.rule import SYNC_SECONDS, Rule, pod_of, rule_of
from tests.deploy.k8s.build import lacks

pytestmark = pytest.mark.skipif(lacks() != "", reason="no kubectl with a kustomize of 5 or newer")
# Two until its process begins, and what that takes on a machine that has more to do.
STARTS_SECONDS = 5.0


@cache
def coming() -> tuple[tuple[float, float], ...]:
    """The load of `make scaling`, as far as it decides this."""
    rng, now = random.Random(7), 0.0  # noqa: S311  # a load, no secret
    lasts = PHASES[0].lasts
    load = [(0.0, rng.uniform(*lasts)) for _ in range(PHASES[0].burst)]
    while (now := now + rng.expovariate(BUSY)) < AT_FIRST:
        load.append((now, rng.uniform(*lasts)))
    return tuple(load)


def p99(rule: Rule, looked: float) -> float:
    polled = rule.polling - 0.1  # it has just looked when they come
    waited = sorted(waits(rule, pod_of("small").streams, coming(), starts=STARTS_SECONDS, polled=polled, looked=looked))
    return waited[int(0.99 * len(waited))]


@pytest.mark.parametrize("looked", range(int(SYNC_SECONDS)))
def test_from_none_the_last_but_one_in_a_hundred_waits_for_less_than_twenty_seconds(looked: int) -> None:
    assert p99(rule_of("small"), looked) < WAIT_SECONDS


def test_with_one_worker_at_the_least_some_would_wait_for_longer() -> None:
    """So there are two."""
    one = replace(rule_of("small"), least=1)
    assert max(p99(one, looked) for looked in range(int(SYNC_SECONDS))) > WAIT_SECONDS
