"""The check at the start: what is unfit is told in Redis' words, what is away is waited for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, RedisError

from app.dev.embedded import EmbeddedValkey
from app.dev.ports import free_port
from app.stream import keys
from app.stream.errors import UnfitServerError
from app.stream.redis import fitness
from app.stream.redis.connect import connect
from app.stream.redis.fitness import CHANNELS, WORDS, Part, check_server, judge, names, needs, until_fit
from tests.harness.network import users
from tests.patience import PATIENCE

FIT = {"redis_version": "7.2.4", "maxmemory_policy": "noeviction", "maxmemory": 1, "cluster_enabled": 0}
# What a connection says of itself, and asks where the server has changed its place; the last has another way beside it.
BESIDE = {"multi", "exec", "discard", "select", "role", "client|setname", "client|list"}
OURS = ("~ks:*", "~arq:*", "&ks:*", "+@all")


@pytest.mark.lacks("info")
async def test_a_server_that_keeps_what_it_acknowledged_is_taken(redis: Redis) -> None:
    await check_server(redis)
    judge(FIT)
    judge({"redis_version": "7.2.4"})


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_server_that_evicts_is_refused_with_what_to_do(policy: str) -> None:
    with pytest.raises(UnfitServerError, match=f"{policy}.*noeviction"):
        judge(FIT | {"maxmemory_policy": policy})


@pytest.mark.parametrize("version", ["6.2.14", "5.0.0", "0"])
def test_a_server_that_is_too_old_is_refused_with_what_is_needed(version: str) -> None:
    with pytest.raises(UnfitServerError, match=r"too old.*7\.0"):
        judge(FIT | {"redis_version": version})


def test_a_node_of_a_cluster_is_refused() -> None:
    with pytest.raises(UnfitServerError, match="cluster"):
        judge(FIT | {"cluster_enabled": 1})


def test_a_server_that_still_loads_is_waited_for() -> None:
    with pytest.raises(BusyLoadingError):
        judge(FIT | {"loading": 1})


def test_without_maxmemory_there_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    judge(FIT | {"maxmemory": 0})
    assert "maxmemory" in caplog.text


def test_every_command_of_a_script_can_be_tried() -> None:
    tried = {need[0] for need in needs()}
    assert fitness._commands() - {"TIME"} <= tried
    assert {"SUBSCRIBE", "PUBLISH", "PUBSUB", "SCRIPT", "EVALSHA", "ZRANK"} <= tried


def test_a_deployment_s_user_may_do_what_is_needed_and_nothing_else() -> None:
    """That nothing is missing is seen by the stories, whose processes are this user."""
    locked, user = users.USERS.read_text().splitlines()
    assert locked == "user default off resetpass resetkeys resetchannels -@all"
    start, *commands = user.split(" +")
    assert start == f"user {users.NAME} on ~ks:{{* ~arq:job:{{queue}}:* ~arq:retry:{{queue}}:* &ks:{{* -@all"
    all_needs = [*needs(), *needs(Part.LOGS, cluster=True)]
    needed = {"|".join(need[: 1 + (need[0] in ("SCRIPT", "PUBSUB", "CLUSTER"))]).lower() for need in all_needs} | BESIDE
    assert commands == sorted(needed), f"it would be: {start} {' '.join(f'+{name}' for name in sorted(needed))}"


def test_every_key_and_channel_is_tried() -> None:
    tried = {need[-1] for need in needs() if need[0] == "EVAL"}
    assert {keys.JOBS, keys.OUTBOX, keys.log("probe"), keys.arq_job("probe"), keys.arq_retry("probe")} <= tried
    assert keys.channel("probe") not in tried
    assert names(lambda member: member in CHANNELS) == {
        keys.WAKE, keys.accord("probe"), keys.alive("probe"), keys.channel("probe"), keys.control("probe"),
        keys.followers("probe"), keys.hearing("probe"),
    }  # fmt: skip


def test_of_two_servers_each_is_asked_for_its_own_names() -> None:
    named = {part: {need[-1] for need in needs(part) if need[0] in ("EVAL", "SUBSCRIBE")} for part in Part}
    assert named[Part.QUEUE] | named[Part.LOGS] == named[Part.ALL]
    assert not named[Part.QUEUE] & named[Part.LOGS]
    assert {keys.JOBS, keys.WAKE} <= named[Part.QUEUE]
    assert {keys.log("probe"), keys.conversations("probe"), keys.channel("probe")} <= named[Part.LOGS]


@pytest.mark.lacks("info")
async def test_trying_changes_nothing_and_takes_the_right_number_of_words(redis: Redis) -> None:
    await check_server(redis)
    assert await redis.dbsize() == 0
    connection = redis.connection_pool.make_connection()
    for need in needs():
        await connection.send_packed_command(connection.pack_commands([("MULTI",), need, ("DISCARD",)]))
        assert [await connection.read_response() for _ in range(3)] == [b"OK", b"QUEUED", b"OK"], need
    await connection.disconnect()


User = Callable[..., Awaitable[Redis]]


@pytest.fixture
async def as_user(valkey: EmbeddedValkey, redis: Redis) -> AsyncIterator[User]:
    """A client of a user with these rules and no others."""
    async with AsyncExitStack() as stack:

        async def made(*rules: str) -> Redis:
            await redis.execute_command("ACL", "SETUSER", "ours", "reset", "on", ">pw", *rules)
            client: Redis = connect(valkey.url.replace("//", "//ours:pw@"), "tests")
            stack.push_async_callback(client.aclose)
            return client

        yield made


async def test_a_user_with_just_our_keys_and_channels_is_enough(as_user: User) -> None:
    ours = await as_user(*OURS)
    await check_server(ours)


@pytest.mark.parametrize("command", sorted({need[0].lower() for need in needs()} - {"ping", "unsubscribe"}))
async def test_a_user_who_may_not_use_a_command_is_refused(as_user: User, command: str) -> None:
    ours = await as_user(*OURS, f"-{command}")
    with pytest.raises(UnfitServerError, match=rf"NOPERM.*'{command}"):
        await check_server(ours)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        (("~ks:*", "~arq:*", "+@all"), "channel"),
        (("~ks:*", "~arq:*", "&ks:{queue}*", "+@all"), "channel"),
        (("~ks:*", "&ks:*", "+@all"), "keys like arq:"),
        (("~ks:{queue}*", "~arq:*", "&ks:*", "+@all"), "key"),
        (("%R~ks:*", "~arq:*", "&ks:*", "+@all"), "key"),
        ((), "NOPERM"),
        (("off",), "credentials.*WRONGPASS"),
    ],
)
async def test_a_user_who_lacks_keys_or_channels_is_refused_in_redis_words(
    as_user: User, rules: tuple[str, ...], says: str
) -> None:
    ours = await as_user(*rules)
    with pytest.raises(UnfitServerError, match=says) as refused:
        await check_server(ours)
    assert re.search("NOPERM|WRONGPASS", str(refused.value))


async def test_a_database_that_is_not_there_is_refused(valkey: EmbeddedValkey) -> None:
    redis: Redis = connect(valkey.url.replace("/0", "/99"), "tests")
    with pytest.raises(UnfitServerError, match="DB index is out of range"):
        await until_fit(redis)
    await redis.aclose()


async def test_a_server_that_is_away_is_waited_for_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    redis: Redis = connect(f"redis://127.0.0.1:{port}", "tests", retries=0)
    waiting = asyncio.create_task(until_fit(redis))
    while "redis.away" not in caplog.text:
        await asyncio.sleep(0.01)
    with await asyncio.to_thread(EmbeddedValkey.start, tmp_path, port):
        async with asyncio.timeout(PATIENCE):
            await waiting
        await redis.aclose()
    assert sum("redis.awa" in line for line in caplog.messages) <= 2


async def test_a_replica_gets_a_moment_to_become_the_primary_and_is_refused_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitness, "REPLICA_SECONDS", 0.5)
    with EmbeddedValkey.start(tmp_path, extra_config=(("replicaof", "127.0.0.1 1"),)) as replica:
        async with connect(replica.url, "tests", retries=0) as redis, Redis.from_url(replica.url) as plain:
            with pytest.raises(RedisError):
                await redis.ping()
            with pytest.raises(UnfitServerError, match=r"cannot be written to: READONLY"):
                await until_fit(redis)
            waiting = asyncio.create_task(until_fit(redis))
            await plain.execute_command("REPLICAOF", "NO", "ONE")
            async with asyncio.timeout(PATIENCE):
                await waiting


def test_the_words_of_a_command_are_those_that_follow_its_key() -> None:
    assert all(words >= 0 for words in WORDS.values())
