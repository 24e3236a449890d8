from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.dev.parts import Front, Simulator, Valkey, Worker
from app.settings import Settings
from tests.app.served import served
from tests.harness.network.tls import certificate


@pytest.fixture
def part(tmp_path: Path) -> Valkey:
    return Valkey("valkey-server", tmp_path, tmp_path / "valkey.sock", lock=3, environment={})


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("12:M 21 Nov 2026 04:56:07.451 * Configuration loaded", None),
        ("12:M 21 Nov 2026 04:56:07.450 # WARNING Memory overcommit must be enabled! Without it, …", None),
        ("12:M 21 Nov 2026 04:56:09.527 # Valkey is now ready to exit, bye bye...", None),
        ("12:signal-handler (1795236969) Received SIGTERM scheduling shutdown...", None),
        ("12:M 21 Nov 2026 04:56:09.527 # Failed listening on port 1", "Failed listening on port 1"),
        ("*** FATAL CONFIG FILE ERROR ***", "*** FATAL CONFIG FILE ERROR ***"),
    ],
)
def test_of_valkey_only_what_matters_is_shown(part: Valkey, line: str, shown: str | None) -> None:
    assert part.shown(line) == shown


def test_the_simulator_keeps_the_port_it_was_given_first() -> None:
    simulator = Simulator({})
    assert simulator.command()[-3:] == ["simulate", "--port", "0"]
    assert not simulator.announces("starting")
    assert simulator.announces("simulated Claude on http://127.0.0.1:34567")
    assert simulator.url == "http://127.0.0.1:34567"
    assert simulator.command()[-3:] == ["simulate", "--port", "34567"]


@pytest.mark.parametrize(("line", "ready"), [("ready", True), ("ready: 50 streams", True), ("not ready", False)])
def test_a_worker_is_ready_when_it_says_so(line: str, *, ready: bool) -> None:
    assert Worker(1, 2.0, {}).announces(line) is ready


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104  # only told
        ("::", "http://[::1]:8000"),
        ("relay.example", "http://relay.example:8000"),
    ],
)
def test_the_address_of_the_front_is_one_that_can_be_opened(host: str, url: str) -> None:
    front = Front(host, 8000, 2.0, {})
    assert front.url == url
    assert front.command()[-5:] == ["front", "--host", host, "--port", "8000"]


async def test_a_front_with_a_certificate_is_asked_over_tls(redis: Redis, tmp_path: Path) -> None:
    made, key = certificate(tmp_path, "192.0.2.1")  # nobody's here
    async with served(redis, Settings(tls_cert=str(made), tls_key=str(key))) as there:
        port = int(there.url.rsplit(":", 1)[1])
        front = Front("127.0.0.1", port, 2.0, {}, secure=True)
        assert front.url == there.url
        await front.ready(0, asyncio.Event())
