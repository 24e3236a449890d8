from __future__ import annotations

from typing import Any

import pytest

from app.doctor.checks import redis_info
from app.doctor.finding import Level
from tests.app.doctor.checks.patients import troubles

GIB = 1024**3
NEEDED = 5 * GIB // 4


@pytest.mark.parametrize(
    ("info", "level"),
    [
        ({"used_memory": GIB, "maxmemory": 4 * GIB}, None),
        ({"used_memory": GIB, "maxmemory": 0}, Level.WARNING),
        ({"used_memory": 3.5 * GIB, "maxmemory": 4 * GIB}, Level.WARNING),
        ({"used_memory": 3.9 * GIB, "maxmemory": 4 * GIB}, Level.MUST),
        ({"used_memory": 0, "maxmemory": GIB}, Level.WARNING),  # the waiting prompts alone may take it
        ({"used_memory": GIB, "maxmemory": 4 * GIB, "evicted_keys": 3}, Level.WARNING),
    ],
)
def test_memory(info: dict[str, Any], level: Level | None) -> None:
    assert [one for one, _ in troubles(redis_info.memory(info, NEEDED))] == ([] if level is None else [level])


@pytest.mark.parametrize(
    ("info", "level", "says"),
    [
        ({"aof_enabled": 1, "appendfsync": "everysec"}, None, ""),
        ({"aof_enabled": 1, "appendfsync": None}, None, ""),
        ({"aof_enabled": 1, "appendfsync": "no"}, Level.WARNING, "half a minute"),
        ({"aof_enabled": 0, "save": ""}, Level.WARNING, "everything"),
        ({"aof_enabled": 0, "save": "3600 1"}, Level.WARNING, "what is newer than its last snapshot"),
        ({"aof_enabled": 0, "save": None}, Level.WARNING, "if it makes any"),
        ({"aof_enabled": 1, "aof_last_write_status": "err"}, Level.MUST, "append-only"),
        ({"aof_enabled": 1, "rdb_last_bgsave_status": "err"}, Level.MUST, "snapshot failed"),
    ],
)
def test_persistence(info: dict[str, Any], level: Level | None, says: str) -> None:
    told = troubles(redis_info.persistence(info))
    assert [(one, says in words) for one, words in told] == ([] if level is None else [(level, True)])


@pytest.mark.parametrize(
    ("there", "wanted", "level"),
    [(0, None, Level.OK), (0, "0", Level.OK), (0, "1", Level.MUST), (1, "0", Level.NOTE), (2, "1", Level.OK)],
)
def test_replicas(there: int, wanted: str | None, level: Level) -> None:
    [finding] = redis_info.replicas({"connected_slaves": there, "min-replicas-to-write": wanted})
    assert finding.level is level


def test_connections() -> None:
    assert [one.level for one in redis_info.clients({"connected_clients": 5, "maxclients": 10})] == [Level.OK]
    assert [one.level for one in redis_info.clients({"connected_clients": 9, "maxclients": 10})] == [Level.WARNING]
    assert [one.level for one in redis_info.clients({"connected_clients": 9})] == [Level.OK]


def test_whose_it_is() -> None:
    assert redis_info.version({"redis_version": "7.2.4", "valkey_version": "9.1.2"}) == "Valkey 9.1.2"
    assert redis_info.version({"redis_version": "7.0.15"}) == "Redis 7.0.15"
