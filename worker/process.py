"""The worker's composition root: everything is made here, set going, and brought to its end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvloop
from arq import ArqRedis
from redis.asyncio import Redis

from app.prices import Prices
from app.settings import Settings
from app.signals import let_end
from app.stream import keys
from app.stream.board.board import Board
from app.stream.concurrency.tasks import Supervised
from app.stream.conversations.store import Conversations
from app.stream.log import Log
from app.stream.queue import Queue
from app.stream.redis.connect import connect
from app.stream.redis.refusals import NO_ANSWER
from app.stream.redis.servers import Servers, listening, servers
from app.stream.saved.rest import Rests
from app.stream.saved.saved_calls import Saved
from app.stream.workers.gates import Gates
from app.stream.workers.offers import SAID_PER_LEASE, Offers
from app.stream.workers.presence import Presence
from app.stream.workers.reserves import Reserves
from app.watch.announcing import announce
from app.watch.metrics.numbers import WorkerNumbers
from app.watch.metrics.parts import worker_metrics
from app.watch.metrics.running import running
from app.watch.metrics.series import Shown
from app.watch.report import Report
from app.watch.strays import tell_of_loop
from app.watch.tallies import Tallies
from app.watch.wiring import Watch
from worker.claims.abandoned import Abandoned
from worker.claims.cancels import Cancels
from worker.claims.leases import RENEWALS_PER_LEASE, Lease, Renewals
from worker.claims.neighbours import Neighbours, client_name
from worker.claims.pool import Pool
from worker.claims.stand_in import StandIn
from worker.drain import LEAVE_SECONDS, Signals, drain
from worker.health import Health, Work
from worker.life.calling.announce import Announcer
from worker.life.saving.following import Followings
from worker.life.services import Services
from worker.log.lanes import committing
from worker.schemas.checker import Checker
from worker.tools.kit import Kit, opened
from worker.tools.offering import Offering
from worker.upstream.claude import Claude
from worker.upstream.gate import Gate

# Most garbage here has no cycles, and is gone without a collection.
GC_THRESHOLD = 50_000


def run(settings: Settings, watch: Watch, kit: Kit | None = None) -> None:
    """Works until SIGTERM or SIGINT. Raises `UnfitServerError`."""
    prices = Prices(settings.prices_file)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, prices, watch, kit))


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is made of."""

    services: Services
    pool: Pool
    health: Health

    def read(self) -> Iterator[Shown]:
        """What is sampled of a worker."""
        pool, services = self.pool, self.services
        taking = pool.allow_pick_jobs
        return worker_metrics.read(
            WorkerNumbers(
                running=len(pool.leases),
                capacity=pool.max_jobs if taking else 0,
                draining=not taking,
                batch_frames=services.committer.batch_frames,
                limits=services.gate.limits,
            )
        )


@asynccontextmanager
async def working(
    settings: Settings,
    both: Servers[ArqRedis],
    name: str,
    prices: Prices,
    tallies: Tallies | None = None,
    *,
    kit: Kit | None = None,
) -> AsyncIterator[Parts]:
    """A worker that takes streams, while inside. It must have drained when it is left."""
    redis, logs = both.queue, both.logs
    async with listening(both, name) as heard, committing(logs) as committer, AsyncExitStack() as stack:
        claude = Claude(settings.anthropic_api_key, settings.anthropic_base_url)
        stack.push_async_callback(claude.close)
        log, presence = Log(logs), Presence(redis)
        queue = Queue(redis, settings.usage_days, logs=logs)
        gate = Gate(name, Gates(redis), lambda: pool.slots)
        stack.push_async_callback(gate.close)
        announcer = Announcer(logs)
        stack.push_async_callback(announcer.close)
        conversations, reserves = Conversations(logs, log), Reserves(redis)
        saved = Saved(redis, settings.cache_bytes, settings.stream_life_ms)
        followings = Followings(log, saved, Rests(logs), heard.logs, settings.lease_seconds / RENEWALS_PER_LEASE)
        changed = asyncio.Event()
        toolbox = await stack.enter_async_context(opened(kit or Kit(), changed.set))
        checker = Checker()
        stack.push_async_callback(checker.close)
        services = Services(
            settings,
            log,
            queue,
            conversations,
            committer,
            claude,
            gate,
            announcer,
            prices,
            reserves,
            saved,
            followings,
            toolbox,
            checker,
        )
        leases: dict[str, Lease] = {}
        renewals = Renewals(name, leases, queue, settings.lease_seconds, committer=committer)
        cancels = Cancels(leases, logs, heard.logs, settings.lease_seconds)
        abandoned = Abandoned(leases, logs, keys.hearing(name) if both.apart else keys.alive(name))
        neighbours = Neighbours(name, presence, settings.lease_seconds)
        pool = Pool(name, services, redis, leases, heard=cancels.heard, stir=neighbours.stir)

        counts = tallies or Tallies(name)

        def numbers() -> dict[str, Any]:
            counts.sample(pool.said())
            return pool.numbers()

        offering = Offering(
            name,
            lambda: toolbox.offered,
            Offers(redis, settings.lease_seconds),
            settings.lease_seconds / SAID_PER_LEASE,
            changed,
        )
        stack.push_async_callback(offering.end)
        with contextlib.suppress(*NO_ANSWER):
            await offering.say()  # who sees it ready may ask for them; else it is said again and again

        report = Report(name, "worker", counts, Board(redis), numbers)

        async def take() -> None:
            await renewals.renew()  # after an outage: what is ours must not be claimed as if it were nobody's
            await pool.main()
            await asyncio.Event().wait()  # it takes no more, and that is no fall

        def connection() -> Redis:
            return connect(settings.redis_url, client_name(name), ca=settings.redis_ca)

        stack.enter_context(StandIn(name, renewals, connection, settings.lease_seconds))
        # Listens before it is listed: a listed worker that nobody hears counts as dead.
        await heard.queue.subscribe(keys.alive(name), neighbours)
        await heard.queue.subscribe(keys.WAKE, _Receiver(pool.wake))
        stack.push_async_callback(report.end)
        kept: list[Work] = [*heard.work]
        for what, work in (
            ("claims", take),
            ("leases", renewals.keep),
            ("cancels", cancels.watch),
            ("abandoned", abandoned.watch),
            ("neighbours", neighbours.watch),
            ("report", report.keep),
            ("tools", offering.keep),
        ):
            kept.append(await stack.enter_async_context(Supervised(what, work, asks_redis=True)))
        yield Parts(services, pool, Health(pool, renewals, kept, settings.lease_seconds))


async def _serve(settings: Settings, prices: Prices, watch: Watch, kit: Kit | None) -> None:
    signals, name = Signals(), watch.name
    tell_of_loop()
    both = servers(settings, client_name(name), ArqRedis)
    async with AsyncExitStack() as stack:
        stack.callback(let_end)
        stack.push_async_callback(both.aclose)
        if not await signals.before(both.until_fit()):
            return
        entering = asyncio.ensure_future(
            stack.enter_async_context(working(settings, both, name, prices, watch.tallies, kit=kit))
        )
        if not await signals.before(entering):
            return
        made = entering.result()
        pool = made.pool
        metrics_at = await stack.enter_async_context(
            running(watch.metrics, settings, made.read, missing=made.health.missing)
        )
        _settle_down()
        announce("ready", metrics_at)
        await drain(pool, signals, settings.drain_seconds)
        with contextlib.suppress(*NO_ANSWER):
            async with asyncio.timeout(LEAVE_SECONDS):
                await Queue(both.queue).forget_worker(name)


def _settle_down() -> None:
    """Keeps the garbage collector off what lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


class _Receiver:
    """Calls back for each message, and where one may have been missed."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def message(self, _payload: bytes) -> None:
        self._call()

    def settle(self) -> None:
        """One message says it all."""

    def gap(self) -> None:
        self._call()
