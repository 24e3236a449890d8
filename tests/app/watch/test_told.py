"""What a front and a worker tell while they do what they are for, and what they never tell."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.fanout import tail as tails
from app.fanout.drain import drain
from app.stream import keys
from app.stream.observing import Event, RedisAway, RedisBack
from app.stream.redis.connect import connect
from app.watch.events import of_fronts, of_processes, of_streams
from app.watch.events.of_streams import OfStream
from app.watch.events.subjects import OTHER
from app.watch.observers import observed
from tests.app.served import Author, Served, served, until
from tests.app.watch.test_observers import Raises
from tests.harness.heard import Heard, heard
from tests.harness.network.proxy import Proxy
from tests.patience import PATIENCE
from tests.worker.workshop import LIFE_MS, MODEL, Workshop, workshop
from worker.life.calling import liveness

E = TypeVar("E", bound=Event)

OWNER = "the-owner"
KEY = "sk-SECRET-key"
CLIENTS_ID = "theirs-1"
# None of these may be heard: what a client says, what it is answered, what an upstream says of it.
SECRETS = (KEY, "SECRET", "Alpha", "javascript:", "\u202e")
PROMPT = "SECRET prompt"


@dataclass
class House:
    """A front and a worker in this process, and all that they tell."""

    shop: Workshop
    front: Served
    http: httpx.AsyncClient
    events: list[Event]

    async def submit(self, says: str, **more: Any) -> str:
        body = {"prompt": f"{PROMPT} {says}", "model": MODEL, "max_tokens": 5000, **more}
        answer = await self.http.post("/v1/streams", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def all(self, kind: type[E], stream_id: str = "") -> list[E]:
        found = [event for event in self.events if type(event) is kind]
        return [one for one in found if not stream_id or (isinstance(one, OfStream) and one.of.stream_id == stream_id)]

    async def hears(self, kind: type[E], stream_id: str = "") -> E:
        """The last of a kind, as soon as there is one."""
        await until(lambda: self.all(kind, stream_id))
        return self.all(kind, stream_id)[-1]

    async def read(self, stream_id: str) -> str:
        return (await self.http.get(f"/v1/streams/{stream_id}/events")).text


@pytest.fixture
async def house(redis: Redis, valkey: EmbeddedValkey, tmp_path: Path) -> AsyncIterator[House]:
    file = tmp_path / "keys"
    file.write_text(f"{OWNER} {hashlib.sha256(KEY.encode()).hexdigest()}\n")
    headers = {"x-api-key": KEY, "x-request-id": CLIENTS_ID}
    async with AsyncExitStack() as stack:
        events = stack.enter_context(heard())
        shop = await stack.enter_async_context(workshop(redis, valkey.url))
        settings = replace(shop.settings, api_keys_file=str(file), queue_limit=9)
        front = await stack.enter_async_context(served(redis, settings))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=front.url, headers=headers, timeout=PATIENCE))
        yield House(shop, front, http, events)


def told_words(event: Event) -> list[str]:
    def words(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [word for inner in value.values() for word in words(inner)]
        return [value] if isinstance(value, str) else []

    return words(asdict(event))  # type: ignore[call-overload,no-any-return]  # each is a dataclass


async def test_a_streams_whole_life_is_told_in_order(house: House) -> None:
    async with house.shop.worker():
        stream_id = await house.submit("[[sim: tokens=40 rate=200]]")
        await house.read(stream_id)
        await house.shop.ended(stream_id)
    worker = (
        of_streams.Claimed,
        of_streams.CallStarted,
        of_streams.FirstContent,
        of_streams.CallEnded,
        of_streams.Ended,
    )
    assert [type(event) for event in house.events if type(event) in worker] == list(worker)
    submitted = await house.hears(of_streams.Submitted)
    claimed, ended = await house.hears(of_streams.Claimed), await house.hears(of_streams.Ended)
    assert (submitted.of.owner, submitted.of.client_request_id, submitted.repeated) == (OWNER, CLIENTS_ID, False)
    assert submitted.of.request_id.startswith("req_")
    assert (claimed.of.owner, claimed.of.client_request_id, claimed.times) == (OWNER, CLIENTS_ID, 1)
    assert (ended.outcome, ended.attempts, ended.stop_reason, ended.error_type, ended.why) == (
        "completed",
        1,
        "end_turn",
        "",
        "",
    )
    assert ended.output_tokens == 40
    assert ended.input_tokens
    assert ended.cost_usd
    assert None not in (ended.seconds, ended.waited_seconds, ended.first_content_seconds, ended.writing_seconds)
    assert 0 <= ended.waited_seconds <= ended.first_content_seconds <= ended.seconds  # type: ignore[operator]
    call = await house.hears(of_streams.CallEnded)
    assert (call.attempt, call.status, call.reason) == (1, 200, "")
    assert call.upstream_request_id.startswith("req_")
    left = await house.hears(of_fronts.ReaderLeft)
    assert (left.face, left.reason, left.readers) == ("native", "ended", 0)
    assert house.all(of_fronts.ReaderJoined)[0].resumed is False


async def hard_times(house: House, stack: AsyncExitStack) -> None:
    """All that can go wrong with streams, one after the other."""
    shop = house.shop
    # Somebody else's worker, which dies with a stream.
    lost = await house.submit("[[sim: tokens=3]]")
    claims = await shop.queue.claim("dead", 1, slots=1, lease_ms=LIFE_MS, stream_id=lost)
    await shop.queue.renew("dead", claims, LIFE_MS)
    await stack.enter_async_context(shop.worker())
    assert (await house.hears(of_processes.WorkerGone)).streams == 1
    assert (await house.hears(of_streams.TakenOver, lost)).cause == "worker_lost"
    retried = await house.submit('[[sim: tokens=3 status=529 times=1 message=SECRET error-type="SECRET kind"]]')
    again = await house.hears(of_streams.Retried, retried)
    assert (again.attempt, again.status, again.reason) == (2, 529, OTHER)
    restarted = await house.submit("[[sim: tokens=30 cut-after=9 call=1]]")
    assert (await house.hears(of_streams.Restarted, restarted)).reason == "connection_error"
    thinks = await house.submit("[[sim: tokens=3 think=1 ping=0.1]]")
    assert (await house.hears(of_streams.Silent, thinks)).attempt == 1
    failed = await house.submit("[[sim: status=400 message=SECRET]] \U0001f600 \u202e <script>")
    ended = await house.hears(of_streams.Ended, failed)
    assert (ended.outcome, ended.error_type) == ("failed", "invalid_request_error")
    hostile = await house.submit("[[sim: hostile]]", model="SECRET model\n")
    await house.hears(of_streams.Ended, hostile)
    running = await house.submit("[[sim: tokens=90000 rate=50]]")
    await house.hears(of_streams.FirstContent, running)
    await house.http.post(f"/v1/streams/{running}/cancel")
    assert (await house.hears(of_streams.CancelAsked, running)).by == of_streams.CLIENT
    await house.hears(of_streams.Ended, running)
    stolen = await house.submit("[[sim: tokens=90000 rate=50]]")
    await house.hears(of_streams.FirstContent, stolen)
    await shop.redis.hset(keys.meta(stolen), "fence", 10**9)  # type: ignore[misc]
    assert (await house.hears(of_streams.AppendRefused, stolen)).status == "fenced"
    await house.hears(of_streams.LeaseLost, stolen)


async def at_the_gate(house: House) -> None:
    held = await house.submit("[[sim: tokens=3 status=429 times=1 retry-after=3]]")
    assert (await house.hears(of_streams.Held, held)).seconds > 0
    await house.hears(of_streams.Ended, held)
    assert [call.status for call in house.all(of_streams.CallEnded, held)] == [429, 200]
    assert house.all(of_streams.Retried, held) == []
    first, again = house.all(of_streams.Claimed, held)
    assert (first.from_gate, first.held_seconds, again.from_gate) == (False, 0.0, True)
    assert again.held_seconds > 1


async def readers(house: House) -> None:
    """One whose log loses what it saw, and that a drain sends away."""
    stream_id = await house.submit("")
    [claim] = await house.shop.queue.claim("author", 1, slots=1, lease_ms=LIFE_MS, stream_id=stream_id)
    author = await Author.begin(house.front, claim)
    await author.write(("message_start", {"type": "message_start"}))
    reading = asyncio.create_task(house.read(stream_id))
    assert (await house.hears(of_fronts.ReaderJoined, stream_id)).readers == 1
    await house.hears(of_fronts.TailRepaired, stream_id)
    await until(lambda: (tail := house.front.hub.known(stream_id)) is not None and tail.live)
    await house.shop.redis.set(keys.log(stream_id), b"", keepttl=True)
    assert (await house.hears(of_fronts.ReaderReset, stream_id)).reason == of_fronts.HISTORY_LOST
    await drain(house.front.hub, 0.2)
    assert (await house.hears(of_processes.Draining)).readers == 1
    assert (await house.hears(of_fronts.ReaderLeft, stream_id)).reason == "drained"
    await reading


async def refused(house: House) -> None:
    first, other = {"idempotency-key": "k"}, {"prompt": f"{PROMPT} another"}
    await house.http.post("/v1/streams", json={"prompt": PROMPT}, headers=first)
    assert (await house.http.post("/v1/streams", json=other, headers=first)).status_code == 422
    assert (await house.hears(of_streams.Refused)).reason == "IdempotencyConflictError"
    await house.http.post("/v1/streams?secret=SECRET", content=b"SECRET")
    served = await house.hears(of_fronts.RequestServed)
    assert (served.method, served.route, served.status) == ("POST", "/v1/streams", 415)


async def keys_come_and_go(house: House) -> None:
    file = Path(house.front.front.settings.api_keys_file or "")
    before = await asyncio.to_thread(file.read_text)
    for number, text in enumerate((f"{before}SECRET {'0' * 64}\n", "SECRET\n"), 1):
        await asyncio.to_thread(file.write_text, text)
        await until(lambda: len(house.all(of_processes.KeysReloaded)) == number)  # noqa: B023  # awaited within
    assert [event.outcome for event in house.all(of_processes.KeysReloaded)] == ["taken", "malformed"]
    assert (await house.http.get("/v1/conversations", headers={"x-api-key": "SECRET"})).status_code == 401
    assert (await house.hears(of_fronts.CallerRefused)).reason == "unknown_key"


async def an_outage(valkey: EmbeddedValkey) -> None:
    async with Proxy("127.0.0.1", valkey.port) as proxy:
        redis: Redis = connect(f"redis://127.0.0.1:{proxy.port}/0?socket_timeout=0.1", "tests", retries=0)
        await redis.ping()
        proxy.stall()
        with pytest.raises(Exception, match="Timeout"):
            await redis.ping()
        proxy.flow()
        await redis.ping()
        await redis.aclose()


async def test_each_name_is_told_and_never_a_text_or_a_key(
    house: House, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "Timeouts", partial(liveness.Timeouts, tell=0.2))
    monkeypatch.setattr(tails, "REGROW_SECONDS", 0.02)
    async with AsyncExitStack() as stack:
        await hard_times(house, stack)
        await at_the_gate(house)
    await refused(house)
    await readers(house)
    await keys_come_and_go(house)
    await an_outage(valkey)
    never = {of_streams.ToolRan, of_processes.LimitsReloaded}  # nothing does yet
    kinds = {
        *(of_streams.Submitted, of_streams.Refused, of_streams.Claimed, of_streams.Held, of_streams.CallStarted),
        *(of_streams.FirstContent, of_streams.Silent, of_streams.Retried, of_streams.Restarted, of_streams.TakenOver),
        *(of_streams.CancelAsked, of_streams.Ended, of_streams.AppendRefused, of_streams.LeaseLost),
        *(of_fronts.ReaderJoined, of_fronts.ReaderLeft, of_fronts.ReaderReset, of_fronts.TailRepaired),
        *(of_processes.WorkerGone, of_processes.Draining, of_processes.KeysReloaded, RedisAway, RedisBack),
    }
    assert kinds - {type(event) for event in house.events} == set()
    assert never & {type(event) for event in house.events} == set()
    said = [(type(event).__name__, words) for event in house.events for words in told_words(event)]
    assert [(name, words) for name, words in said if any(secret in words for secret in SECRETS)] == []
    assert [(name, words) for name, words in said if len(words) > 200 or not words.isprintable()] == []


async def test_an_observer_that_raises_changes_nothing(redis: Redis, valkey: EmbeddedValkey) -> None:
    after = Heard()
    async with (
        workshop(redis, valkey.url) as shop,
        served(redis) as front,
        httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as http,
        shop.worker(),
    ):
        with observed(Raises(), after):
            answer = await http.post("/v1/streams", json={"prompt": "[[sim: tokens=20 status=529 times=1]]"})
            read = await http.get(f"/v1/streams/{answer.json()['id']}/events")
    assert '"outcome":"completed"' in read.text
    assert {type(event) for event in after.events} >= {of_streams.Submitted, of_streams.Retried, of_fronts.ReaderLeft}
