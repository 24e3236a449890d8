"""Redis refuses for a while, in every way it knows: nothing is lost, and soon after the cause's end all goes on.

One story over all refusals. While it lasts a front answers 503 and lives, a worker holds what it has, nobody asks
without a pause, and the log says why, a few times.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from app.dev.simulator import answer_for
from tests.harness.api import Api
from tests.harness.cluster import Cluster, Process
from tests.harness.reader import Sight, watch
from tests.long import some_of
from tests.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEASE_SECONDS = 2.0
# How long it lasts: longer than a lease. And what healing may take on a busy machine.
REFUSED_SECONDS = LEASE_SECONDS + 1
HEALED_SECONDS = 30.0
# Tries a second of both processes together, each a command that was refused or a new connection, for as long as it
# really lasted; and what they may log of it. A loop without a pause has some hundred on a slow machine.
TRIES_PER_SECOND = 60
LINES = 60


@dataclass(frozen=True)
class Cause:
    """What an operator does to a server, and takes back; `reads`: what is there can still be read."""

    name: str
    begin: tuple[tuple[str, ...], ...]
    end: tuple[tuple[str, ...], ...]
    reads: bool = True
    cancels: bool = False

    def __str__(self) -> str:
        return self.name


ALL = ("ACL", "SETUSER", "default", "reset", "on", "nopass", "~*", "&*", "+@all")
CAUSES = [
    Cause("full", (("CONFIG", "SET", "maxmemory", "1"),), (("CONFIG", "SET", "maxmemory", "0"),), cancels=True),
    Cause(
        "no replicas",
        (("CONFIG", "SET", "min-replicas-to-write", "1"),),
        (("CONFIG", "SET", "min-replicas-to-write", "0"),),
    ),
    Cause("read only", (("REPLICAOF", "127.0.0.1", "1"),), (("REPLICAOF", "NO", "ONE"),), reads=False),
    Cause("busy", (), (("SCRIPT", "KILL"),), reads=False),
    Cause("no disk", (("CONFIG", "SET", "save", "3600 1"), ("BGSAVE",)), (("CONFIG", "SET", "save", ""),)),
    Cause("no writing", (("ACL", "SETUSER", "default", "-@write"),), (ALL,)),
    Cause("no channels", (("ACL", "SETUSER", "default", "resetchannels"),), (ALL,)),
    Cause("no keys", (("ACL", "SETUSER", "default", "resetkeys"),), (ALL,), reads=False),
    Cause("no scripts", (("ACL", "SETUSER", "default", "-@scripting"),), (ALL,), reads=False),
    Cause(
        "a password",
        (("ACL", "SETUSER", "default", "resetpass", ">other"), ("CLIENT", "KILL", "TYPE", "normal"),
         ("CLIENT", "KILL", "TYPE", "pubsub")),
        (ALL,), reads=False,
    ),
]  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster(lease_seconds=LEASE_SECONDS, worker_streams=2, drain_seconds=1, as_default=True) as cluster:
        # The operator's own way in, which no refusal touches.
        await cluster.redis.execute_command("ACL", "SETUSER", "operator", "on", ">pw", "~*", "&*", "+@all")
        api = Api(cluster)
        yield api
        await api.close()


async def until(condition: object) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


def lines(processes: list[Process]) -> int:
    return sum(process.errors.read_text().count("\n") for process in processes)


@pytest.mark.parametrize("cause", some_of(CAUSES, 3), ids=str)
async def test_nothing_is_lost_and_all_goes_on_soon_after(api: Api, cause: Cause) -> None:
    cluster = api.cluster
    processes = [*cluster.fronts, *cluster.workers]
    said = lines(processes)
    texts = [f"{cause} running [[sim: tokens=200 rate=50 first=0 tag={cause.name.replace(' ', '-')}]]"]
    texts += [f"{cause} ending [[sim: tokens=150 rate=50 first=0 tag={cause.name.replace(' ', '-')}]]"]
    texts += [f"{cause} waiting {n} [[sim: tokens=3 tag={cause.name.replace(' ', '-')}]]" for n in range(3)]
    sights = [Sight(await api.submit(text)) for text in texts]
    readers = [asyncio.create_task(watch(sight, lambda: api.port)) for sight in sights]
    await until(lambda: all(sight.frames >= 5 for sight in sights[:2]))
    doomed = await api.submit("doomed")

    async with Redis.from_url(cluster.valkey.url.replace("//", "//operator:pw@")) as operator:
        busy: list[asyncio.Task[object]] = []
        before, began = await tries(operator), asyncio.get_running_loop().time()
        try:
            busy = await begin(cause, operator, cluster)
            refused = await api.call("POST", "/v1/streams", json={"prompt": "too much"})
            if cause.name != "no channels":
                assert refused.status_code == httpx.codes.SERVICE_UNAVAILABLE, refused.text
                assert refused.headers["retry-after"]
            shown = await api.call("GET", f"/v1/streams/{sights[0].stream_id}")
            if cause.reads:
                assert shown.status_code == httpx.codes.OK, shown.text
            if cause.cancels:
                assert (await api.cancel(doomed)).status_code == httpx.codes.ACCEPTED
                assert (await api.show(doomed))["outcome"] == "cancelled"
            await asyncio.sleep(REFUSED_SECONDS)
        finally:
            for command in cause.end:
                await operator.execute_command(*command)
            await asyncio.gather(*busy, return_exceptions=True)
        lasted = asyncio.get_running_loop().time() - began
        tried = await tries(operator) - before
    assert tried < TRIES_PER_SECOND * lasted

    async with asyncio.timeout(HEALED_SECONDS):
        fresh = await healed(api)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*readers)
    assert (await api.see(fresh)).end is not None
    for text, sight in zip(texts, sights, strict=True):
        assert sight.end is not None
        assert sight.end["outcome"] == "completed", (text, sight.end)
        assert sight.text() == answer_for([{"role": "user", "content": text}])
        assert sight.resets + sight.fronts_resets == 0
    if not cause.cancels:
        assert (await api.cancel(doomed)).status_code == httpx.codes.ACCEPTED
    assert all(process.running for process in processes)
    told = lines(processes) - said
    assert 0 < told < LINES


async def begin(cause: Cause, operator: Redis, cluster: Cluster) -> list[asyncio.Task[object]]:
    """Makes the server refuse; returns what runs until the cause is taken back."""
    if cause.name == "no disk":
        (cluster.directory / "valkey" / "dump.rdb").mkdir(exist_ok=True)
    for command in cause.begin:
        await operator.execute_command(*command)
    if cause.name == "no disk":
        async with asyncio.timeout(PATIENCE):
            while (await operator.info("persistence"))["rdb_last_bgsave_status"] != "err":
                await asyncio.sleep(0.05)
    if cause.name != "busy":
        return []
    await operator.config_set("busy-reply-threshold", "50")
    looping = asyncio.create_task(operator.execute_command("EVAL", "while true do end", 0))
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await operator.ping()
            except ResponseError:
                return [looping]
            await asyncio.sleep(0.05)


async def tries(operator: Redis) -> int:
    """How many commands the server has refused until now, those inside scripts included, and connections were made."""
    commands = (await operator.info("commandstats")).values()
    refused = sum(command["rejected_calls"] + command["failed_calls"] for command in commands)
    return int(refused + (await operator.info("stats"))["total_connections_received"])


async def healed(api: Api) -> str:
    """The first prompt that is accepted again, seen to its end."""
    while True:
        answer = await api.call("POST", "/v1/streams", json={"prompt": "[[sim: tokens=1 rate=0 first=0]]"})
        if answer.status_code == httpx.codes.ACCEPTED:
            return str(answer.json()["id"])
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
        await asyncio.sleep(0.1)
