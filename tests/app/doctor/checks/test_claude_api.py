from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from app.dev.simulator.wire import serving
from app.doctor.checks.claude_api import upstream
from app.doctor.finding import Level
from tests.app.doctor.checks.patients import found, troubles
from tests.harness.network.tls import TlsProxy, expired

KEY = "sk-not-to-be-shown"


@pytest.fixture
async def claude() -> AsyncIterator[str]:
    async with serving() as url:
        yield url


async def test_who_takes_the_key_and_knows_the_model_is_well_and_a_simulated_one_is_named(claude: str) -> None:
    findings = await found(upstream, anthropic_base_url=claude, anthropic_api_key=KEY)
    assert [one.level for one in findings] == [Level.OK, Level.NOTE]
    assert "simulated" in findings[1].says


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"anthropic_api_key": "bad-key"}, "refuses the key (401)"),
        ({"model": "claude-nonexistent"}, "does not know claude-nonexistent"),
    ],
)
async def test_a_key_or_a_model_that_is_refused(claude: str, settings: dict[str, str], says: str) -> None:
    told = troubles(await found(upstream, **{"anthropic_base_url": claude, "anthropic_api_key": KEY, **settings}))
    assert [(level, says in words) for level, words in told] == [(Level.MUST, True)]


async def test_where_nobody_is_there_the_cause_is_named() -> None:
    [finding] = await found(upstream, anthropic_base_url="http://127.0.0.1:9", anthropic_api_key=KEY)
    assert (finding.level, finding.says) == (Level.MUST, "127.0.0.1 cannot be reached (ConnectionRefusedError)")
    assert "nothing listens there" in finding.do
    assert await found(upstream) == []  # neither a key nor an address: the settings' check says so


async def test_a_certificate_that_has_expired_is_told_from_one_that_is_not_trusted(
    claude: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, key = expired(tmp_path)
    async with TlsProxy("127.0.0.1", int(claude.rpartition(":")[2]), made, key) as tls:
        for trusted, says in ((made, "has expired"), (None, "is not trusted here")):
            monkeypatch.setenv("SSL_CERT_FILE", str(trusted)) if trusted else monkeypatch.delenv("SSL_CERT_FILE")
            url = f"https://127.0.0.1:{tls.port}"
            [finding] = await found(upstream, anthropic_base_url=url, anthropic_api_key=KEY)
            assert (finding.level, says in finding.do) == (Level.MUST, True), finding


@pytest.mark.parametrize(
    ("head", "level", "says"),
    [
        ("404 Not Found", Level.WARNING, "does not count tokens"),
        ("429 Too Many Requests", None, ""),
        ("500 Oh", Level.WARNING, "status 500"),
        ("200 OK\r\ndate: an hour ago", Level.WARNING, "ahead of the Claude"),
    ],
)
async def test_whatever_else_it_answers(head: str, level: Level | None, says: str) -> None:
    an_hour_ago = format_datetime(datetime.now(UTC) - timedelta(hours=1))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(f"HTTP/1.1 {head.replace('an hour ago', an_hour_ago)}\r\ncontent-length: 0\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        told = troubles(await found(upstream, anthropic_base_url=url, anthropic_api_key=KEY))
    assert [(one, says in words) for one, words in told] == ([] if level is None else [(level, True)])
