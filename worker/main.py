"""The worker's composition root: settings in, a working pool, an exit code out."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Coroutine

import uvloop
from arq import ArqRedis

from app.settings import Settings, SettingsError
from app.stream import keys
from app.stream.channel import Channel
from app.stream.connect import AWAY, check_server, connect
from app.stream.errors import UnfitServerError
from app.stream.log import Log
from app.stream.queue import Queue
from worker import prices
from worker.claude import Claude
from worker.commit import Committer
from worker.leases import Leases
from worker.pool import Pool
from worker.run import Tools

logger = logging.getLogger("worker")

DESCRIPTION = """\
Runs queued prompts against the Claude API and writes every event to the stream's log. Takes its settings from the
environment, prints `ready` when it takes streams, and logs to stderr. SIGTERM: takes nothing new, lets streams finish
for KEEPSTREAM_DRAIN_SECONDS, hands the rest over, exits 0; a second SIGTERM hands over at once.
"""
BAD_SETTINGS = 2
# What handing over may take beyond DRAIN_SECONDS.
HAND_OVER_SECONDS = 1.5
REDIS_PAUSE_SECONDS = 0.2
REDIS_PAUSE_SECONDS_MAX = 2.0
# What lives as long as the process need not be looked at again; most garbage here has no cycles.
GC_THRESHOLD = 50_000


def main(argv: list[str] | None = None) -> int:
    """Runs until SIGTERM or SIGINT; then 0. 2 for settings or a server that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="keepstream worker", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(argv)
    try:
        settings = Settings.from_env(os.environ)
        _set_up_logging(settings.log_level)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings))
    except (SettingsError, UnfitServerError) as error:
        sys.stderr.write(f"keepstream worker: {error}\n")
        return BAD_SETTINGS
    return 0


async def _serve(settings: Settings) -> None:
    signals = _Signals()
    name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    redis = connect(settings.redis_url, f"keepstream-worker-{name}", ArqRedis)
    try:
        if await signals.before(_reach(redis)):
            await _work(settings, name, redis, signals)
    finally:
        await redis.aclose()


async def _work(settings: Settings, name: str, redis: ArqRedis, signals: _Signals) -> None:
    async with Channel(redis) as channel, Committer(redis) as committer:
        claude = Claude(settings.anthropic_api_key, settings.anthropic_base_url)
        tools = Tools(settings, Log(redis), Queue(redis), committer, channel, claude)
        pool = Pool(name, tools, redis)
        leases = Leases(pool, tools, redis)
        if not await signals.before(_get_ready(channel, pool, leases)):
            return
        beat = asyncio.create_task(leases.keep(), name="leases")
        taking = asyncio.create_task(pool.main(), name="taking")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        _settle_down()
        await signals.first.wait()
        logger.info("draining %d streams", len(pool.holds))
        drain = asyncio.create_task(pool.drain(settings.drain_seconds, HAND_OVER_SECONDS))
        second = asyncio.create_task(signals.second.wait())
        await asyncio.wait([drain, second], return_when=asyncio.FIRST_COMPLETED)
        pool.hand_over()
        await drain
        for task in (beat, taking, second):
            task.cancel()
        await asyncio.gather(beat, taking, second, return_exceptions=True)
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(HAND_OVER_SECONDS):
                await tools.queue.forget_worker(name)
        await claude.close()


async def _reach(redis: ArqRedis) -> None:
    """Waits for a Redis that is fit. Raises `UnfitServerError`."""
    pause = REDIS_PAUSE_SECONDS
    while True:
        try:
            return await check_server(redis)
        except AWAY as error:
            if pause == REDIS_PAUSE_SECONDS:
                logger.warning("Redis is not there yet (%s); waiting for it", type(error).__name__)
        await asyncio.sleep(pause)
        pause = min(pause * 2, REDIS_PAUSE_SECONDS_MAX)


async def _get_ready(channel: Channel, pool: Pool, leases: Leases) -> None:
    await channel.subscribe(keys.WAKE, _Wake(pool))
    while True:
        try:
            return await leases.renew()
        except AWAY:
            await asyncio.sleep(REDIS_PAUSE_SECONDS)


def _settle_down() -> None:
    """What may wait until streams are taken."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    threading.Thread(target=prices.warm_up, name="prices", daemon=True).start()


def _set_up_logging(level: str) -> None:
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # arq tells of each job with its arguments; the HTTP libraries of each request; none of it belongs in our log.
    for name in ("arq", "anthropic", "httpx2", "httpcore2", "aiohttp", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


class _Wake:
    """The receiver of wake-ups."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def message(self, _payload: bytes) -> None:
        self._pool.wake()

    def settle(self) -> None:
        pass

    def gap(self) -> None:
        self._pool.wake()


class _Signals:
    """SIGTERM and SIGINT, counted."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._come)

    def _come(self) -> None:
        (self.second if self.first.is_set() else self.first).set()

    async def before(self, work: Coroutine[object, object, None]) -> bool:
        """Does `work`, unless a signal comes first; whether it was done."""
        doing = asyncio.ensure_future(work)
        waiting = asyncio.ensure_future(self.first.wait())
        await asyncio.wait([doing, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not doing.done():
            doing.cancel()
            return False
        doing.result()
        return True
