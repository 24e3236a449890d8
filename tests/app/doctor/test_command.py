"""The command as an operator runs it: what it says, what it ends with, and what it never shows."""

from __future__ import annotations

import orjson
import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.dev.simulator.wire import serving
from app.doctor.checks import CHECKS, MEASURES
from app.doctor.command import findings_of
from app.doctor.finding import Level
from tests.harness.running import keepstream

SECRETS = {
    "REDIS_URL": "redis://ours:secret-1@127.0.0.1:9/0",
    "ANTHROPIC_API_KEY": "secret-2",
    "KEEPSTREAM_JWT_SECRET": "secret-3" * 8,
    "KEEPSTREAM_TICKET_SECRET": "secret-4" * 8,
}


async def test_a_deployment_as_it_should_be_has_nothing_that_must_be_done_and_is_left_as_it_was(
    redis: Redis, valkey: EmbeddedValkey
) -> None:
    async with serving() as claude:
        findings = await findings_of({"REDIS_URL": valkey.url, "ANTHROPIC_BASE_URL": claude})
    assert await redis.dbsize() == 0
    assert [finding for finding in findings if finding.level is Level.MUST] == []
    assert {finding.check for finding in findings} == (CHECKS.keys() | MEASURES.keys()) - {"versions"}  # of nobody


@pytest.mark.parametrize("changed", [{}, {"REDIS_URL": "redis://secret-1:secret-1"}, {"KEEPSTREAM_PORT": "x"}])
async def test_no_secret_is_in_what_it_says(changed: dict[str, str]) -> None:
    environ = {**SECRETS, "ANTHROPIC_BASE_URL": "http://u:secret-5@127.0.0.1:9", **changed}
    findings = await findings_of(environ)
    assert any(finding.level is Level.MUST for finding in findings)
    assert "secret-" not in repr(findings)


def test_as_a_process_it_says_lines_or_json_and_how_it_ended() -> None:
    """What hangs at its end, a thread that asks for a name, keeps nobody."""
    with keepstream("doctor", **SECRETS) as process:
        assert process.wait() == 1
        assert process.line(r"^MUST +redis +127\.0\.0\.1:9 cannot be used")
        assert process.line("must be done")
        assert "secret-" not in process.output
        assert "\x1b" not in process.output
    with keepstream("doctor", "--json", KEEPSTREAM_PORT="x") as process:
        assert process.wait() == 1
        [finding] = orjson.loads(process.output)["findings"]
        assert (finding["check"], finding["level"]) == ("settings", "must")
