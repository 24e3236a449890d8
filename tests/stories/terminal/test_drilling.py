"""`keepstream drill` with real processes: what holds, and what it says of a front that loses something."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import orjson

from app.terminal.drill.guarantees import Guarantee
from app.terminal.drill.waves import Load, Waves
from app.terminal.probe.reading.connecting import EVENTS
from tests.harness.cluster import Cluster
from tests.harness.relay import Relay
from tests.long import long
from tests.stories.terminal.commands import run

SMALL = ("--streams", "2", "--seconds", "2", "--json")


async def test_a_redis_that_stands_still_breaks_nothing(relay: Relay) -> None:
    done = await run(relay.url, "drill", *SMALL, "--pids", f"redis={relay.redis_pid}")
    told = orjson.loads(done.stdout)
    assert (done.returncode, told["verdict"], told["streams"]) == (0, "held", 6), done.stdout + done.stderr
    assert told["done"].keys() == {"redis"}
    assert told["resumed"] > 0
    assert f"$ kill -STOP {relay.redis_pid}" in done.stderr


class Lossy(httpx.AsyncHTTPTransport):
    """A way to the front on which the first event is lost for whoever comes back."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if "last-event-id" not in request.headers or EVENTS not in answer.headers.get("content-type", ""):
            return answer
        return httpx.Response(answer.status_code, headers=answer.headers, stream=_Lost(answer))


class _Lost(httpx.AsyncByteStream):
    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        held, lost = b"", False
        async for piece in self._answer.aiter_raw():
            held += piece
            if not lost and b"\nid: " in held and b"\n\n" in held[held.index(b"\nid: ") :]:
                greeting, _, rest = held.partition(b"\n\n")
                held, lost = greeting + b"\n\n" + rest.partition(b"\n\n")[2], True
            if lost:
                yield held
                held = b""
        yield held

    async def aclose(self) -> None:
        await self._answer.aclose()


async def test_a_way_on_which_an_event_is_lost_is_found_out(relay: Relay) -> None:
    async with httpx.AsyncClient(transport=Lossy()) as http:
        waves = Waves(http, [relay.url], Load(streams=2, seconds=1.0, patience=60.0, seed=7))

        async def nothing(_: object) -> None:
            """Is done."""

        await waves.wave(nothing)
    assert Guarantee.G2 in {broken.guarantee for broken in waves.course.broken}


@long
async def test_a_worker_a_front_and_redis_one_after_the_other() -> None:
    async with Cluster(workers=2, fronts=2, drain_seconds=3, lease_seconds=3) as cluster:
        urls = [f"http://127.0.0.1:{proxy.target[1]}" for proxy in cluster.front_proxies]
        workers = f"worker={cluster.workers[0].pid},{cluster.workers[1].pid}"
        parts = f"{workers},front={cluster.fronts[1].pid},redis={cluster.valkey.pid}"
        done = await run(urls[0], "drill", *urls, "--streams", "4", "--seconds", "6", "--json", "--pids", parts)
        told = orjson.loads(done.stdout)
        assert (done.returncode, told["verdict"]) == (0, "held"), done.stdout + done.stderr
        assert told["done"].keys() == {"worker", "front", "redis"}
        assert "of 6 streams were begun again elsewhere" in told["done"]["worker"]
        assert not told["done"]["front"].startswith("0 "), "some of its readers were sent to the other one"
        assert told["not_back"] == ["1 workers, 1 fronts; before there were 2 and 2: start what is missing"]
        [left] = [worker for worker in cluster.workers if worker.running]
        only = await run(urls[0], "drill", *SMALL, "--pids", f"worker={left.pid}")
        assert only.returncode == 3
        assert "the only worker" in orjson.loads(only.stdout)["not_done"]["worker"]
        assert left.running
