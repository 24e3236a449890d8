"""All of compose.yaml as processes: what each is called with and finds in its environment is read out of the file.

The rule: a container's address is one of this machine's own, 127.x.y.z, so that ports are those of the file. What is
different stands in `Containers`, and for Valkey, which is the tests' own.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import tempfile
from pathlib import Path
from typing import Self

import httpx

from app.dev.embedded import EmbeddedValkey
from tests.deploy.compose.composed import services
from tests.deploy.compose.contained import Containers
from tests.harness.running import Running
from tests.patience import PATIENCE
from tests.stories.edge.names import Names

FIRST_CALL = '("simulate", 8100)'
METRICS_PORT = 9464


class Arranged:
    """Valkey, the simulated Claude, `setup`, a worker and two fronts; a key of Alice's."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="keepstream-"))
        self._net = f"127.{random.randrange(1, 250)}.{random.randrange(1, 250)}"  # noqa: S311 - nobody else's
        self.addresses = (f"{self._net}.11", f"{self._net}.12")
        self.fronts: dict[str, Running] = {}
        self.names = Names()
        self._stack = contextlib.AsyncExitStack()
        self._services = services({}, ["simulate", "keys"])

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        await self._stack.enter_async_context(self.names)
        valkey = await asyncio.to_thread(EmbeddedValkey.start, self.directory / "valkey")
        self._stack.callback(valkey.stop)
        simulate = f"{self._net}.31"
        names = {"valkey:6379": f"127.0.0.1:{valkey.port}", FIRST_CALL: f'("{simulate}", 8100)'}
        names["10.0.0.0/8"] = "127.0.0.0/8"  # where an edge's address is
        self._containers = Containers(self.directory, names)
        self._run("simulate", simulate, "simulated Claude")
        status, said = await asyncio.to_thread(self._containers.run, self._services["setup"])
        assert status == 0, said
        _, made = await asyncio.to_thread(self._containers.run, self._services["keys"], "add", "alice")
        self.key = made.split()[0]
        self._run("worker", f"{self._net}.21", "^ready")
        await asyncio.gather(*(self.front(address) for address in self.addresses))

    async def front(self, address: str) -> None:
        """Starts a front; its name has its address as soon as its process runs, and not only once it listens."""
        running = self._stack.enter_context(self._containers.start(self._services["front"], address))
        self.fronts[address] = running
        self._known([*self.names.addresses.get("front", ()), address])
        await asyncio.to_thread(running.line, f"front on http://{address}:8000")

    async def stop(self, address: str) -> None:
        """As `docker stop`: it drains, and ends by itself."""
        self.fronts[address].send(signal.SIGTERM)
        assert await asyncio.to_thread(self.fronts[address].wait) == 0, self.fronts[address].output
        self.gone(address)

    def kill(self, address: str) -> None:
        """Nobody has told the server of names yet."""
        self.fronts[address].send(signal.SIGKILL)

    def gone(self, address: str) -> None:
        self._known([one for one in self.names.addresses["front"] if one != address])

    async def read_from(self, address: str, readers: int) -> None:
        """Returns once so many read from this front, by its own figures."""
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(verify=False) as http:  # noqa: S501 - it is not TLS
            while True:
                figures = (await http.get(f"http://{address}:{METRICS_PORT}/metrics")).text
                found = (line.split() for line in figures.splitlines() if line.startswith("keepstream_readers"))
                if sum(float(value) for _, value in found) >= readers:
                    return
                await asyncio.sleep(0.05)

    def _known(self, addresses: list[str]) -> None:
        self.names.addresses["front"] = addresses

    def _run(self, name: str, address: str, line: str) -> None:
        running = self._stack.enter_context(self._containers.start(self._services[name], address))
        running.line(line)
