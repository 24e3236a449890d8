"""The worker as a process: how it starts, refuses to start, drains and dies."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.dev.ports import free_port
from app.stream import keys
from tests.harness.running import Running, catches, keepstream
from tests.long import some_of
from tests.worker.workshop import Stream, Workshop

KEY = "sk-a-key-that-nobody-may-see"


def has_text(stream: Stream) -> bool:
    return stream.names.count("content_block_delta") >= 3


async def ended(process: Running) -> int:
    """Its exit status. The simulated Claude lives in this process and must not be held up."""
    return await asyncio.to_thread(process.wait)


def worker(shop: Workshop, *, warm: bool = True, **settings: str) -> Running:
    fixed = {"REDIS_URL": shop.settings.redis_url, "ANTHROPIC_BASE_URL": shop.claude, "ANTHROPIC_API_KEY": KEY}
    return keepstream("worker", warm=warm, **{**fixed, **settings})


@pytest.fixture
async def ready(shop: Workshop) -> AsyncIterator[Running]:
    talkative = {"KEEPSTREAM_LOG_LEVEL": "debug", "ANTHROPIC_LOG": "debug"}  # the SDK reads it as it is imported
    with worker(shop, warm=False, KEEPSTREAM_DRAIN_SECONDS="30", **talkative) as process:
        process.line("^ready$")
        yield process


# --- starting


@pytest.mark.parametrize(
    ("settings", "says"),
    some_of(
        [
            ({"KEEPSTREAM_MAX_ATTEMPTS": "0"}, "KEEPSTREAM_MAX_ATTEMPTS"),
            ({"KEEPSTREAM_LEASE_SECONDS": "-1"}, "KEEPSTREAM_LEASE_SECONDS"),
            ({"ANTHROPIC_API_KEY": "", "ANTHROPIC_API_KEY_FILE": "/does/not/exist"}, "ANTHROPIC_API_KEY_FILE"),
            ({"ANTHROPIC_API_KEY": "", "ANTHROPIC_BASE_URL": ""}, "ANTHROPIC_API_KEY must be set"),
            ({"KEEPSTREAM_PRICES_FILE": "/does/not/exist"}, "KEEPSTREAM_PRICES_FILE: cannot read"),
            ({"KEEPSTREAM_TOOLS": "not_there"}, "KEEPSTREAM_TOOLS: the module 'not_there' cannot be imported"),
            ({"KEEPSTREAM_MCP": "/does/not/exist"}, "KEEPSTREAM_MCP: cannot read"),
            ({"REDIS_URL": "http://x"}, "REDIS_URL"),
            ({"REDIS_URL": "redis+sentinel://"}, "REDIS_URL"),
        ],
        2,
    ),
)
def test_wrong_settings_are_told_in_a_line(settings: dict[str, str], says: str) -> None:
    with keepstream("worker", **{"ANTHROPIC_API_KEY": KEY, **settings}) as process:
        assert process.wait() == 2
    assert len(process.lines) == 1
    assert says in process.lines[0]
    assert process.lines[0].startswith("keepstream worker: ")


@pytest.mark.parametrize(
    ("config", "says"),
    some_of([([("maxmemory-policy", "allkeys-lru")], "noeviction"), ([("requirepass", "secret")], "credentials")], 1),
)
def test_a_server_that_is_not_fit_is_told_in_a_line(
    tmp_path: Path, config: list[tuple[str, str]], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.dev.embedded.answers", lambda *_: True)  # it does not answer without its password
    with (
        EmbeddedValkey.start(tmp_path, extra_config=config) as server,
        keepstream("worker", REDIS_URL=server.url, ANTHROPIC_API_KEY=KEY) as process,
    ):
        assert process.wait() == 2
    assert "Traceback" not in process.output
    assert says in process.lines[-1]


def test_a_redis_that_is_not_there_yet_is_waited_for_and_said_once(tmp_path: Path) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with keepstream("worker", REDIS_URL=url, ANTHROPIC_API_KEY=KEY) as process:
        process.line("redis.away")
        with EmbeddedValkey.start(tmp_path, port=port):
            process.line("^ready$")
            process.send(signal.SIGTERM)
            assert process.wait() == 0
    assert len([line for line in process.lines if "redis.away" in line]) == 1


def test_its_lines_are_a_fronts_and_a_misspelt_setting_is_named() -> None:
    settings = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0", "KEEPSTREAM_WORKER_STREAM": "5"}
    settings |= {"KEEPSTREAM_WORKER_PORT": "tcp://10.0.0.1:80"}  # what Kubernetes tells of a service
    with keepstream("worker", ANTHROPIC_API_KEY=KEY, **settings) as process:
        process.line("redis.away")
    lines = [orjson.loads(line) for line in process.lines]
    assert [line["event"] for line in lines] == ["setting.ignored", "redis.away"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"]) for line in lines)
    assert {(line["level"], line["process"].split(":")[1]) for line in lines} == {("warning", str(process.pid))}
    assert lines[0]["name"] == "KEEPSTREAM_WORKER_STREAM"
    assert "KEEPSTREAM_WORKER_PORT" not in process.output


def test_a_signal_while_it_waits_for_redis_ends_it() -> None:
    with keepstream("worker", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0", ANTHROPIC_API_KEY=KEY) as process:
        process.line("redis.away")
        process.send(signal.SIGINT)
        assert process.wait() == 0
    assert "Traceback" not in process.output


@pytest.mark.parametrize(
    ("share", "number"),
    some_of([(0.3, signal.SIGINT), (0.6, signal.SIGTERM), (0.8, signal.SIGINT), (0.95, signal.SIGTERM)], 2),
)
async def test_a_signal_at_any_moment_of_its_start_ends_it_cleanly(
    shop: Workshop, number: signal.Signals, share: float
) -> None:
    seconds = start_seconds(shop)
    with worker(shop, warm=False) as process:
        await asyncio.sleep(share * seconds)  # the moment is what is tested
        heard = catches(process.pid, signal.SIGTERM)
        process.send(number)
        status = process.wait()
    if heard or status == 0:  # before the command line itself runs, only Python's own ways are there
        assert (status, "Traceback" in process.output) == (0, False), process.output
    else:
        assert status == -number, process.output


_measured: list[float] = []


def start_seconds(shop: Workshop) -> float:
    """How long a start takes here."""
    if not _measured:
        began = time.monotonic()
        with worker(shop, warm=False) as process:
            process.line("^ready$")
            _measured.append(time.monotonic() - began)
    return _measured[0]


# --- working


async def test_neither_prompts_nor_keys_are_logged(shop: Workshop, ready: Running) -> None:
    ids = [
        await shop.submit(f"a prompt that nobody may see [[sim: {asked}]]")
        for asked in ("tokens=5", "status=400", "bad-json-after=1 times=1", "cut-after=2 times=1")
    ]
    for stream_id in ids:
        await shop.ended(stream_id)
    ready.send(signal.SIGTERM)
    assert await ended(ready) == 0
    assert not re.search("nobody", ready.output)
    assert [line for line in ready.lines if line == "ready"] == ["ready"]


async def test_it_is_listed_while_it_lives(shop: Workshop, ready: Running) -> None:
    (name,) = await shop.eventually(lambda: shop.redis.zrange(keys.WORKERS, 0, -1))
    assert f":{ready.pid}:" in name.decode()
    ready.send(signal.SIGTERM)
    assert await ended(ready) == 0
    assert await shop.redis.zrange(keys.WORKERS, 0, -1) == []


async def test_its_metrics_are_at_a_port_of_their_own_and_who_cannot_have_it_works_all_the_same(shop: Workshop) -> None:
    with worker(shop, KEEPSTREAM_METRICS_PORT="0") as first:
        address = first.line(r"^metrics on (http://127\.0\.0\.1:(\d+)/metrics)$")
        with worker(shop, KEEPSTREAM_METRICS_PORT=address[2]) as second:
            second.line("^ready$")
            second.line('"event":"metrics.unserved"')
            first.send(signal.SIGTERM)
            assert await ended(first) == 0
            assert (await shop.run("[[sim: tokens=3]]")).outcome == "completed"
            second.line('"event":"metrics.served"')  # it is free
            async with httpx.AsyncClient() as http:
                page = (await http.get(address[1])).text
        assert 'keepstream_streams_ended_total{outcome="completed",stop_reason="end_turn"} 1.0' in page
        assert "keepstream_metrics_unserved_total 1.0" in page


# --- ending


async def test_a_drain_lets_streams_finish(shop: Workshop, ready: Running) -> None:
    stream_id = await shop.submit("[[sim: tokens=60 rate=60 tag=finish]]")
    await shop.until(stream_id, has_text)
    ready.send(signal.SIGTERM)
    await asyncio.to_thread(ready.line, "draining")
    waiting = await shop.submit("[[sim: tag=waiting]]")
    assert await ended(ready) == 0
    stream = await shop.look(stream_id)
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"1")
    assert await shop.queue.position(waiting) == 1
    assert await shop.redis.zcard(keys.LEASES) == 0


@pytest.mark.parametrize("second", some_of([False, True], 1))
async def test_what_does_not_finish_is_handed_over(shop: Workshop, second: bool) -> None:  # noqa: FBT001
    seconds = "3600" if second else "1"  # after which they have not finished, and before which nobody waits here
    with worker(shop, KEEPSTREAM_DRAIN_SECONDS=seconds) as process:
        process.line("^ready$")
        still = "stall-after=5 times=1"  # with the first worker alone
        ids = [await shop.submit(f"{n} [[sim: tokens=10 rate=20 {still if n > 1 else ''}]]") for n in range(10)]
        for stream_id in ids:
            await shop.until(stream_id, has_text)
        process.send(signal.SIGTERM)
        if second:
            await asyncio.to_thread(process.line, "draining")
            process.send(signal.SIGTERM)
        assert await ended(process) == 0
    assert await shop.redis.zcard(keys.LEASES) == 0
    assert (handed_over := [stream_id for stream_id in ids if (await shop.look(stream_id)).outcome is None])
    async with shop.worker(max_attempts=1):
        for stream_id in ids:
            stream = await shop.ended(stream_id)
            assert stream.outcome == "completed"
            assert stream.meta.get("free") == (b"1" if stream_id in handed_over else None)


async def test_a_drain_without_redis_ends_all_the_same(shop: Workshop, tmp_path: Path) -> None:
    with EmbeddedValkey.start(tmp_path) as server:
        other = Workshop(Redis.from_url(server.url), shop.claude, replace(shop.settings, redis_url=server.url))
        with worker(other, KEEPSTREAM_DRAIN_SECONDS="1") as process:
            process.line("^ready$")
            stream_id = await other.submit("[[sim: tokens=40000 rate=50]]")  # it would take longer than anybody waits
            await other.until(stream_id, has_text)
            await other.redis.aclose()
            server.kill()
            process.send(signal.SIGTERM)
            assert await ended(process) == 0
    assert "Traceback" not in process.output


@pytest.mark.parametrize(
    ("refusing", "again"),
    some_of(
        [
            (("maxmemory", "1"), ("maxmemory", "0")),
            (("min-replicas-to-write", "1"), ("min-replicas-to-write", "0")),
        ],
        1,
    ),
    ids=["full", "no script may write"],
)
async def test_a_drain_while_redis_refuses_writes_ends_all_the_same(
    shop: Workshop, refusing: tuple[str, str], again: tuple[str, str]
) -> None:
    with worker(shop, KEEPSTREAM_DRAIN_SECONDS="0.2") as process:
        await asyncio.to_thread(process.line, "^ready$")
        stream_id = await shop.submit("[[sim: tokens=2000 rate=50 first=0]]")
        await shop.until(stream_id, has_text)
        await shop.redis.config_set(*refusing)
        try:
            process.send(signal.SIGTERM)
            assert await ended(process) == 0
        finally:
            await shop.redis.config_set(*again)
        assert "Traceback" not in process.output
    assert (await shop.look(stream_id)).meta["state"] == b"running"


async def test_a_killed_worker_s_streams_are_taken_over_within_seconds(shop: Workshop) -> None:
    """Its lease would last for longer than anybody waits here."""
    async with shop.worker("heir", lease_seconds=3600):
        with worker(shop, KEEPSTREAM_LEASE_SECONDS="3600") as process:
            process.line("^ready$")
            stream_id = await _held_by(shop, process)
            process.send(signal.SIGKILL)
            await shop.until(stream_id, lambda stream: "relay.reset" in stream.names)
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"2")


async def _held_by(shop: Workshop, process: Running) -> str:
    """A stream that this process runs; those that others took are left to them."""
    for _ in range(200):
        stream_id = await shop.submit("[[sim: tokens=300 rate=100 first=0]]")
        await shop.until(stream_id, has_text)
        if f":{process.pid}:" in (await shop.look(stream_id)).meta["holder"].decode():
            return stream_id
    raise AssertionError
