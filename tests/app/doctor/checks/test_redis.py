"""Each bad state is one that the server is really in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.doctor.checks import redis as checks
from app.doctor.examination import Check
from app.doctor.finding import Level
from tests.app.doctor.checks.patients import found, troubles
from tests.app.stream.redis.test_fitness import OURS


@asynccontextmanager
async def configured(redis: Redis, **config: str) -> AsyncIterator[None]:
    names = {name.replace("_", "-"): value for name, value in config.items()}
    before = {name: (await redis.config_get(name))[name] for name in names}
    for name, value in names.items():
        await redis.config_set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            await redis.config_set(name, value)


ALL = (
    checks.reached, checks.rights, checks.memory, checks.persistence, checks.replicas, checks.clients, checks.latency,
)  # fmt: skip


async def test_one_as_it_should_be_has_no_fault_and_nothing_is_left_in_it(redis: Redis, valkey: EmbeddedValkey) -> None:
    for check in ALL:
        findings = await found(check, redis_url=valkey.url)
        assert [one.level for one in findings if check is not checks.latency] in ([], [Level.OK]), findings
        assert findings
    assert await redis.dbsize() == 0


@pytest.mark.parametrize(
    ("config", "check", "says"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, checks.reached, (Level.MUST, "maxmemory-policy allkeys-lru")),
        ({"maxmemory": "0"}, checks.memory, (Level.WARNING, "there is no maxmemory")),
        ({"appendonly": "no"}, checks.persistence, (Level.WARNING, "loses everything")),
        ({"min_replicas_to_write": "1"}, checks.replicas, (Level.MUST, "1 are wanted")),
    ],
)
async def test_one_that_is_set_otherwise(
    redis: Redis, valkey: EmbeddedValkey, config: dict[str, str], check: Check, says: tuple[Level, str]
) -> None:
    async with configured(redis, **config):
        told = troubles(await found(check, redis_url=valkey.url))
    assert [(level, says[1] in words) for level, words in told] == [(says[0], True)]


async def test_each_thing_that_a_user_may_not_is_named(redis: Redis, valkey: EmbeddedValkey) -> None:
    url = valkey.url.replace("//", "//ours:not-shown@")
    for rules, count in (("-zrank", 1), ("-multi", 1), ("-@write", checks.SHOWN + 1)):
        await redis.execute_command("ACL", "SETUSER", "ours", "reset", "on", ">not-shown", *OURS, rules)
        findings = await found(checks.rights, redis_url=url)
        assert [one.level for one in findings] == [Level.MUST] * count
        assert "not-shown" not in repr(findings)
    assert "more are refused" in findings[-1].says
    assert await redis.dbsize() == 0
    await redis.execute_command("ACL", "SETUSER", "ours", "reset", "on", ">not-shown", *OURS, "-config")
    for check in (checks.persistence, checks.replicas):  # what may not be asked is not known, and that is no fault
        assert troubles(await found(check, redis_url=url)) == []


async def test_one_that_cannot_be_used_is_told_once_and_without_its_password(
    redis: Redis, valkey: EmbeddedValkey
) -> None:
    for url, says in (
        ("redis://:not-shown@127.0.0.1:9/0", "127.0.0.1:9 cannot be used"),
        (valkey.url.replace("//", "//nobody:not-shown@"), "WRONGPASS"),
        ("redis://:not-shown@127.0.0.1:not-shown/0", "REDIS_URL cannot be read"),
    ):
        [finding] = await found(checks.reached, redis_url=url)
        assert (finding.level, says in finding.says) == (Level.MUST, True), finding
        assert "not-shown" not in finding.says
        for check in ALL[1:]:
            assert await found(check, redis_url=url) == []
    assert await redis.ping()


async def test_a_replica_is_no_primary(redis: Redis, valkey: EmbeddedValkey) -> None:
    await redis.execute_command("REPLICAOF", "127.0.0.1", "9")
    try:
        [finding] = await found(checks.reached, redis_url=valkey.url)
        assert (finding.level, "instead of a primary" in finding.says) == (Level.MUST, True)
    finally:
        await redis.execute_command("REPLICAOF", "NO", "ONE")


async def test_one_that_is_slow_is_told(valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SLOW_MS", 0.0)
    [(level, words)] = troubles(await found(checks.latency, redis_url=valkey.url))
    assert (level, words[:4]) == (Level.WARNING, "PING")
