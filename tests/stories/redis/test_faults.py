"""Redis restarts, stalls, forgets, fills up and fails over: readers get the right bytes, or are told (G2)."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.dev.simulator import answer_for
from app.stream import frames, keys
from app.stream.log import Claim, Log
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, watch
from tests.harness.running import keepstream
from tests.long import long, some_of
from tests.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEASE_SECONDS = 4.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster(lease_seconds=LEASE_SECONDS, drain_seconds=1) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


class Reading:
    """A reader of a new stream, on its way."""

    def __init__(self, api: Api, text: str) -> None:
        self.api = api
        self.text = text

    async def begin(self, least: int = 20) -> Sight:
        self.sight = Sight(await self.api.submit(self.text))
        self.task = asyncio.create_task(watch(self.sight, lambda: self.api.port))
        await until(lambda: self.sight.frames >= least)
        return self.sight

    async def finish(self) -> Sight:
        async with asyncio.timeout(PATIENCE):
            await self.task
        return self.sight

    async def finish_whole(self, resets: int = 0) -> None:
        """To the end, with the right text, and without having been told to forget anything more often than that."""
        sight = await self.finish()
        assert sight.end is not None
        assert sight.end["outcome"] == "completed"
        assert sight.text() == answer_for([{"role": "user", "content": self.text}])
        assert sight.resets + sight.fronts_resets == resets
        assert bytes(sight.seen) == (await self.api.log(sight.stream_id))[-len(sight.seen) :]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_restart_with_the_append_only_file_is_invisible(api: Api) -> None:
    reading = Reading(api, "[[sim: tokens=200 rate=100 first=0]]")
    await reading.begin()
    await asyncio.to_thread(api.cluster.valkey.kill)
    await asyncio.to_thread(api.cluster.valkey.restart)
    await reading.finish_whole()


@pytest.mark.parametrize("seconds", some_of([1.0, 3.0], 1))
async def test_a_stall_shorter_than_the_lease_is_invisible(api: Api, seconds: float) -> None:
    reading = Reading(api, "[[sim: tokens=200 rate=100 first=0]]")
    await reading.begin()
    os.kill(api.cluster.valkey.pid, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    os.kill(api.cluster.valkey.pid, signal.SIGCONT)
    await reading.finish_whole()


@long
async def test_a_longer_one_loses_no_stream(api: Api) -> None:
    reading = Reading(api, "[[sim: tokens=300 rate=100 first=0]]")
    await reading.begin()
    os.kill(api.cluster.valkey.pid, signal.SIGSTOP)
    await asyncio.sleep(LEASE_SECONDS + 2)
    os.kill(api.cluster.valkey.pid, signal.SIGCONT)
    sight = await reading.finish()
    assert sight.text() == answer_for([{"role": "user", "content": reading.text}])


@long
async def test_a_stall_of_many_leases_ends_nothing_twice_and_hangs_nobody() -> None:
    """As half a minute is to the usual lease of ten seconds, and more."""
    async with Cluster(workers=3, fronts=2, lease_seconds=1, worker_streams=3, drain_seconds=1) as cluster:
        api = Api(cluster)
        texts = [f"{n} [[sim: tokens={100 + 25 * n} rate=50 first=0]]" for n in range(9)]
        texts += [f"queued {n} [[sim: tokens=20 rate=100]]" for n in range(4)]
        sights = [Sight(await api.submit(text)) for text in texts]
        readers = [asyncio.create_task(watch(sight, cluster.any_front)) for sight in sights]
        await until(lambda: all(sight.frames >= 20 for sight in sights[:9]))
        os.kill(cluster.valkey.pid, signal.SIGSTOP)
        await asyncio.sleep(5)
        os.kill(cluster.valkey.pid, signal.SIGCONT)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*readers)
        for text, sight in zip(texts, sights, strict=True):
            assert sight.end is not None
            assert sight.end["outcome"] == "completed"
            assert sight.text() == answer_for([{"role": "user", "content": text}])
            assert (await api.log(sight.stream_id)).count(b"event: relay.end\n") == 1
        await api.close()
        async with asyncio.timeout(PATIENCE):
            while await cluster.redis.exists(keys.JOBS, keys.LEASES, keys.CLAIMS):  # the last `done` is on its way
                await asyncio.sleep(0.01)


async def test_connections_killed_in_a_loop_are_invisible(api: Api) -> None:
    reading = Reading(api, "[[sim: tokens=300 rate=100 first=0]]")
    await reading.begin()
    for _ in range(20):
        for kind in ("pubsub", "normal"):
            await api.cluster.redis.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        await asyncio.sleep(0.05)
    await reading.finish_whole()


@long
async def test_a_pub_sub_buffer_that_overflows_is_invisible(api: Api) -> None:
    await api.cluster.redis.config_set("client-output-buffer-limit", "pubsub 20000 0 0")
    reading = Reading(api, "[[sim: big-delta=500000 tokens=100 rate=100 first=0]]")
    await reading.begin(least=1)
    await reading.finish_whole()
    await api.cluster.redis.config_set("client-output-buffer-limit", "pubsub 33554432 8388608 60")


@pytest.mark.parametrize("name", some_of(["front-0", "worker-0"], 1))
async def test_connections_that_fall_silent_are_noticed(api: Api, name: str) -> None:
    reading = Reading(api, "[[sim: tokens=300 rate=100 first=0]]")
    await reading.begin()
    api.cluster.redis_proxies[name].silence()
    await reading.finish_whole()


async def test_a_tail_that_redis_lost_is_written_again_and_nobody_notices(api: Api) -> None:
    reading = Reading(api, "[[sim: tokens=200 rate=100 first=0]]")
    sight = await reading.begin(least=50)
    log = await api.log(sight.stream_id)
    await api.cluster.redis.set(keys.log(sight.stream_id), first_frames(log, 20), keepttl=True)
    await reading.finish_whole()


@long
async def test_a_log_that_is_gone_is_written_again_too(api: Api) -> None:
    reading = Reading(api, "[[sim: tokens=200 rate=100 first=0]]")
    sight = await reading.begin(least=50)
    await api.cluster.redis.delete(keys.log(sight.stream_id))
    await reading.finish_whole()


async def test_another_history_past_the_old_offset_is_a_reset_and_never_a_splice(api: Api) -> None:
    reading = Reading(api, "[[sim: tokens=2000 rate=50 first=0]]")
    sight = await reading.begin(least=40)
    # A failover: the replica that took over lacks the last writes, and its worker goes on from there.
    for worker in api.cluster.workers:
        worker.send(signal.SIGSTOP)
    old = await api.log(sight.stream_id)
    kept = first_frames(old, 20)
    await api.cluster.redis.set(keys.log(sight.stream_id), kept, keepttl=True)
    log = Log(api.cluster.redis)
    claim = Claim(sight.stream_id, 10**6, "another/1")
    position = (await log.begin(claim)).position
    assert position is not None
    for n in range(60):
        data = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"other {n}"}}
        frame, after = frames.encode_json("content_block_delta", data, position)
        assert (await log.append(claim, position.offset, frame)).status == "ok"
        position = after
    assert position.offset > len(old)
    frame, _ = frames.encode_json("relay.end", {"outcome": "completed", "attempts": 1}, position)
    await log.append(claim, position.offset, frame, {"outcome": "completed"}, 60_000)
    await reading.finish()
    for worker in api.cluster.workers:
        worker.send(signal.SIGCONT)
    assert sight.fronts_resets == 1
    assert bytes(sight.seen) == await api.log(sight.stream_id)


async def test_a_full_redis_is_503_and_streams_go_on_when_there_is_room(api: Api) -> None:
    reading = Reading(api, "[[sim: tokens=200 rate=100 first=0]]")
    await reading.begin()
    await api.cluster.redis.config_set("maxmemory", "1")
    answer = await api.call("POST", "/v1/streams", json={"prompt": "[[sim: tokens=1]]"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "api_error")
    assert answer.headers["retry-after"]
    await asyncio.sleep(LEASE_SECONDS + 1)  # a lease that is renewed takes no room: nobody loses one
    await api.cluster.redis.config_set("maxmemory", "0")
    await reading.finish_whole()


async def test_while_redis_is_away_readers_are_told_to_come_back_and_posts_are_503(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=1 rate=0 first=0]]")
    await api.see(stream_id)
    await asyncio.to_thread(api.cluster.valkey.kill)
    events = await api.events(stream_id)
    assert events.status_code == httpx.codes.OK
    assert events.content.startswith(b"retry: ")
    assert b"event:" not in events.content
    assert (await api.call("POST", "/v1/streams", json={"prompt": "x"})).status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert (await api.call("GET", "/readyz")).status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert (await api.call("GET", "/healthz")).status_code == httpx.codes.OK
    await asyncio.to_thread(api.cluster.valkey.restart)
    assert (await api.events(stream_id)).status_code == httpx.codes.OK


async def test_a_restart_that_lost_everything_is_told_and_new_streams_work(api: Api) -> None:
    reading = Reading(api, "[[sim: tokens=2000 rate=50 first=0]]")
    sight = await reading.begin()
    await asyncio.to_thread(api.cluster.valkey.kill)
    shutil.rmtree(api.cluster.directory / "valkey" / "appendonlydir")
    await asyncio.to_thread(api.cluster.valkey.restart)
    await reading.finish()
    assert sight.lost
    assert (await api.events(sight.stream_id)).status_code == httpx.codes.NOT_FOUND
    again = Reading(api, "[[sim: tokens=5 rate=0 first=0]]")
    await again.begin(least=1)
    await again.finish_whole()


@pytest.mark.parametrize("command", some_of(["front", "worker"], 1))
@pytest.mark.parametrize(
    ("config", "url", "says"),
    some_of(
        [
            ((("maxmemory-policy", "allkeys-lru"),), "redis://127.0.0.1:{port}", "noeviction"),
            ((("requirepass", "right"),), "redis://:wrong@127.0.0.1:{port}", "credentials"),
            ((("requirepass", "right"),), "redis://127.0.0.1:{port}", "credentials"),
        ]
    ),
)
async def test_a_redis_that_is_not_fit_is_refused_at_the_start(
    tmp_path: Path, command: str, config: tuple[tuple[str, str], ...], url: str, says: str
) -> None:
    with EmbeddedValkey.start(tmp_path, extra_config=config[:1] if "policy" in config[0][0] else ()) as valkey:
        if "requirepass" in config[0][0]:
            redis = Redis.from_url(valkey.url)
            await redis.config_set(*config[0])
            await redis.aclose()
        settings = {"REDIS_URL": url.format(port=valkey.port), "ANTHROPIC_API_KEY": "x", "KEEPSTREAM_PORT": "0"}
        with await asyncio.to_thread(keepstream, command, **settings) as process:
            assert await asyncio.to_thread(process.wait) == 2
            assert says in process.output
            assert "Traceback" not in process.output
            assert "wrong" not in process.output
        valkey.kill()


def first_frames(log: bytes, count: int) -> bytes:
    return b"".join(frame.raw for frame, _ in zip(frames.split(log), range(count), strict=False))
