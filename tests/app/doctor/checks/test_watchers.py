from __future__ import annotations

import asyncio

import pytest

from app.doctor.checks import watchers
from app.doctor.checks.watchers import traces
from app.doctor.finding import Level
from tests.app.doctor.checks.patients import found, troubles

ENDPOINT = "http://user:not-shown@127.0.0.1:"


async def test_where_no_traces_are_wanted_there_is_nothing_to_do() -> None:
    assert troubles(await found(traces)) == []


async def test_a_collector_that_is_there_and_one_that_is_not() -> None:
    async def hears(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hears, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert troubles(await found(traces, otel_exporter_otlp_endpoint=f"{ENDPOINT}{port}/v1")) == []
    [finding] = await found(traces, otel_exporter_otlp_endpoint=f"{ENDPOINT}9")
    assert (finding.level, "ConnectionRefusedError" in finding.says) == (Level.WARNING, True)
    assert "not-shown" not in finding.says


async def test_what_keeps_them_from_being_sent_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"otel_exporter_otlp_endpoint": f"{ENDPOINT}9"}
    spoken = await found(traces, otel_exporter_otlp_protocol="grpc", **settings)
    assert [level for level, _ in troubles(spoken)] == [Level.WARNING]
    monkeypatch.setattr(watchers, "EXPORTER", "no_such_package.at_all")
    [(level, words)] = troubles(await found(traces, **settings))
    assert (level, "is not installed" in words) == (Level.WARNING, True)
