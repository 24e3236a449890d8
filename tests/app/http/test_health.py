"""Whether a front may be sent readers is said in time, whatever else it does, and never of one that is half dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, BusyLoadingError, ReadOnlyError, RedisError, ResponseError
from starlette.applications import Starlette

from app.dev.embedded import EmbeddedValkey
from app.http import health
from app.http.health import Readiness
from app.stream.concurrency import tasks
from app.stream.concurrency.tasks import Rounds, Supervised
from app.stream.redis.connect import connect
from tests.app.served import served, until
from tests.app.stream.redis.cluster.scripted import scripted
from tests.harness.network.proxy import Proxy


@pytest.fixture
async def proxy(valkey: EmbeddedValkey) -> AsyncIterator[Proxy]:
    async with Proxy("127.0.0.1", valkey.port) as between:
        yield between


@pytest.fixture
async def probe(proxy: Proxy) -> AsyncIterator[Redis]:
    client: Redis = connect(f"redis://127.0.0.1:{proxy.port}", "probe", retries=1)
    yield client
    await client.aclose()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no Redis that says nothing."""
    monkeypatch.setattr(health, "READY_SECONDS", 20.0)


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_a_front_that_reaches_redis_is_ready_also_after_it_came_back(probe: Redis, proxy: Proxy) -> None:
    readiness = Readiness(probe, ())
    assert await readiness.missing() is None
    proxy.reset()
    assert await readiness.missing() is None
    there, proxy.target = proxy.target, ("127.0.0.1", 1)
    proxy.reset()
    assert "Redis" in str(await readiness.missing())
    proxy.target = there
    assert await readiness.missing() is None


async def test_a_redis_that_says_nothing_is_not_waited_for(
    probe: Redis, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    readiness = Readiness(probe, ())
    assert await readiness.missing() is None
    proxy.silence()
    monkeypatch.setattr(health, "READY_SECONDS", 0.05)  # by now: a busy machine may take longer to answer
    answers = await asyncio.gather(*(readiness.missing() for _ in range(20)))
    assert answers == ["Redis has not answered within 0.05 s"] * 20


async def test_all_who_ask_at_once_share_one_question(redis: Redis, probe: Redis) -> None:
    before = (await redis.info("commandstats")).get("cmdstat_ping", {}).get("calls", 0)
    readiness = Readiness(probe, ())
    assert await asyncio.gather(*(readiness.missing() for _ in range(50))) == [None] * 50
    assert (await redis.info("commandstats"))["cmdstat_ping"]["calls"] == before + 1


async def test_a_front_whose_task_has_fallen_is_not_ready(probe: Redis) -> None:
    async def falls() -> None:
        raise KeyError

    async with Supervised("hub-beat", for_ever) as beat, Supervised("sweep", falls) as sweep:
        await until(lambda: sweep.falls == 1)
        assert await Readiness(probe, (beat, sweep)).missing() == "sweep has fallen; the front's log says why"
        assert await Readiness(probe, (beat,)).missing() is None


async def test_a_front_whose_task_is_alive_and_does_its_work_no_more_is_not_ready(
    probe: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Rounds("hub-beat", 0.0, for_ever) as beat:
        assert await Readiness(probe, (beat,)).missing() is None
        monkeypatch.setattr(tasks, "LATE_SECONDS", 0.0)
        assert "hub-beat has fallen" in str(await Readiness(probe, (beat,)).missing())


@pytest.mark.parametrize(
    ("answer", "ready"),
    [
        (ResponseError("MISCONF Redis is configured to save RDB snapshots, but it is unable to persist"), True),
        (ReadOnlyError("READONLY You can't write against a read only replica."), True),
        (BusyLoadingError("Redis is loading the dataset in memory"), False),
        (AuthenticationError("WRONGPASS invalid username-password pair"), False),
        (ResponseError("NOPERM this user has no permissions to run the 'ping' command"), False),
    ],
)
async def test_a_redis_that_takes_no_writes_serves_readers(
    probe: Redis, monkeypatch: pytest.MonkeyPatch, answer: RedisError, *, ready: bool
) -> None:
    async def ping() -> None:
        raise answer

    monkeypatch.setattr(probe, "ping", ping)
    readiness = Readiness(probe, ())
    assert (await readiness.missing() is None) is ready
    assert readiness.notes == ([f"REDIS_URL takes no writes: {str(answer).split()[0]}"] if ready else [])
    monkeypatch.undo()
    assert await readiness.missing() is None
    assert readiness.notes == []


async def test_what_is_wrong_and_sends_no_reader_away_is_said_beside(redis: Redis) -> None:
    ready = Readiness(redis, (), wrong=(lambda: "the certificate has expired", lambda: None))
    app = Starlette(routes=health.routes(ready, lambda: False))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://front") as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ready", "notes": ["the certificate has expired"]},
    )


async def test_a_cluster_that_is_down_is_away_also_where_a_node_of_it_answers(probe: Redis) -> None:
    async with scripted() as (cluster, logs):
        readiness = Readiness(probe, (), logs=logs)
        assert await readiness.missing() is None
        for node in cluster.nodes:
            node.refusals.append("CLUSTERDOWN The cluster is down")
        assert await readiness.missing() == "Redis of STREAMS_REDIS_URL cannot be reached: CLUSTERDOWN"
        assert await readiness.missing() is None


async def test_one_that_is_not_ready_says_so_with_its_status(redis: Redis) -> None:
    async with served(redis) as front, httpx.AsyncClient(base_url=front.url) as client:
        assert (await client.get("/readyz")).status_code == httpx.codes.OK
        await front.beat.tasks[0].stop()
        answer = await client.get("/readyz")
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert "hub-beat has fallen" in answer.json()["error"]["message"]
        assert (await client.get("/healthz")).status_code == httpx.codes.OK


async def test_it_is_said_at_once_while_every_connection_of_the_pool_is_taken(
    redis: Redis, valkey: EmbeddedValkey
) -> None:
    taken = [await redis.connection_pool.get_connection() for _ in range(32)]
    client: Redis = connect(valkey.url, "probe", retries=1)
    try:
        assert await Readiness(client, ()).missing() is None
    finally:
        await client.aclose()
        for connection in taken:
            await redis.connection_pool.release(connection)
