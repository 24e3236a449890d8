from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from app.doctor.checks.agreement import disagreements, settings
from app.doctor.finding import Level
from app.settings import Settings
from tests.app.doctor.checks.patients import found, troubles

# What has no fault.
SOUND = Settings(anthropic_api_key="a-key", api_keys_file="/keys")


def test_settings_as_they_come_agree_with_each_other() -> None:
    assert list(disagreements(SOUND)) == []


@pytest.mark.parametrize(
    ("changed", "level", "says"),
    [
        ({"anthropic_api_key": None}, Level.MUST, "ANTHROPIC_API_KEY is not set"),
        ({"host": "0.0.0.0", "api_keys_file": None, "tls_cert": "/c"}, Level.MUST, "everybody who"),  # noqa: S104
        ({"auth": "none"}, Level.MUST, "not both"),
        ({"metrics_host": "127.0.0.1"}, Level.WARNING, "METRICS_HOST says nothing without"),
        ({"metrics_port": 8000}, Level.MUST, "are both 8000"),
        ({"host": "0.0.0.0"}, Level.WARNING, "travel without TLS"),  # noqa: S104
        ({"stream_seconds_max": 10.0, "retry_wait_max": 1.0}, Level.WARNING, "a dead worker's is found after 10 s"),
        ({"retry_wait_max": 1800.0}, Level.WARNING, "a retry may wait for 1800 s"),
        ({"stall_timeout": 301.0}, Level.WARNING, "KEEPSTREAM_STALL_TIMEOUT (301)"),
        ({"bodies_bytes": 1000}, Level.WARNING, "KEEPSTREAM_BODIES_BYTES is 1000"),
        ({"queue_bytes": 1000}, Level.WARNING, "KEEPSTREAM_QUEUE_BYTES is 1000"),
        ({"worker_bytes": 1000}, Level.WARNING, "all of a worker's 1000"),
        ({"redis_ca": "/ca.pem"}, Level.WARNING, "KEEPSTREAM_REDIS_CA says nothing"),
        ({"drain_seconds": 60.0}, Level.NOTE, "may take 60 s to drain"),
        ({"redis_url": "redis://:pw@redis.internal:6379/0"}, Level.NOTE, "without TLS"),
        (
            {"streams_redis_url": "redis+cluster://:pw@a.internal,b.internal"},
            Level.NOTE,
            "STREAMS_REDIS_URL is on another",
        ),
        ({"streams_redis_url": SOUND.redis_url}, Level.NOTE, "is what REDIS_URL is"),
        ({"metrics_port": 9000, "metrics_host": "10.0.0.1"}, Level.NOTE, "10.0.0.1:9000"),
    ],
)
def test_what_cannot_be_meant_is_told_and_nothing_else(changed: dict[str, Any], level: Level, says: str) -> None:
    [finding] = disagreements(dataclasses.replace(SOUND, **changed))
    assert finding.level is level
    assert says in finding.says
    assert "pw" not in finding.says + finding.do


def test_behind_a_proxy_that_is_trusted_or_with_a_certificate_of_its_own_a_front_may_listen_anywhere() -> None:
    anywhere = dataclasses.replace(SOUND, host="0.0.0.0")  # noqa: S104
    assert list(disagreements(dataclasses.replace(anywhere, tls_cert="/cert.pem", tls_key="/key.pem"))) == []


async def test_what_is_no_setting_is_told_with_the_one_that_may_be_meant() -> None:
    environ = {"KEEPSTREAM_MODLE": "x", "KEEPSTREAM_ZZZ": "y", "REDIS_URL": "redis://secret@h", "HOME": "/"}
    findings = await found(settings, environ=environ, anthropic_api_key="a-key")
    assert findings[0].says == "set are REDIS_URL"
    assert [finding.do for finding in findings[1:]] == ["did you mean KEEPSTREAM_MODEL?", "take it away"]
    assert len(troubles(findings)) == 2
