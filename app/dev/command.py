"""`keepstream dev`: everything on this machine, as real processes, with one log.

The composition root of a household: what was decided (plan.py) is started, announced and stopped in order. How
processes are kept is not its business (processes.py), nor what they are (parts.py).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from app.dev import parts
from app.dev.forget import forget
from app.dev.log import Log, wants_colour
from app.dev.plan import DATA_DIRECTORY, Plan, make_plan
from app.dev.processes import ChildFailedError, Household
from app.settings import Settings
from app.signals import let_end
from app.stream.concurrency.tasks import end

# Long enough for an answer that is about to end; nobody waits 25 s after Ctrl-C.
DRAIN_SECONDS = "2"
# The SDK wants a key, the simulator takes any.
SIMULATED_KEY = "simulated"
MAX_WORKERS = 99
THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
EXIT_FAILED, EXIT_INTERRUPTED = 1, 130

_PROMPT = '{"prompt":"Tell me about rivers"}'
_DESCRIPTION = f"""\
Run everything on this machine: a Valkey, a Claude, a front and workers, each as a process of its own, with one log.
The address is printed when all are ready. Ctrl-C stops everything; a process that dies is started again.

The Valkey is embedded and keeps its data in {DATA_DIRECTORY}/; if REDIS_URL is set, that Redis is used instead.
The Claude is simulated unless ANTHROPIC_API_KEY is set.
"""


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    environment = {"KEEPSTREAM_DRAIN_SECONDS": DRAIN_SECONDS, "KEEPSTREAM_LOG_FORMAT": "text", "PYTHONUNBUFFERED": "1"}
    if wants_colour(sys.stdout, os.environ):
        environment["FORCE_COLOR"] = "1"  # what the children write to is no terminal, but comes to this one
    environment |= past_proxies(os.environ)
    with ExitStack() as cleanup:
        return asyncio.run(_run(options, environment, cleanup))


async def _run(options: argparse.Namespace, environment: Mapping[str, str], cleanup: ExitStack) -> int:
    signals = _Signals()  # before anything is made that has to be put away again
    plan = make_plan(options, environment, cleanup)
    log = Log(sys.stdout, colour=wants_colour(sys.stdout, os.environ), on_gone=signals.asked.set)
    household = Household(log)
    starting, later = asyncio.create_task(_start(plan, household, log)), list[asyncio.Task[None]]()
    try:
        await _first(starting, signals.asked)
        if not starting.done():
            return EXIT_INTERRUPTED
        starting.result()
        if plan.valkey is not None:
            later.append(asyncio.create_task(forget(plan.valkey.url), name="forget"))
        await signals.asked.wait()
    except ChildFailedError as error:
        log.headline(f"keepstream: {error}")
        return EXIT_FAILED
    else:
        return 0
    finally:
        await end(starting, *later)
        await _stop(household, log, signals)
        let_end()


async def _start(plan: Plan, household: Household, log: Log) -> None:
    """In the order in which they need each other; tells the address at the end."""
    environment = dict(plan.environment)
    drain = plan.settings.drain_seconds
    if plan.valkey is not None:
        await household.start(plan.valkey)
        environment["REDIS_URL"] = plan.valkey.url
        environment.pop("REDIS_URL_FILE", None)
    if plan.settings.anthropic_api_key is None:
        simulator = parts.Simulator(environment)
        await household.start(simulator)
        environment |= {"ANTHROPIC_BASE_URL": simulator.url, "ANTHROPIC_API_KEY": SIMULATED_KEY}
    await household.start(*(parts.Worker(number + 1, drain, environment) for number in range(plan.workers)))
    secure = plan.settings.tls_cert is not None
    front = parts.Front(plan.settings.host, plan.port, drain, environment, secure=secure)
    await household.start(front)
    _announce(log, front.url, plan)


async def _stop(household: Household, log: Log, signals: _Signals) -> None:
    log.plain("")
    log.headline("stopping; Ctrl-C again to kill everything at once")
    stopping = asyncio.create_task(household.stop())
    await _first(stopping, signals.insisted)
    if not stopping.done():
        household.kill()
    await stopping


class _Signals:
    """The first wish to end, and the second."""

    def __init__(self) -> None:
        self.asked, self.insisted = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._heard)
        loop.add_signal_handler(signal.SIGTERM, self._heard)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # started with nohup: to outlive its terminal
            loop.add_signal_handler(signal.SIGHUP, self._heard)

    def _heard(self) -> None:
        (self.insisted if self.asked.is_set() else self.asked).set()


def past_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, in which a proxy for the outside world is not asked for what runs on this machine."""
    environment = dict(environment)
    for name in ("NO_PROXY", "no_proxy"):
        named = environment.get(name, "").strip()
        if named != "*":
            environment[name] = ",".join([*([named] if named else []), *THIS_MACHINE])
    return environment


async def _first(task: asyncio.Task[None], event: asyncio.Event) -> None:
    """Wait for the one or the other."""
    waiter = asyncio.create_task(event.wait())
    await asyncio.wait([task, waiter], return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()


def _announce(log: Log, url: str, plan: Plan) -> None:
    match plan.settings:
        case Settings(anthropic_api_key=None, anthropic_base_url=None):
            claude = "Claude is simulated: set ANTHROPIC_API_KEY to talk to the real one."
        case Settings(anthropic_api_key=None):
            claude = "Claude is simulated: ANTHROPIC_BASE_URL is not used without ANTHROPIC_API_KEY."
        case _:
            claude = "Prompts go to the Claude API, on your key."
    log.plain("")
    log.headline(f"Keepstream is up: {url}")
    log.plain(claude)
    log.plain("To see a prompt stream, paste this into another terminal:")
    log.plain("")
    log.plain(f"  {try_it(url, has_keys=not plan.settings.asks_nobody)}")
    log.plain("")


def try_it(url: str, *, has_keys: bool = False) -> str:
    """A shell line that sends a prompt and reads the answer as it comes."""
    curl = "curl -sN" + (" -H 'x-api-key: YOUR-KEY'" if has_keys else "")
    post = f"{curl} {url}/v1/streams -H 'content-type: application/json' -d {shlex.quote(_PROMPT)}"
    events_url = r"""sed -E 's/.*"events_url": ?"([^"]+)".*/\1/'"""
    return f'{curl} "{url}$({post} | {events_url})"'


def _whole(low: int, high: int) -> Callable[[str], int]:
    """A number with bounds, for argparse."""

    def whole(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")
        return int(text)

    return whole


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keepstream dev",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--port",
        type=_whole(0, 65_535),
        help="where the front listens; 0 for any free port (default: KEEPSTREAM_PORT, or 8000)",
    )
    parser.add_argument("--workers", type=_whole(1, MAX_WORKERS), default=1, metavar="N", help="how many (default: 1)")
    parser.add_argument("--ephemeral", action="store_true", help="keep no data when it ends")
    parser.add_argument(
        "--redis-server",
        metavar="PATH",
        help="run this Valkey or Redis instead of the embedded one; `auto` for one on the PATH",
    )
    return parser
