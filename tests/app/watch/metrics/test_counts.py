"""After a mixed run the metrics say exactly what happened, and what Prometheus' own tool thinks of them."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.stream.counts import timing
from app.watch.metrics.metrics_observer import Metrics
from app.watch.metrics.parts.worker_metrics import WorkerMetrics
from app.watch.observers import observed
from tests.app.served import Author, Served, served, until
from tests.app.watch.metrics.made import shown
from tests.patience import PATIENCE
from tests.worker.workshop import LIFE_MS, MODEL, Workshop, workshop

# No model of anybody's; a client may name as many as it likes.
HOSTILE = ('m"} 1\nkeepstream_readers 9', "m{model}", "\u202e", "x" * 300, *(f"made-up-{n}" for n in range(30)))


@dataclass
class House:
    """A front and a worker in this process, and what each counts."""

    shop: Workshop
    front: Served
    worker: Metrics
    http: httpx.AsyncClient

    async def submit(self, says: str, **more: Any) -> str:
        answer = await self.http.post("/v1/streams", json={"prompt": says, "model": MODEL, "max_tokens": 5000, **more})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def run(self, says: str, **more: Any) -> str:
        stream_id = await self.submit(says, **more)
        await self.shop.ended(stream_id)
        return stream_id

    async def read(self, stream_id: str, after: str = "") -> httpx.Response:
        return await self.http.get(f"/v1/streams/{stream_id}/events", headers={"last-event-id": after} if after else {})

    def counts(self, of: str, *, prefix: str) -> dict[str, float]:
        """What is not zero."""
        found = shown(self.front.metrics if of == "front" else self.worker)
        return {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix) and value}


@pytest.fixture
async def house(redis: Redis, valkey: EmbeddedValkey) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(workshop(redis, valkey.url))
        front = await stack.enter_async_context(served(redis, shop.settings))
        worker = Metrics(WorkerMetrics(), timing.seconds)
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=front.url, timeout=PATIENCE))
        stack.enter_context(observed(front.metrics, worker))
        yield House(shop, front, worker, http)


async def lost_with_content(house: House) -> str:
    """A stream whose worker dies after its readers saw something that is to be kept."""
    stream_id = await house.submit("lost", relay={"on_interrupt": "fail"})
    claims = await house.shop.queue.claim("dead", 1, slots=1, lease_ms=LIFE_MS, stream_id=stream_id)
    await house.shop.queue.renew("dead", claims, LIFE_MS)
    author = await Author.begin(house.front, claims[0])
    delta = {"type": "text_delta", "text": "a"}
    await author.write(
        ("message_start", {"type": "message_start", "message": {"role": "assistant", "content": []}}),
        ("content_block_start", {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}}),
        ("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}),
    )
    return stream_id


async def test_what_happened_is_what_is_counted(house: House) -> None:
    lost = await lost_with_content(house)
    async with house.shop.worker():
        await house.shop.ended(lost)
        first = await house.run("[[sim: tokens=20]]")
        await house.run("[[sim: tokens=20 status=529 times=1]]")
        await house.run("[[sim: tokens=30 cut-after=9 call=1]]")
        await house.run("[[sim: tokens=3 status=429 times=1 retry-after=1]]")
        await house.run("[[sim: status=400]]")
        running = await house.submit("[[sim: tokens=90000 rate=50]]")
        reading = asyncio.create_task(house.read(running))
        await until(lambda: house.counts("worker", prefix="first_content_seconds_count{since=call}").get("", 0) == 6)
        await until(lambda: house.front.hub.readers)
        await house.http.post(f"/v1/streams/{running}/cancel")
        await house.shop.ended(running)
        await reading
    last = (await house.read(first)).text.rpartition("id: ")[2].strip()
    made_up = f"{last[:-1]}{'0' if last[-1] != '0' else '1'}"
    assert (await house.read(first, last)).status_code == 204
    assert "unknown_id" in (await house.read(first, made_up)).text
    assert (await house.read(first, "no id")).status_code == 400
    key = {"idempotency-key": "k"}
    await house.http.post("/v1/streams", json={"prompt": "a"}, headers=key)
    assert (await house.http.post("/v1/streams", json={"prompt": "b"}, headers=key)).status_code == 422

    assert house.counts("worker", prefix="streams_ended_total") == {
        "{outcome=completed,stop_reason=end_turn}": 4,
        "{outcome=failed,stop_reason=none}": 2,
        "{outcome=cancelled,stop_reason=none}": 1,
    }
    assert house.counts("worker", prefix="calls_total") == {
        "{status=200}": 4,
        "{status=529}": 1,
        "{status=502}": 1,
        "{status=429}": 1,
        "{status=400}": 1,
        "{status=none}": 1,
    }
    assert house.counts("worker", prefix="retries_total") == {
        "{reason=overloaded_error}": 1,
        "{reason=connection_error}": 1,
    }
    assert house.counts("worker", prefix="takeovers_total") == {"{cause=worker_lost}": 1}
    assert house.counts("worker", prefix="partials_recovered_total") == {"": 1}
    assert house.counts("worker", prefix="appends_refused_total") == {}
    assert house.counts("worker", prefix="stream_seconds_count") == {"": 7}
    assert house.counts("worker", prefix="dispatch_seconds_count") == {"": 6}  # all but the one that was taken over
    assert house.counts("worker", prefix="tokens_per_second_count") == {"": 4}
    tokens = house.counts("worker", prefix="tokens_total")
    assert tokens[f"{{kind=output,model={MODEL}}}"] >= 20 + 20 + 30 + 3
    assert house.counts("front", prefix="reader_opens_total") == {
        "{face=native,kind=new}": 2,
        "{face=native,kind=resume}": 2,
        "{face=native,kind=refused}": 1,
    }
    assert house.counts("front", prefix="reader_closed_total") == {"{reason=ended}": 4}
    assert house.counts("front", prefix="reader_resets_total") == {"{reason=unknown_id}": 1}
    assert house.counts("front", prefix="refused_total") == {"{reason=idempotency_conflict}": 1}
    assert house.counts("front", prefix="submit_seconds_count") == {"": 8}
    requests = house.counts("front", prefix="http_requests_total{route=/v1/streams,")
    assert requests == {"status=202}": 8, "status=422}": 1}


async def test_no_client_makes_a_series_of_its_own(house: House) -> None:
    async with house.shop.worker():
        await house.run("[[sim: tokens=2]]")
        before = len(shown(house.worker))
        await asyncio.gather(*(house.run("[[sim: tokens=2]]", model=model) for model in HOSTILE))
    found = shown(house.worker)
    models = {name for name in found if name.startswith(("cost_usd_total", "tokens_total{kind=input"))}
    assert len(models) <= 2 * 21
    assert len(found) - before <= 5 * 21
    assert not any(word in name for name in found for word in ("keepstream_readers", "\u202e", "xxx"))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed here")
async def test_promtool_finds_nothing_wrong_with_the_pages(house: House) -> None:
    async with house.shop.worker():
        await house.read(await house.run("[[sim: tokens=2]]"))
    for metrics in (house.front.metrics, house.worker):
        page = metrics.page().body
        found = await asyncio.to_thread(
            subprocess.run, ["promtool", "check", "metrics"], input=page, capture_output=True, check=False
        )
        assert (found.returncode, found.stdout, found.stderr) == (0, b"", b"")
