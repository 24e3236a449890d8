"""The command as an operator runs it: what it says, what it ends with, and what it never shows."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import orjson
import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.dev.simulator.wire import serving
from app.doctor.checks import CHECKS, MEASURES
from app.doctor.command import findings_of
from app.doctor.finding import Finding, Level
from app.main import main as front
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


# What is given, the settings that are named for it, and what else is said: at the start of a front, and by the doctor.
WRONG = {
    "a cluster as the queue": ({"REDIS_URL": "redis+cluster://:hush@a,b"}, "REDIS_URL", "STREAMS_REDIS_URL"),
    "no scheme": ({"STREAMS_REDIS_URL": "a:6379"}, "STREAMS_REDIS_URL", "it has no scheme"),
    "Sentinels of no service": ({"REDIS_URL": "redis+sentinel://:hush@a"}, "REDIS_URL", "/service"),
    "a database of a cluster": ({"STREAMS_REDIS_URL": "redis+cluster://:hush@a/3"}, "STREAMS_REDIS_URL", "database"),
    "authorities that are missing": (
        {"REDIS_URL": "rediss://:hush@a", "KEEPSTREAM_REDIS_CA": "{at}/no"}, "KEEPSTREAM_REDIS_CA", "{at}/no",
    ),
    "two servers on one port": (
        {"KEEPSTREAM_PORT": "8123", "KEEPSTREAM_METRICS_PORT": "8123"}, "KEEPSTREAM_METRICS_PORT", "8123",
    ),
    "half a certificate": ({"KEEPSTREAM_TLS_CERT": "{at}/no"}, "KEEPSTREAM_TLS_KEY", "set both, or none"),
    "a certificate that is missing": (
        {"KEEPSTREAM_TLS_CERT": "{at}/no", "KEEPSTREAM_TLS_KEY": "{at}/no"}, "KEEPSTREAM_TLS_CERT", "{at}/no",
    ),
    "keys that are missing": ({"KEEPSTREAM_API_KEYS_FILE": "{at}/no"}, "KEEPSTREAM_API_KEYS_FILE", "No such file"),
    "limits that are a folder": ({"KEEPSTREAM_LIMITS_FILE": "{at}"}, "KEEPSTREAM_LIMITS_FILE", "Is a directory"),
    "prices that are missing": ({"KEEPSTREAM_PRICES_FILE": "{at}/no"}, "KEEPSTREAM_PRICES_FILE", "{at}/no"),
    "a secret that is missing": ({"REDIS_URL_FILE": "{at}/no"}, "REDIS_URL_FILE", "{at}/no: No such file"),
    "a secret that is empty": ({"ANTHROPIC_API_KEY_FILE": "{at}/empty"}, "ANTHROPIC_API_KEY_FILE", "is empty"),
    "a secret that is a folder": ({"KEEPSTREAM_JWT_SECRET_FILE": "{at}"}, "JWT_SECRET_FILE", "Is a directory"),
    "a secret of two lines": ({"ANTHROPIC_API_KEY_FILE": "{at}/lines"}, "ANTHROPIC_API_KEY", "one word"),
    "a secret that is twice": (
        {"REDIS_URL": "redis://:hush@a", "REDIS_URL_FILE": "{at}/lines"}, "REDIS_URL_FILE", "not both",
    ),
    "a short secret": ({"KEEPSTREAM_TICKET_SECRET": "hush"}, "KEEPSTREAM_TICKET_SECRET", "16 bytes"),
    "both ways of tokens": (
        {"KEEPSTREAM_JWT_SECRET": "hush" * 9, "KEEPSTREAM_JWT_JWKS": "{at}/no"}, "KEEPSTREAM_JWT_JWKS", "not both",
    ),
    "an issuer of no tokens": ({"KEEPSTREAM_JWT_ISSUER": "x"}, "KEEPSTREAM_JWT_ISSUER", "says nothing without"),
    "a name with a port": ({"KEEPSTREAM_HOSTS": "a.example:443"}, "KEEPSTREAM_HOSTS", "'a.example:443'"),
    "a proxy by its name": ({"KEEPSTREAM_TRUSTED_PROXIES": "caddy"}, "KEEPSTREAM_TRUSTED_PROXIES", "'caddy'"),
    "nobody and somebody is asked": (
        {"KEEPSTREAM_AUTH": "none", "KEEPSTREAM_JWT_SECRET": "hush" * 9}, "KEEPSTREAM_AUTH", "not both",
    ),
    "a screen that is none": ({"KEEPSTREAM_SCREEN": "no.such:one"}, "KEEPSTREAM_SCREEN", "no.such"),
    "a screen's file and no screen": ({"KEEPSTREAM_SCREEN_PATTERNS": "{at}"}, "KEEPSTREAM_SCREEN_PATTERNS", "set that"),
}  # fmt: skip


def started(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What a front says that ends with 2 before it serves."""
    for name in [name for name in os.environ if name.startswith(("KEEPSTREAM_", "ANTHROPIC_")) or "REDIS_URL" in name]:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert front([]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    return said


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_meant_is_said_by_its_setting_at_the_start_and_by_the_doctor(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").write_bytes(b"\r\n")
    (tmp_path / "lines").write_bytes(b"hush\r\nhush\r\n")
    given, setting, says = WRONG[case]
    environ = {"REDIS_URL": "redis://127.0.0.1:9", "KEEPSTREAM_PORT": "0"} | {
        name: value.format(at=tmp_path) for name, value in given.items()
    }
    if "REDIS_URL_FILE" in given and "REDIS_URL" not in given:
        del environ["REDIS_URL"]
    says = says.format(at=tmp_path)
    said = started(environ, monkeypatch, capsys)
    assert setting in said
    assert says in said
    assert "hush" not in said
    own = {name: CHECKS[name] for name in ("settings", "keys", "tokens", "limits", "prices", "screen", "secrets")}
    rest = {name: CHECKS[name] for name in ("certificate", "redis", "streams")}

    async def asked() -> list[Finding]:
        monkeypatch.setattr("app.doctor.command.CHECKS", own | rest)
        monkeypatch.setattr("app.doctor.command.MEASURES", {})
        return await findings_of(environ)

    findings = [one.says for one in asyncio.run(asked()) if one.level is Level.MUST]
    assert [one for one in findings if setting in one and says in one], findings
    assert "hush" not in repr(findings)
