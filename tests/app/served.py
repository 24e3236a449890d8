"""A front inside the test's own process, and the worker's side of a stream written by hand."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import orjson
from redis.asyncio import Redis
from starlette.types import ASGIApp

from app.access.identity.entrance import Entrance
from app.access.limits.in_force import LimitsInForce
from app.access.passes.office import TicketOffice
from app.access.passes.sessions import Sessions
from app.access.screening.asking import Screening
from app.access.screening.chosen import chosen
from app.faces.base.front import Front
from app.faces.board import scraped
from app.faces.board.gathering import Gathering
from app.faces.conversations.saying import Conversing
from app.faces.native.routes import events_of
from app.fanout.beat import Beat
from app.fanout.hub import Hub
from app.http.bulk import Bulk
from app.http.connection.crowd import Crowd
from app.http.connection.server import listen, server
from app.http.connection.tls.certificate import Certificate
from app.http.health import Readiness
from app.http.who import Who
from app.intake.calls.offered import Offered
from app.intake.streams import Streams
from app.main import application, numbers_of
from app.prices import Prices
from app.settings import Settings
from app.stream import keys
from app.stream.board.board import Board
from app.stream.channel import Channel
from app.stream.conversations.chats import Chats
from app.stream.conversations.store import Conversations
from app.stream.counts import timing
from app.stream.endings import Outcome, end_data
from app.stream.frames import Position, encode, encode_json
from app.stream.ledger.by_day import Usage
from app.stream.log import Claim, Log, Status
from app.stream.opinions.opinions import Opinions
from app.stream.queue import Queue
from app.stream.redis.accord import Accord
from app.stream.saved.saved_calls import Saved
from app.stream.workers.offers import Offers
from app.upstream import Upstream
from app.watch.metrics.metrics_observer import Metrics
from app.watch.metrics.parts.front_metrics import FrontMetrics
from app.watch.report import Report
from app.watch.tallies import Tallies
from tests.patience import PATIENCE

LEASE_MS = 60_000
LIFE_MS = 600_000

Event = tuple[str | None, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Served:
    """A front that serves, and what it serves from."""

    front: Front
    conversing: Conversing
    redis: Redis
    beat: Beat
    report: Report
    board: Gathering
    url: str
    crowd: Crowd
    metrics: Metrics

    @property
    def hub(self) -> Hub:
        return self.front.hub

    @property
    def log(self) -> Log:
        return self.front.streams.log

    async def author(self) -> Author:
        """The worker of the next stream in the line; waits for one."""
        queue = self.front.streams.queue
        while True:
            claims = await queue.claim("author", next(_NUMBERS), slots=1, lease_ms=LEASE_MS)
            if claims:
                return await Author.begin(self, claims[0])
            await asyncio.sleep(0.005)


_NUMBERS = itertools.count(1)


@asynccontextmanager
async def listening(
    app: ASGIApp, origins: Iterable[str] = (), crowd: Crowd | None = None, certificate: Certificate | None = None
) -> AsyncIterator[int]:
    """The port of our server of `app`, on the loopback interface."""
    made, listener = server(app, origins, crowd, certificate), listen("127.0.0.1", 0)
    running = asyncio.create_task(made.serve(sockets=[listener]))
    await until(lambda: made.started)
    try:
        yield listener.getsockname()[1]
    finally:
        made.force_exit = made.should_exit = True
        await running
        listener.close()


@asynccontextmanager
async def served(redis: Redis, settings: Settings | None = None) -> AsyncIterator[Served]:
    """A front on a free port of the loopback interface."""
    settings = settings or Settings()
    log, queue, prices = Log(redis), Queue(redis), Prices(settings.prices_file)
    entrance = Entrance.of(settings)
    async with (
        AsyncExitStack() as stack,
        Channel(redis) as channel,
        Hub(redis, log, queue, channel) as hub,
        Beat(redis, hub) as beat,
    ):
        await entrance.open(stack)
        upstream = Upstream(settings.anthropic_api_key, settings.anthropic_base_url)
        streams = Streams(log, queue, Conversations(redis, log), settings, "front", pricing=prices.cost)
        front = Front(
            settings=settings,
            streams=streams,
            hub=hub,
            who=Who(entrance, Sessions(redis), settings.hosts, settings.trusted_proxies),
            limits=LimitsInForce(settings.limits_file),
            prices=prices,
            tickets=TicketOffice(redis, settings.ticket_secret, settings.ticket_seconds),
            chats=Chats(redis),
            upstream=upstream,
            bulk=Bulk(),
            usage=Usage(redis),
            saved=Saved(redis, settings.cache_bytes, settings.stream_life_ms),
            events_of=events_of,
            opinions=Opinions(redis),
            offered=Offered(Offers(redis, settings.lease_seconds)),
            screening=Screening(chosen(settings), settings.screen_seconds),
        )
        conversing = Conversing(streams, upstream, settings, front.bulk)
        ready = Readiness(redis, (channel, *beat.tasks))
        accord = Accord(redis, channel, keys.accord("front"))
        report = Report("front", "front", Tallies("front"), Board(redis), lambda: numbers_of(hub, accord))
        board = await stack.enter_async_context(Gathering(redis, report))
        metrics = Metrics(FrontMetrics(), timing.seconds)
        measuring = scraped.measuring(metrics, settings, redis, hub=hub, accord=accord, ready=ready)
        await stack.enter_async_context(measuring)
        app = application(front, conversing, board, ready, page=scraped.page_of(metrics, settings))
        crowd = Crowd(settings.connections_max)
        certificate = Certificate.of(settings)
        stack.push_async_callback(front.screening.aclose)
        async with aclosing(upstream), listening(app, settings.cors_origins, crowd, certificate) as port:
            url = f"http{'s' if certificate else ''}://127.0.0.1:{port}"
            yield Served(front, conversing, redis, beat, report, board, url, crowd, metrics)


class Author:
    """The holder of one stream, who writes what it is told."""

    def __init__(self, served: Served, claim: Claim, position: Position, meta: dict[str, bytes]) -> None:
        self.stream_id = claim.stream_id
        self.meta = meta
        self._served = served
        self.claim = claim
        self._position = position

    @classmethod
    async def begin(cls, served: Served, claim: Claim) -> Self:
        begun = await served.log.begin(claim)
        assert begun.position is not None
        return cls(served, claim, begun.position, dict(begun.meta))

    @property
    def last_id(self) -> str:
        return self._position.id

    async def write(self, *events: Event) -> None:
        """Events of the upstream, in one append."""
        data, position = b"", self._position
        for name, value in events:
            frame, *where = encode(None if name is None else name.encode(), orjson.dumps(value), *position)
            data, position = data + frame, Position(*where)
        await self._append(data, position, {"content": "1"})

    async def tell(self, name: str, data: dict[str, Any], **fields: str) -> None:
        """An event of ours, with fields of the meta."""
        frame, position = encode_json(name, data, self._position)
        await self._append(frame, position, fields)

    async def restart(self) -> None:
        frame, position = encode_json("relay.reset", {"attempt": 2, "reason": "worker_lost"}, self._position)
        await self._append(frame, position, {"content": "0", "base": str(position.offset), "attempt": "2"})

    async def end(self, outcome: Outcome, *, error: dict[str, str] | None = None, **fields: Any) -> None:
        """The ending; of `fields`, those that are no text become JSON."""
        frame, position = encode_json("relay.end", end_data(outcome, attempts=1, error=error), self._position)
        stored = {name: value if isinstance(value, str) else orjson.dumps(value) for name, value in fields.items()}
        if error is not None:
            stored["error"] = orjson.dumps(error)
        await self._append(frame, position, {"outcome": outcome.value, "attempts": "1", **stored}, ends=True)
        if "conversation" in self.meta:
            conversations = self._served.front.streams.conversations
            await conversations.add_answer(self.stream_id, self.meta["conversation"].decode())
        entry = {"id": self.stream_id, "outcome": outcome.value, "attempts": 1}
        await self._served.front.streams.queue.done(self.claim, entry)

    async def fail(self, status: int, kind: str, message: str, **failure: Any) -> None:
        """The ending that a refusal of the upstream leads to."""
        told = {"status": status, "type": kind, "message": message, "retry_after": None, "request_id": None}
        failure = {**told, "exhausted": False, **failure}
        await self.end(Outcome.FAILED, error={"type": kind, "message": message}, failure=failure)

    async def _append(self, data: bytes, position: Position, fields: dict[str, Any], *, ends: bool = False) -> None:
        appended = await self._served.log.append(
            self.claim, self._position.offset, data, fields, ending_life_ms=LIFE_MS if ends else None
        )
        assert appended.status is Status.OK
        self._position = position


async def until(true: Callable[[], Any]) -> None:
    """Returns when `true()` is; what it returns may have to be awaited."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = true()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.005)


@asynccontextmanager
async def limited_front(
    redis: Redis, folder: Path, limits: str, model: str
) -> AsyncIterator[tuple[Served, httpx.AsyncClient]]:
    """A front whose limits' file says this, and a client."""
    file = folder / "limits.toml"
    file.write_text(limits)
    settings = Settings(model=model, max_tokens=1000, limits_file=str(file))
    async with served(redis, settings) as front, httpx.AsyncClient(timeout=PATIENCE) as http:
        yield front, http
