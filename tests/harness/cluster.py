"""Keepstream as real processes on this machine, each behind proxies of its own, to be killed, paused and cut off."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from tests.harness.leaks import keys_without_ttl
from tests.harness.network import users
from tests.harness.network.proxy import Proxy
from tests.harness.running import clean_environment
from tests.harness.sharded.client import client_of
from tests.harness.sharded.nodes import Nodes
from tests.harness.warm.forked import CAN, Forked
from tests.patience import PATIENCE

LAST_WORDS = 500
NOBODY = ("127.0.0.1", 0)


class Process:
    """One process; what it writes to stderr goes to a file, to be looked at when something went wrong."""

    def __init__(
        self, name: str, arguments: list[str], environment: dict[str, str], directory: Path, *, ours: bool = True
    ) -> None:
        """`ours`: what it runs is what this process has imported. Else it is found by the environment."""
        self.name = name
        self.errors = directory / f"{name}.log"
        command = [sys.executable, "-m", *arguments]
        environment = clean_environment(**environment)
        self._process: subprocess.Popen[str]
        with self.errors.open("ab") as errors:
            if CAN and ours:
                self._process = Forked(arguments[0], arguments[1:], environment, errors=errors.fileno())
            else:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    env=environment,
                )
        self.pid = self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    async def first_line(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await asyncio.to_thread(self._process.stdout.readline)
        if not line:
            raise RuntimeError(f"{self.name} did not start: {self.last_words}")
        return line.strip()

    @property
    def last_words(self) -> str:
        """The end of what it said to stderr."""
        return self.errors.read_text(errors="replace")[-LAST_WORDS:]

    def send(self, number: signal.Signals) -> None:
        if self.running:
            self._process.send_signal(number)

    async def wait(self) -> int:
        return await asyncio.to_thread(self._process.wait, PATIENCE)

    async def end(self) -> None:
        """Ends it whatever state it is in."""
        if self.running:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
        await self.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


class Cluster:
    """A Valkey, a simulated Claude, workers and fronts; `async with` starts and ends all of it.

    They come to Redis as the user that a deployment has for them, unless as `default`, who may do everything. `nodes`
    are somebody else's Valkey Cluster, on which logs are then; `streams` is a client of where they are.
    """

    def __init__(
        self,
        *,
        workers: int = 1,
        fronts: int = 1,
        as_default: bool = False,
        others: Mapping[str, str] | None = None,
        of_fronts: Mapping[str, str] | None = None,
        nodes: Nodes | None = None,
        **settings: object,
    ) -> None:
        """`settings` are ours; `others` are variables by their whole names, `of_fronts` those of the fronts alone."""
        self.directory = Path(tempfile.mkdtemp(prefix="keepstream-"))
        self.settings = {f"KEEPSTREAM_{name.upper()}": str(value) for name, value in settings.items()}
        self.settings |= others or {}
        self._of_fronts = of_fronts or {}
        self.workers: list[Process] = []
        self.fronts: list[Process] = []
        self.front_proxies: list[Proxy] = []
        self.redis_proxies: dict[str, Proxy] = {}
        self._counts = (workers, fronts)
        self._as_default = as_default
        self.nodes = nodes
        self._processes: list[Process] = []
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _start(self) -> None:
        config = users.config(self.directory / "valkey")
        self.valkey = await asyncio.to_thread(EmbeddedValkey.start, self.directory / "valkey", extra_config=config)
        self._stack.callback(self.valkey.stop)
        self.simulator = self._process("simulator", ["app.dev.simulator", "--port", "0"], {})
        self.claude_url = (await self.simulator.first_line()).split()[-1]
        address = urlsplit(self.claude_url)
        self.claude = await self._stack.enter_async_context(Proxy(str(address.hostname), int(address.port or 0)))
        self.redis: Redis = Redis.from_url(self.valkey.url)
        self._stack.push_async_callback(self.redis.aclose)
        self.streams: Any = self.redis
        if self.nodes is not None:
            self.streams = client_of(self.nodes)
            self._stack.push_async_callback(self.streams.aclose)
        workers, fronts = self._counts
        nobody_yet = [Proxy("127.0.0.1", 0) for _ in range(fronts)]
        self.front_proxies = [await self._stack.enter_async_context(proxy) for proxy in nobody_yet]
        self.workers = list(await asyncio.gather(*(self.worker(n) for n in range(workers))))
        self.fronts = list(await asyncio.gather(*(self.front(n) for n in range(fronts))))

    async def renewed(self) -> bool:
        """Whether it is as it was at its start: all of it lives, and what was held back or stored is gone.

        A key that would stay for ever is a failed test.
        """
        if not self.valkey.is_running or not all(one.running for one in (self.simulator, *self.workers, *self.fronts)):
            return False
        if (len(self.workers), len(self.fronts)) != self._counts:
            return False
        for proxy in (self.claude, *self.front_proxies, *self.redis_proxies.values()):
            proxy.flow()
        self._judge(*await self._left())
        await self.redis.flushall()
        if self.nodes is not None:
            await asyncio.to_thread(self.nodes.flush)
        return True

    async def _left(self) -> tuple[list[str], list[str]]:
        """The keys that would stay for ever, and what the user was refused."""
        forever, refused = await keys_without_ttl(self.redis), await asyncio.to_thread(users.refused, self.valkey.url)
        if self.nodes is not None:
            forever += await asyncio.to_thread(self.nodes.forever)
            for node in self.nodes.running:
                refused += await asyncio.to_thread(users.refused, node.valkey.url)
        return forever, refused

    @staticmethod
    def _judge(forever: list[str], refused: list[str]) -> None:
        assert forever == [], "keys that would stay for ever"
        assert not refused, f"deploy/redis/users.acl lacks {refused}"

    async def __aexit__(self, *_: object) -> None:
        left: tuple[list[str], list[str]] = await self._left() if self.valkey.is_running else ([], [])
        for process in reversed(self._processes):
            await process.end()
        await self._stack.aclose()
        self._judge(*left)

    async def worker(self, number: int) -> Process:
        """Starts a worker and waits until it is ready."""
        environment = await self._environment(f"worker-{number}")
        process = self._process(f"worker-{number}", ["app.cli", "worker"], environment)
        assert await process.first_line() == "ready"
        return process

    async def front(self, number: int) -> Process:
        """Starts a front and points its proxy at it."""
        self.front_proxies[number].target = NOBODY  # the port of one that has ended may be anybody's by now
        environment = {**await self._environment(f"front-{number}"), **self._of_fronts}
        process = self._process(f"front-{number}", ["app.cli", "front", "--port", "0"], environment)
        port = int((await process.first_line()).rsplit(":", 1)[1])
        self.front_proxies[number].target = ("127.0.0.1", port)
        return process

    def any_front(self) -> int:
        """The port of some front's proxy."""
        return random.choice(self.front_proxies).port  # noqa: S311 - any will do

    def any_front_itself(self) -> int:
        """The port of some front, without the proxy before it."""
        return random.choice(self.front_proxies).target[1]  # noqa: S311 - as above

    def _process(self, name: str, arguments: list[str], environment: dict[str, str]) -> Process:
        process = Process(name, arguments, environment, self.directory)
        self._processes.append(process)
        return process

    async def _environment(self, name: str) -> dict[str, str]:
        if name not in self.redis_proxies:
            self.redis_proxies[name] = await self._stack.enter_async_context(Proxy("127.0.0.1", self.valkey.port))
        url = f"redis://127.0.0.1:{self.redis_proxies[name].port}/0"
        return {
            "REDIS_URL": url if self._as_default else users.as_user(url),
            **self._where_logs_are(),
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.claude.port}",
            "ANTHROPIC_API_KEY": "a-made-up-key",
            **self.settings,
        }

    def _where_logs_are(self) -> dict[str, str]:
        if self.nodes is None:
            return {}
        return {"STREAMS_REDIS_URL": self.nodes.url if self._as_default else users.as_user(self.nodes.url)}
