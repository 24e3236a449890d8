"""A deployment that can be of two versions at once: fronts at addresses that stay, behind a Caddy, and workers."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from app.dev.ports import free_port
from tests.chaos.upgrades.before import Release
from tests.harness.cluster import Cluster, Process
from tests.harness.network import users
from tests.harness.running import Running, clean_environment

CADDY = Path(sys.executable).with_name("caddy")
CADDYFILE = Path(__file__).parents[3] / "deploy" / "Caddyfile"


class Fleet(Cluster):
    """`release` is what is started from now on. Nothing stands between the processes: their load is the machine's."""

    def __init__(self, release: Release, *, workers: int, fronts: int, **settings: object) -> None:
        super().__init__(workers=workers, fronts=fronts, **settings)
        self.release = release
        self.addresses = [free_port() for _ in range(fronts)]
        self.of: dict[str, str] = {}
        self.took: dict[str, list[float]] = {}

    def _process(self, name: str, arguments: list[str], environment: dict[str, str]) -> Process:
        if not name.startswith(("front", "worker")):
            return super()._process(name, arguments, environment)
        self.of[name] = self.release.name
        environment = environment | self.release.environment
        ours = not self.release.environment
        process = Process(name, arguments, environment, self.directory, ours=ours)
        self._processes.append(process)
        return process

    async def _environment(self, name: str) -> dict[str, str]:  # noqa: ARG002  # none has a proxy of its own
        return {
            "REDIS_URL": users.as_user(self.valkey.url),
            "ANTHROPIC_BASE_URL": self.claude_url,
            "ANTHROPIC_API_KEY": "a-made-up-key",
            **self.settings,
        }

    async def front(self, number: int) -> Process:
        """Starts a front at its address."""
        arguments = ["app.cli", "front", "--port", str(self.addresses[number])]
        process = self._process(f"front-{number}", arguments, await self._environment("front"))
        await process.first_line()
        return process

    async def roll_worker(self, number: int) -> None:
        """One of `release` in the place of another: it comes first, as it does where workers are many."""
        with self._timed(f"worker {number} came"):
            before, self.workers[number] = self.workers[number], await self.worker(number)
        with self._timed(f"worker {number} left"):
            await left(before)

    async def roll_front(self, number: int) -> None:
        """One of `release` at the address of another, which has to go first."""
        with self._timed(f"front {number} left"):
            await left(self.fronts[number])
        with self._timed(f"front {number} came"):
            self.fronts[number] = await self.front(number)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.took.setdefault(what, []).append(time.monotonic() - began)

    @asynccontextmanager
    async def caddy(self) -> AsyncIterator[int]:
        """The port of a Caddy before all fronts, with the Caddyfile of `deploy/` but for where those are: no name here
        has the addresses of all.
        """
        port = free_port()
        environment = clean_environment(
            KEEPSTREAM_DOMAIN=f"http://:{port}",
            CADDY_ADMIN=f"unix/{self.directory}/caddy.sock",
            HOME=str(self.directory),
            XDG_DATA_HOME=str(self.directory),
            XDG_CONFIG_HOME=str(self.directory),
        )
        by_name = re.compile(r"\bdynamic a [^\n]*\{\n[^}]*\}")
        here = f"to {' '.join(f'127.0.0.1:{one}' for one in self.addresses)}"
        config, found = by_name.subn(here, CADDYFILE.read_text())
        assert found == 1
        file = self.directory / "Caddyfile"
        file.write_text(config)
        command = [str(CADDY), "run", "--config", str(file), "--adapter", "caddyfile"]
        with Running(command, environment=environment) as running:
            await asyncio.to_thread(running.line, "serving initial configuration")
            yield port


async def left(process: Process) -> None:
    """It drains, and is gone as it should be."""
    process.send(signal.SIGTERM)
    if status := await process.wait():
        raise AssertionError(f"{process.name} ended with {status}: {process.last_words}")
