"""Each bad state is one that the server is really in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.doctor.checks import redis as checks
from app.doctor.examination import Check
from app.doctor.finding import Level
from app.stream.errors import UnfitServerError
from app.stream.redis.connect import connect
from app.stream.redis.fitness import check_server
from tests.app.doctor.checks.patients import found, troubles
from tests.app.stream.redis.test_fitness import OURS
from tests.harness.network.tls import TlsProxy, expired
from tests.harness.sharded.nodes import Nodes, until


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


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with Nodes.start(tmp_path_factory.mktemp("nodes"), primaries=2, replicas=0) as nodes:
        yield nodes


OF_EACH = (checks.rights, checks.memory, checks.persistence, checks.replicas, checks.clients, checks.latency)


async def test_of_two_servers_each_is_looked_at_for_what_it_is_for(
    redis: Redis, valkey: EmbeddedValkey, nodes: Nodes
) -> None:
    """A node of a cluster asked as one server is unfit, and that is all; the other one is looked at as ever."""
    other = nodes.nodes[0].valkey.url
    both = {"redis_url": valkey.url, "streams_redis_url": other}
    assert [one.level for one in await found(checks.reached, **both)] == [Level.OK]
    [finding] = await found(checks.streams, **both)
    assert (finding.level, "STREAMS_REDIS_URL: Redis is a node of a cluster" in finding.says) == (Level.MUST, True)
    findings = await found(checks.memory, **both)
    assert [one.says.partition(":")[0] for one in findings] == ["REDIS_URL", "STREAMS_REDIS_URL"]
    again = valkey.url.replace("127.0.0.1", "localhost")
    told = troubles(await found(checks.streams, redis_url=valkey.url, streams_redis_url=again))
    assert told == [(Level.WARNING, "it is the server of REDIS_URL by another name")]
    [finding] = await found(checks.streams, redis_url=valkey.url)
    assert finding.says == "on REDIS_URL, with the queue"
    assert await redis.dbsize() == 0


async def test_a_cluster_is_looked_at_node_by_node_and_what_is_well_is_said_once(
    valkey: EmbeddedValkey, nodes: Nodes
) -> None:
    both = {"redis_url": valkey.url, "streams_redis_url": nodes.url}
    whole, alone = await found(checks.streams, **both)
    assert (whole.level, "a cluster of 2 primaries" in whole.says) == (Level.OK, True)
    assert (alone.level, "nobody would take over" in alone.says) == (Level.WARNING, True)
    for check in OF_EACH:
        of_queue, *of_nodes = await found(check, **both)
        assert of_queue.says.startswith("REDIS_URL: ")
        assert len(of_nodes) == (2 if {one.level for one in of_nodes} - {Level.OK} else 1), of_nodes
    one = nodes.nodes[0]
    one.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    one.ask("CONFIG", "SET", "appendonly", "no")
    try:
        finding, *_ = await found(checks.streams, **both)
        assert (finding.level, finding.says.partition(": ")[0]) == (Level.MUST, f"127.0.0.1:{one.port}")
        told = troubles(await found(checks.persistence, **both))
        assert [(level, words.partition(": ")[0]) for level, words in told] == [
            (Level.WARNING, f"127.0.0.1:{one.port}")
        ]
    finally:
        one.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        one.ask("CONFIG", "SET", "appendonly", "yes")


async def test_a_node_that_is_gone_and_an_address_that_is_no_clusters(
    redis: Redis, valkey: EmbeddedValkey, nodes: Nodes
) -> None:
    both = {"redis_url": valkey.url, "streams_redis_url": nodes.url}
    gone = nodes.nodes[1]
    gone.valkey.kill()
    try:
        [finding, *_] = await found(checks.streams, **both)
        assert (finding.level, finding.says.startswith(f"the node 127.0.0.1:{gone.port} does not answer")) == (
            Level.MUST,
            True,
        )
        assert "its streams wait" in finding.says
    finally:
        await asyncio.to_thread(gone.valkey.restart)
        await asyncio.to_thread(until, lambda: all(node.is_well() for node in nodes.nodes), "they are whole")
    cluster = valkey.url.replace("redis://", "redis+cluster://ours:not-shown@").removesuffix("/0")
    await redis.execute_command("ACL", "SETUSER", "ours", "reset", "on", ">not-shown", *OURS)
    for url, says in (
        (cluster, "no node of a cluster (cluster_enabled:0): name it by redis://"),
        ("redis+cluster://:not-shown@127.0.0.1:9", "the cluster of 127.0.0.1:9 cannot be used"),
    ):
        [finding] = await found(checks.streams, redis_url=valkey.url, streams_redis_url=url)
        assert (finding.level, says in finding.says) == (Level.MUST, True), finding
        assert "not-shown" not in finding.says


async def test_one_whose_certificate_has_expired(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    made, key = expired(tmp_path)
    async with TlsProxy("127.0.0.1", valkey.port, made, key) as tls:
        url = f"rediss://127.0.0.1:{tls.port}"
        [finding] = await found(checks.reached, redis_url=url, redis_ca=str(made))
        assert (finding.level, "certificate has expired" in finding.says) == (Level.MUST, True)
        assert finding.do.startswith("renew it there")
        with pytest.raises(UnfitServerError, match="certificate has expired: renew it there"):
            await check_server(connect(url, "tests", ca=str(made)))


async def test_one_that_is_slow_is_told(valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SLOW_MS", 0.0)
    [(level, words)] = troubles(await found(checks.latency, redis_url=valkey.url))
    assert (level, words[:4]) == (Level.WARNING, "PING")
