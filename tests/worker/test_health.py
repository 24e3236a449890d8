"""A worker is ready as long as it takes streams and keeps those that it has."""

from __future__ import annotations

import pytest

from app.dev.embedded import EmbeddedValkey
from tests.app.served import until
from tests.harness.network.proxy import Proxy
from tests.worker.workshop import Workshop
from worker import health

LEASE_SECONDS = 0.5


async def test_one_that_renews_in_time_is_ready_and_one_that_drains_is_not(shop: Workshop) -> None:
    async with shop.worker() as parts:
        assert parts.health.missing() is None
        parts.pool.stop_taking()
        assert parts.health.missing() == "this worker is draining"


async def test_one_whose_redis_takes_nothing_is_not_ready_until_it_does(
    shop: Workshop, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        Proxy("127.0.0.1", valkey.port) as proxy,
        shop.worker(url=f"redis://127.0.0.1:{proxy.port}", lease_seconds=LEASE_SECONDS) as parts,
    ):
        there, proxy.target = proxy.target, ("127.0.0.1", 1)
        proxy.reset()
        await until(lambda: parts.health.missing() is not None)
        proxy.target = there
        await until(lambda: parts.health.missing() is None)
        monkeypatch.setattr(parts.health, "_late_seconds", 0.0)
        assert "has been renewed" in str(parts.health.missing())


async def test_one_of_whose_tasks_has_fallen_is_not_ready(shop: Workshop) -> None:
    class Fallen:
        name, alive = "claims", False

    async with shop.worker() as parts:
        renewals = parts.health._renewals
        lying = health.Health(parts.pool, renewals, [Fallen()], LEASE_SECONDS)
        assert lying.missing() == "claims has fallen; the worker's log says why"
