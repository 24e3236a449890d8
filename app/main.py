"""Composition root of the front: settings, Redis, hub, routes, server; and the way out.

The only module of the front that reads the environment.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import uvloop
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.types import ASGIApp

from app import llms
from app.access.closed import check_closed, hosts
from app.access.identity.entrance import Entrance
from app.access.limits.in_force import LimitsInForce
from app.access.passes.office import TicketOffice, check_secret
from app.access.passes.sessions import Sessions
from app.access.screening.asking import Screening
from app.access.screening.chosen import chosen
from app.faces.base.front import Front
from app.faces.board import routes as boards
from app.faces.board import scraped
from app.faces.board.gathering import Gathering
from app.faces.chat import routes as chat
from app.faces.conversations import routes as conversations
from app.faces.conversations.saying import Conversing
from app.faces.durable import routes as durable
from app.faces.messages import passthrough
from app.faces.messages import routes as messages
from app.faces.native import routes as native
from app.faces.usage import routes as usages
from app.fanout.beat import Beat
from app.fanout.drain import drain
from app.fanout.hub import Hub
from app.http import health, static, who
from app.http.bulk import Bulk
from app.http.connection.crowd import Crowd, room_for
from app.http.connection.server import address, listen, server
from app.http.connection.tls.certificate import Certificate
from app.http.envelope import Door, Envelope
from app.http.errors import HANDLED, on_error
from app.http.health import Readiness
from app.intake.calls.offered import Offered
from app.intake.streams import Streams
from app.intake.sweep import sweeping
from app.openapi import document
from app.prices import Prices
from app.settings import Settings, SettingsError, unknown
from app.signals import let_end, stop_on_signals, until_stopped
from app.stream.concurrency.tasks import Supervised
from app.stream.conversations.chats import Chats
from app.stream.conversations.store import Conversations
from app.stream.errors import UnfitServerError
from app.stream.ledger.by_day import Usage
from app.stream.log import Log
from app.stream.observing import tell
from app.stream.opinions.opinions import Opinions
from app.stream.queue import Queue
from app.stream.redis.accord import Accord
from app.stream.redis.servers import Servers, listening, servers
from app.stream.saved.saved_calls import Saved
from app.stream.workers.offers import Offers
from app.upstream import Upstream
from app.watch.announcing import announce
from app.watch.events import of_processes
from app.watch.metrics.exposition import Page
from app.watch.report import reporting
from app.watch.strays import tell_of_loop
from app.watch.wiring import Watch, watching

# Young objects that survive this many allocations are collected; the default of 700 costs a third of a connect.
GC_THRESHOLD = (50_000, 20, 50)


def main(argv: Sequence[str] | None = None) -> int:
    """`keepstream front`. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="keepstream front", description="Serve HTTP: accept prompts, send streams.")
    parser.add_argument("--host", help="address to listen on (KEEPSTREAM_HOST, default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for a free one (KEEPSTREAM_PORT, default 8000)")
    options = parser.parse_args(argv)
    try:
        settings = Settings.from_env(os.environ)
        settings = replace(settings, host=options.host or settings.host)
        settings = replace(settings, port=settings.port if options.port is None else options.port)
        files = Files.of(settings)
        listener = _listen(settings)
    except SettingsError as error:
        sys.stderr.write(f"keepstream: {error}\n")
        return 2
    name = f"front-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    try:
        with listener, watching(settings, "front", name, os.environ) as watch:
            for name in unknown(os.environ):
                tell(of_processes.SettingIgnored(name))
            return uvloop.run(serve(settings, files, listener, watch))
    except (SettingsError, UnfitServerError) as error:
        sys.stderr.write(f"keepstream: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def _listen(settings: Settings) -> socket.socket:
    """Raises `SettingsError`, and for an open door as well."""
    if settings.port and settings.port == settings.metrics_port:
        raise SettingsError(
            f"KEEPSTREAM_METRICS_PORT and KEEPSTREAM_PORT are both {settings.port}: give the metrics another one"
        )
    listener = listen(settings.host, settings.port)
    try:
        check_closed(settings, listener.getsockname()[0])
    except SettingsError:
        listener.close()
        raise
    return listener


def door(settings: Settings, address: str) -> Door:
    """What the outermost layer needs to know of a front that listens on this address."""
    return Door(
        origins=settings.cors_origins,
        own_hosts=settings.hosts,
        hosts=hosts(settings, address),
        bodies_bytes=settings.bodies_bytes,
        root_path=settings.root_path,
        proxies=settings.trusted_proxies,
    )


def application(
    front: Front,
    conversing: Conversing,
    board: Gathering,
    ready: Readiness,
    at: str | None = None,
    *,
    page: Callable[[str], Page] | None = None,
) -> ASGIApp:
    """The whole HTTP application of a front; `at` is the address it listens on, where that is known; `page` makes the
    metrics, unless they have a port of their own.
    """
    root_path = front.settings.root_path
    made = {
        "/openapi.json": (document(root_path), static.JSON),
        "/page.json": (static.facts(front.settings), static.JSON),
        **llms.served(root_path),
    }
    routes = [
        *native.ROUTES,
        *durable.ROUTES,
        *usages.ROUTES,
        *boards.ROUTES,
        *messages.ROUTES,
        *chat.ROUTES,
        *conversations.ROUTES,
        *passthrough.ROUTES,
        *who.ROUTES,
        *health.routes(ready, lambda: front.hub.draining),
        *scraped.routes(front.who, page),
        *static.routes(root_path, made),
    ]
    app = Starlette(routes=routes, exception_handlers=dict.fromkeys(HANDLED, on_error))
    app.router.redirect_slashes = False
    app.state.front = front
    app.state.conversing = conversing
    app.state.board = board

    def is_ours(path: str) -> bool:
        return any(route.path_regex.match(path) for route in routes)

    return Envelope(app, door(front.settings, at or front.settings.host), is_ours, front.limits.too_early)


@dataclass(frozen=True, slots=True)
class Files:
    """What a front is given besides its settings, judged before anything is served. Raises `SettingsError`."""

    entrance: Entrance
    limits: LimitsInForce
    prices: Prices
    certificate: Certificate | None
    screening: Screening

    @classmethod
    def of(cls, settings: Settings) -> Files:
        check_secret(settings.ticket_secret)
        limits, prices = LimitsInForce(settings.limits_file), Prices(settings.prices_file)
        screening = Screening(chosen(settings), settings.screen_seconds)
        return cls(Entrance.of(settings), limits, prices, Certificate.of(settings), screening)


async def serve(settings: Settings, files: Files, listener: socket.socket, watch: Watch) -> int:
    """Runs a front until it is told to stop and has drained."""
    name = watch.name
    both: Servers[Redis] = servers(settings, name)
    redis, logs = both.queue, both.logs
    log, queue, certificate = Log(logs), Queue(redis, settings.usage_days, logs=logs), files.certificate
    async with contextlib.AsyncExitStack() as stack:
        stop = stop_on_signals()
        tell_of_loop()
        stack.callback(let_end)
        stack.push_async_callback(both.aclose)
        heard = await stack.enter_async_context(listening(both, name))
        hub = await stack.enter_async_context(Hub(logs, log, queue, heard.logs))
        beat = await stack.enter_async_context(Beat(logs, hub))
        reloads = [*await files.entrance.open(stack), *await files.limits.open(stack)]
        claude = Upstream(settings.anthropic_api_key, settings.anthropic_base_url)
        stack.push_async_callback(claude.aclose)
        streams = Streams(log, queue, Conversations(logs, log), settings, name, pricing=files.prices.cost)
        sweeper = sweeping(streams, settings.stream_seconds_max)
        probes: Servers[Redis] = servers(settings, name, retries=1)
        stack.push_async_callback(probes.aclose)
        wrong = () if certificate is None else (certificate.over,)
        ready = Readiness(probes.queue, (*heard.work, *beat.tasks, sweeper, *reloads), logs=probes.logs, wrong=wrong)
        bulk = Bulk()
        front = Front(
            settings=settings,
            streams=streams,
            hub=hub,
            who=who.Who(files.entrance, Sessions(redis), settings.hosts, settings.trusted_proxies),
            limits=files.limits,
            prices=files.prices,
            screening=files.screening,
            tickets=TicketOffice(redis, settings.ticket_secret, settings.ticket_seconds),
            chats=Chats(redis),
            upstream=claude,
            bulk=bulk,
            usage=Usage(redis),
            saved=Saved(redis, settings.cache_bytes, settings.stream_life_ms),
            events_of=native.events_of,
            opinions=Opinions(redis, logs),
            offered=Offered(Offers(redis, settings.lease_seconds)),
        )
        conversing = Conversing(streams, claude, settings, bulk)
        report = await stack.enter_async_context(reporting(watch, redis, lambda: numbers_of(hub, heard.accord)))
        board = await stack.enter_async_context(Gathering(redis, report, logs))
        measuring = scraped.measuring(
            watch.metrics, settings, redis, hub=hub, accord=heard.accord, ready=ready, logs=logs
        )
        metrics_at = await stack.enter_async_context(measuring)
        page = scraped.page_of(watch.metrics, settings)
        app = application(front, conversing, board, ready, listener.getsockname()[0], page=page)
        http = server(app, settings.cors_origins, Crowd(_room_for(settings.connections_max)), certificate)
        running = asyncio.create_task(http.serve(sockets=[listener]), name="server")
        stack.push_async_callback(files.screening.aclose)
        if certificate is not None:
            await stack.enter_async_context(Supervised("certificate", certificate.watch))
        checking = asyncio.create_task(both.until_fit(), name="check")
        sweeper.start()
        announce(f"keepstream front on {address(listener, secure=certificate is not None)}", metrics_at)
        _collect_rarely()
        await until_stopped(stop, running, checking)
        leaving_since = time.monotonic()
        await drain(hub, settings.drain_seconds)
        http.config.timeout_graceful_shutdown = max(1, int(settings.drain_seconds - (time.monotonic() - leaving_since)))
        http.should_exit = True
        await running
        checking.cancel()
        await sweeper.stop()
        if checking.done() and not checking.cancelled():
            checking.result()
    return 0


def numbers_of(hub: Hub, accord: Accord) -> dict[str, Any]:
    """What a front leaves in Redis of itself."""
    late = accord.late_seconds
    lag_ms = None if late is None else round(late * 1000, 1)
    readers = sum(len(tail.readers) for tail in hub.tails)
    return {"draining": hub.draining, "readers": readers, "tails": len(hub.tails), "lag_ms": lag_ms}


def _room_for(connections: int) -> int:
    room = room_for(connections)
    if room < connections:
        tell(of_processes.FewDescriptors(room, connections))
    return room


def _collect_rarely() -> None:
    """What stands by now is never garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
