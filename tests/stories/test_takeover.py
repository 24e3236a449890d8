"""Workers die, stall and come back: every stream has exactly one ending, and nobody sees two answers mixed (G3, G4)."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.dev.simulator import answer_for
from app.stream import frames, keys
from tests.harness.api import Api, names_of
from tests.harness.cluster import Cluster, Process
from tests.harness.reader import Sight, watch
from tests.long import long, some_of
from tests.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEASE_SECONDS = 2.0
MAX_ATTEMPTS = 3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster(workers=2, lease_seconds=LEASE_SECONDS, max_attempts=MAX_ATTEMPTS, drain_seconds=2) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


async def holder(api: Api, stream_id: str) -> tuple[int, Process]:
    """The worker that holds a stream, and its number."""
    name = (await api.cluster.redis.hget(keys.meta(stream_id), "holder") or b"").decode()
    return next((n, w) for n, w in enumerate(api.cluster.workers) if f":{w.pid}:" in name)


async def reading(api: Api, text: str, *, least: int = 20, **relay: object) -> tuple[Sight, asyncio.Task[None]]:
    """A reader of a new stream that has seen some frames and goes on reading."""
    sight = Sight(await api.submit(text, **relay))
    task = asyncio.create_task(watch(sight, lambda: api.port))
    while sight.frames < least and not task.done():
        await asyncio.sleep(0.005)
    return sight, task


async def test_another_worker_takes_over_from_a_killed_one(api: Api) -> None:
    text = "[[sim: tokens=150 rate=100 first=0 stall-after=60 times=1]]"
    sight, task = await reading(api, text)
    number, victim = await holder(api, sight.stream_id)
    await victim.end()
    async with asyncio.timeout(PATIENCE):
        await task
    assert sight.resets == 1
    assert sight.text() == answer_for([{"role": "user", "content": text}])
    assert sight.end is not None
    assert (sight.end["outcome"], sight.end["attempts"]) == ("completed", 2)
    api.cluster.workers[number] = await api.cluster.worker(number)


@long
async def test_who_is_shown_whole_answers_sees_nothing_of_what_a_dead_worker_began(api: Api) -> None:
    text = "[[sim: tokens=150 rate=100 first=0 stall-after=60 times=1]]"
    sight = Sight(await api.submit(text, delivery="final"))
    task = asyncio.create_task(watch(sight, lambda: api.port))
    redis = api.cluster.redis
    while await redis.strlen(keys.log(sight.stream_id)) < 20 * 150:
        await asyncio.sleep(0.005)
    number, victim = await holder(api, sight.stream_id)
    await victim.end()
    async with asyncio.timeout(PATIENCE):
        while not (await redis.get(keys.log(sight.stream_id)) or b"").count(b"event: relay.reset\n"):
            assert sight.frames == 0
            await asyncio.sleep(0.005)
        # Its front dies as well, and the reader is with another one when it is whole.
        await api.cluster.fronts[0].end()
        api.cluster.fronts[0] = await api.cluster.front(0)
        await task
    assert (sight.resets, sight.fronts_resets, sight.text()) == (0, 0, answer_for([{"role": "user", "content": text}]))
    assert sight.reconnects >= 1
    assert sight.end is not None
    assert (sight.end["outcome"], sight.end["attempts"]) == ("completed", 2)
    api.cluster.workers[number] = await api.cluster.worker(number)


@long
async def test_operators_see_a_worker_die_and_where_its_streams_go(api: Api) -> None:
    """`tests/chaos` holds the board against what is known, and against the time it may take."""
    text = "[[sim: tokens=5000 rate=60 first=0]]"
    reading_them = [await reading(api, text) for _ in range(3)]
    number, victim = await holder(api, reading_them[0][0].stream_id)
    pids = {worker.pid for worker in api.cluster.workers}
    killed = False
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        url = f"http://127.0.0.1:{api.cluster.any_front_itself()}"
        async with http.stream("GET", f"{url}/ops/events") as board:
            async for shown in snapshots(board):
                workers = {int(one["name"].split(":")[1]): one for one in shown["workers"]}
                streams = shown["streams"]
                assert 0 <= streams["running"] <= 3
                if not killed:
                    if streams["running"] == 3 and {one["state"] for one in workers.values()} == {"live"}:
                        assert workers.keys() == pids
                        await victim.end()
                        killed = True
                elif workers[victim.pid]["state"] == "gone":
                    assert workers[victim.pid]["streams"] == 0
                    assert streams["capacity"] == workers[(pids - {victim.pid}).pop()]["capacity"]
                    if streams["running"] == 3 and shown["takeovers"]:
                        break  # all are at home again
        for sight, task in reading_them:
            stopped = await http.post(f"{url}/ops/streams/{sight.stream_id}/cancel", headers={"origin": url})
            assert stopped.status_code == 202
            await task
            assert sight.end is not None
            assert sight.end["outcome"] == "cancelled"
    assert shown["events"][0]["kind"] in ("taken_over", "worker_gone")
    api.cluster.workers[number] = await api.cluster.worker(number)


async def snapshots(board: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in board.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line[6:])


@long
async def test_a_reader_without_an_id_begins_at_the_newest_attempt(api: Api) -> None:
    sight, task = await reading(api, "[[sim: tokens=100 rate=100 first=0 stall-after=60 times=1]]")
    number, victim = await holder(api, sight.stream_id)
    await victim.end()
    await task
    log = await api.log(sight.stream_id)
    assert names_of(log).count("message_start") == 2
    late = await api.see(sight.stream_id)
    assert late.resets == 0
    assert names_of(bytes(late.seen)).count("message_start") == 1
    assert log.endswith(bytes(late.seen))
    first = next(frames.split(log)).id
    again = Sight(sight.stream_id, position=frames.parse_id(first))
    await watch(again, lambda: api.port)
    assert again.resets == 1
    api.cluster.workers[number] = await api.cluster.worker(number)


async def test_on_interrupt_fail_keeps_the_partial_text(api: Api) -> None:
    sight, task = await reading(api, "[[sim: tokens=400 rate=100 first=0 stall-after=60]]", on_interrupt="fail")
    number, victim = await holder(api, sight.stream_id)
    await victim.end()
    await task
    assert sight.resets == 0
    assert sight.text()
    assert sight.end is not None
    assert (sight.end["outcome"], sight.end["attempts"]) == ("failed", 1)
    api.cluster.workers[number] = await api.cluster.worker(number)


async def test_a_worker_that_comes_back_from_a_long_pause_disturbs_nobody(api: Api) -> None:
    text = "[[sim: tokens=300 rate=60 first=0]]"
    sight, task = await reading(api, text)
    _, zombie = await holder(api, sight.stream_id)
    zombie.send(signal.SIGSTOP)
    seen = sight.resets
    while sight.resets == seen:
        await asyncio.sleep(0.01)
    zombie.send(signal.SIGCONT)
    await task
    assert (sight.resets, sight.text()) == (1, answer_for([{"role": "user", "content": text}]))
    log = await api.log(sight.stream_id)
    assert names_of(log).count("relay.end") == 1
    assert bytes(sight.seen) == log[-len(sight.seen) :]


@long
async def test_not_even_when_the_new_owner_is_killed_then(api: Api) -> None:
    text = "[[sim: tokens=200 rate=80 first=0]]"
    sight, task = await reading(api, text)
    _, zombie = await holder(api, sight.stream_id)
    zombie.send(signal.SIGSTOP)
    while sight.resets == 0:
        await asyncio.sleep(0.01)
    while sight.frames < 40:
        await asyncio.sleep(0.01)
    number, owner = await holder(api, sight.stream_id)
    assert owner is not zombie
    zombie.send(signal.SIGCONT)
    await owner.end()
    await task
    assert sight.text() == answer_for([{"role": "user", "content": text}])
    assert sight.end is not None
    assert (sight.end["outcome"], sight.end["attempts"]) == ("completed", 3)
    api.cluster.workers[number] = await api.cluster.worker(number)


@long
async def test_a_stream_that_kills_its_worker_every_time_fails_after_max_attempts(api: Api) -> None:
    sight, task = await reading(api, "[[sim: tokens=5000 rate=50 first=0 tag=killer]]", least=5)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        while names_of(bytes(sight.seen)).count("content_block_delta") < 2 or sight.resets < attempt - 1:
            await asyncio.sleep(0.01)
        number, victim = await holder(api, sight.stream_id)
        await victim.end()
        api.cluster.workers[number] = await api.cluster.worker(number)
    await task
    assert sight.end is not None
    assert (sight.end["outcome"], sight.end["attempts"]) == ("failed", MAX_ATTEMPTS)
    calls = (await api.http.get(f"{api.cluster.claude_url}/_sim/calls")).json()
    assert calls["tags"]["killer"]["calls"] == MAX_ATTEMPTS


async def test_a_drained_worker_finishes_what_it_can_and_hands_the_rest_over_for_free(api: Api) -> None:
    short, short_task = await reading(api, "[[sim: tokens=60 rate=100 first=0]]", least=2)
    text = "[[sim: tokens=600 rate=100 first=0]]"
    long, long_task = await reading(api, text, least=2)
    for worker in api.cluster.workers:
        worker.send(signal.SIGTERM)
    assert [await worker.wait() for worker in api.cluster.workers] == [0, 0]
    api.cluster.workers = list(await asyncio.gather(*(api.cluster.worker(number) for number in range(2))))
    await asyncio.gather(short_task, long_task)
    assert (short.resets, short.end and short.end["outcome"]) == (0, "completed")
    assert long.resets >= 1
    assert long.text() == answer_for([{"role": "user", "content": text}])


@pytest.mark.parametrize("broken", some_of([b"not a job", b"", b'{"t":1,"f":"unknown","a":[],"k":{},"et":0}'], 1))
async def test_a_job_that_arq_cannot_run_still_ends_its_stream(api: Api, broken: bytes) -> None:
    for worker in api.cluster.workers:
        worker.send(signal.SIGSTOP)
    stream_id = await api.submit("[[sim: tokens=1]]")
    job = keys.arq_job(stream_id)
    await (api.cluster.redis.set(job, broken, keepttl=True) if broken else api.cluster.redis.delete(job))
    for worker in api.cluster.workers:
        worker.send(signal.SIGCONT)
    sight = await api.see(stream_id)
    assert sight.end is not None
    assert sight.end["outcome"] == "failed"


async def test_nothing_is_left_behind(api: Api) -> None:
    redis = api.cluster.redis
    for key in (keys.JOBS, keys.LEASES, keys.CLAIMS):
        assert not await redis.exists(key), key
    assert await redis.pubsub_channels("ks:{st_*") == []
