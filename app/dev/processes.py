"""Child processes that are kept running: started in order, restarted when they die, stopped in the reverse order.

It knows processes, pids, signals and lines. What a child is for, how it is started and when it is ready is told by
its `Part`. All children are started by the main thread (see leash.py), so the event loop has to run there.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from abc import ABC, abstractmethod
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence

from app.dev.leash import leash
from app.dev.log import Log

# Loading a large append-only file, or a cold import on a busy machine.
START_SECONDS = 60.0
# Fast enough that watching a worker die and come back is no waiting, slow enough for a child that dies at once.
FIRST_DELAY, LONGEST_DELAY = 0.5, 8.0
# A child that lived as long as this had started well: its next death is a new story.
STEADY_SECONDS = 10.0
_CHUNK_BYTES = 65_536


class ChildFailedError(RuntimeError):
    """A child ended, or fell silent, before it was ever ready."""


class Part(ABC):
    """What a child is. `command` and `environment` are asked for at every start."""

    name: str
    environment: Mapping[str, str]
    stop_seconds: float
    pass_fds: Sequence[int] = ()

    @abstractmethod
    def command(self) -> Sequence[str]: ...

    def announces(self, line: str) -> bool:  # noqa: ARG002  # for those that are known to be ready by a line
        """Whether the line says that the child is ready."""
        return False

    def shown(self, line: str) -> str | None:
        """What the log shows of a line; None for nothing."""
        return line

    async def ready(self, pid: int, announced: asyncio.Event) -> None:  # noqa: ARG002  # for those that are asked
        """Return when the child is ready."""
        await announced.wait()


class Child:
    """One part as a running process."""

    def __init__(self, part: Part, log: Log) -> None:
        self.part = part
        self._log = log
        self._process: Process | None = None
        self._relay: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it, wait until it is ready, and keep it running from then on. Raises `ChildFailedError`."""
        process, announced = await self._launch()
        await self._until_ready(process, announced)
        self._keeper = asyncio.create_task(self._keep_running(process), name=f"keep {self.part.name}")

    async def stop(self) -> None:
        """Ask it to end, and insist when that takes too long. Does nothing where it has ended."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(self.part.stop_seconds):
                    await process.wait()
            except TimeoutError:
                self._say(f"does not stop within {self.part.stop_seconds:g} s: killed")
                self.kill()
                await process.wait()
        if self._relay is not None:
            await self._relay

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _launch(self) -> tuple[Process, asyncio.Event]:
        announced = asyncio.Event()
        tied = leash(self.part.command())
        process = self._process = await asyncio.create_subprocess_exec(
            *tied.command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=self.part.environment,
            start_new_session=True,  # a Ctrl-C in the terminal is for us: we stop the children in order
            pass_fds=(*tied.pass_fds, *self.part.pass_fds),
        )
        self._relay = asyncio.create_task(self._relay_lines(process, announced), name=f"read {self.part.name}")
        self._say(f"started (pid {process.pid})")
        return process, announced

    async def _until_ready(self, process: Process, announced: asyncio.Event) -> None:
        name = self.part.name
        ready = asyncio.create_task(self.part.ready(process.pid, announced))
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait([ready, ended], timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise ChildFailedError(f"{name} {_how(ended.result())} before it was ready")
            if not ready.done():
                raise ChildFailedError(f"{name} (pid {process.pid}) is not ready after {START_SECONDS:g} s")
            ready.result()
        finally:
            ready.cancel()
            ended.cancel()

    async def _keep_running(self, process: Process) -> None:
        delay, started = FIRST_DELAY, time.monotonic()
        while True:
            status = await process.wait()
            if time.monotonic() - started > STEADY_SECONDS:
                delay = FIRST_DELAY
            self._say(f"pid {process.pid} {_how(status)}; starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)
            started = time.monotonic()
            try:
                process, announced = await self._launch()
                await self._until_ready(process, announced)
                self._say("ready again")
            except OSError as error:  # no memory, no descriptors: passing, so the next turn tries again
                self._say(f"cannot be started: {error}")
            except ChildFailedError as error:
                if process.returncode is None:  # else the next turn says so
                    self._say(str(error))

    async def _relay_lines(self, process: Process, announced: asyncio.Event) -> None:
        assert process.stdout is not None  # noqa: S101  # asked for in `_launch`
        pending = b""
        while chunk := await process.stdout.read(_CHUNK_BYTES):
            *lines, pending = (pending + chunk).split(b"\n")
            if len(pending) > _CHUNK_BYTES:  # no line, and not to be waited for
                lines.append(pending)
                pending = b""
            for line in lines:
                self._hear(line, announced)
        if pending:
            self._hear(pending, announced)

    def _hear(self, raw: bytes, announced: asyncio.Event) -> None:
        line = raw.decode(errors="replace").rstrip()
        if self.part.announces(line):
            announced.set()
        if shown := self.part.shown(line):
            self._log.line(self.part.name, shown)

    def _say(self, text: str) -> None:
        self._log.line(self.part.name, text)


class Household:
    """Children in the order in which they need each other."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._groups: list[list[Child]] = []

    async def start(self, *parts: Part) -> None:
        """Start these together, and wait until all are ready. Raises `ChildFailedError`."""
        group = [Child(part, self._log) for part in parts]
        self._groups.append(group)
        for outcome in await asyncio.gather(*(child.start() for child in group), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def stop(self) -> None:
        """Stop what was started, the newest group first."""
        while self._groups:
            await asyncio.gather(*(child.stop() for child in self._groups[-1]))
            self._groups.pop()

    def kill(self) -> None:
        """End all at once. `stop` is still to be awaited."""
        for group in self._groups:
            for child in group:
                child.kill()


def _how(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal has no name
        return f"was killed by signal {-status}"
