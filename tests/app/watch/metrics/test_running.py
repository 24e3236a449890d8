"""The metrics of a process while it runs."""

from __future__ import annotations

from dataclasses import replace

import httpx

from app.settings import Settings
from app.watch.metrics.running import running
from app.watch.metrics.table import Of
from tests.app.served import until
from tests.app.watch.metrics.made import STANDING, metrics_of, shown
from tests.patience import PATIENCE

HERE = replace(Settings(), metrics_port=0, metrics_host="127.0.0.1")


async def test_with_a_port_they_are_served_there() -> None:
    metrics = metrics_of(Of.WORKER)
    async with running(metrics, HERE, tuple) as address, httpx.AsyncClient(timeout=PATIENCE) as http:
        assert address is not None
        found = await http.get(address)
        assert "keepstream_streams_running 4.0" in found.text


async def test_without_one_they_are_measured_all_the_same() -> None:
    metrics = metrics_of(Of.FRONT)

    async def look() -> object:
        return STANDING

    async with running(metrics, Settings(), tuple, look) as address:  # type: ignore[arg-type]
        assert address is None
        await until(lambda: shown(metrics).get("waiting") == 3)
        await until(lambda: shown(metrics)["loop_lag_seconds_count"] > 0)


async def test_who_cannot_be_asked_measures_nothing() -> None:
    async with running(None, HERE, tuple) as address:
        assert address is None


async def test_a_port_that_cannot_be_had_is_counted() -> None:
    async with running(metrics_of(Of.WORKER), HERE, tuple) as address:
        assert address is not None
        taken = replace(HERE, metrics_port=int(address.split(":")[2].split("/")[0]))
        without = metrics_of(Of.WORKER)
        async with running(without, taken, tuple) as nothing:
            assert nothing is None
            assert shown(without)["metrics_unserved_total"] == 1
