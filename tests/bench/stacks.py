"""Each contender as the processes it needs, on this machine, with a Valkey of its own.

Started and ended by pid; tied to this process, so that none outlives it. `cpu` and memory are told apart by role: the
front, the worker (where there is one) and the Valkey.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.dev.embedded import EmbeddedValkey
from app.dev.leash import leash
from app.dev.ports import LOOPBACK, free_port
from tests.bench.load.traffic import Target

START_SECONDS = 60.0
STOP_SECONDS = 5.0
KEEPSTREAM = (sys.executable, "-m", "app.cli")
# More than any measurement asks of one worker.
WORKER_STREAMS = 1000


class Child:
    """One process; its output goes to a file in the run's directory."""

    def __init__(self, command: tuple[str, ...], log: Path, environment: Mapping[str, str]) -> None:
        tied = leash(command)
        self._log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                tied.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
                pass_fds=tied.pass_fds,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def until(self, ready: Callable[[], bool]) -> None:
        """Waits until it is ready. Raises `RuntimeError` with what it wrote where it ends or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._log.stem} did not start:\n{self.output()[-2000:]}")
            time.sleep(0.02)

    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        """Ends it at once: what it was doing belongs to a measurement that is over."""
        self._process.kill()
        self._process.wait(STOP_SECONDS)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name, *arguments)


@dataclass(frozen=True, slots=True)
class Contender:
    """What to start, and how to speak to it. `{port}` stands for the front's port."""

    name: str
    title: str
    front: tuple[str, ...]
    target: Callable[[int], Target]
    worker: tuple[str, ...] = ()
    worker_ready: str = ""
    redis: bool = True
    fans_out: bool = True
    replays: bool = True
    in_process: bool = field(default=False)


CONTENDERS = (
    Contender(
        "keepstream",
        "Keepstream",
        (*KEEPSTREAM, "front", "--port", "{port}"),
        lambda port: Target(port, "/v1/streams", log=True),
        worker=(*KEEPSTREAM, "worker"),
        worker_ready="ready",
    ),
    Contender(
        "direct",
        "(a) direct pass-through",
        module("tests.bench.contenders.direct", "{port}"),
        lambda port: Target(port, "/chat", direct=True),
        redis=False,
        fans_out=False,
        replays=False,
    ),
    Contender(
        "pubsub",
        "(b) pub/sub per client",
        module("tests.bench.contenders.pubsub", "{port}"),
        lambda port: Target(port, "/streams"),
        worker=module("tests.bench.contenders.pubsub_job"),
        worker_ready="ready",
    ),
    Contender(
        "resumable",
        "(c) fastapi-resumable-stream",
        module("tests.bench.contenders.resumable", "{port}"),
        lambda port: Target(port, "/streams"),
    ),
)


class Stack:
    """A contender that runs. What it keeps is gone when it stops."""

    def __init__(self, contender: Contender, upstream: str, settings: Mapping[str, str] | None = None) -> None:
        self.contender = contender
        self._directory = Path(tempfile.mkdtemp(prefix="bench-"))
        self._environment = {
            "ANTHROPIC_BASE_URL": upstream,
            "ANTHROPIC_API_KEY": "bench",
            "KEEPSTREAM_WORKER_STREAMS": str(WORKER_STREAMS),
            "KEEPSTREAM_STALL_TIMEOUT": "600",
            "KEEPSTREAM_LOG_LEVEL": "warning",
            **(settings or {}),
        }
        self._children: dict[str, Child] = {}
        self.valkey: EmbeddedValkey | None = None

    def start(self) -> Stack:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        contender, port = self.contender, free_port()
        if contender.redis:
            # Deep enough in clients for one pub/sub connection each.
            self.valkey = EmbeddedValkey.start(self._directory / "valkey", extra_config=(("maxclients", "15000"),))
            self._environment["REDIS_URL"] = self.valkey.url
        front = self._child("front", tuple(part.format(port=port) for part in contender.front))
        if contender.worker:
            worker = self._child("worker", contender.worker)
            worker.until(lambda: contender.worker_ready in worker.output())
        front.until(lambda: listens(port))
        self.target = contender.target(port)

    def _child(self, role: str, command: tuple[str, ...]) -> Child:
        child = Child(command, self._directory / f"{self.contender.name}-{role}.log", self._environment)
        self._children[role] = child
        return child

    @property
    def pids(self) -> dict[str, int]:
        pids = {role: child.pid for role, child in self._children.items()}
        return pids | ({"valkey": self.valkey.pid} if self.valkey else {})

    @property
    def redis_port(self) -> int:
        """Raises `RuntimeError` for a contender without Redis."""
        if self.valkey is None:
            raise RuntimeError(f"{self.contender.name} has no Redis")
        return self.valkey.port

    def complaints(self) -> str:
        """The end of what its processes wrote."""
        return "\n".join(f"{role}: {child.output()[-1000:]}" for role, child in self._children.items())

    def stop(self) -> None:
        for child in self._children.values():
            child.stop()
        if self.valkey is not None:
            self.valkey.kill()
        shutil.rmtree(self._directory, ignore_errors=True)


class Upstream:
    """The simulated Claude."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="bench-"))
        self.port = free_port()
        command = (*KEEPSTREAM, "simulate", "--port", str(self.port))
        self._child = Child(command, self._directory / "upstream.log", {})
        self._child.until(lambda: listens(self.port))
        self.pid = self._child.pid
        self.url = f"http://{LOOPBACK}:{self.port}"
        # Asked as the SDK asks: what a client would see with nothing in between.
        self.target = Target(self.port, "/v1/messages", direct=True, extra={"stream": True})

    def stop(self) -> None:
        self._child.stop()
        shutil.rmtree(self._directory, ignore_errors=True)


class Source:
    """The simplest source of events: what the load generator can take of it is the generator's own limit."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="bench-"))
        port = free_port()
        command = module("tests.bench.contenders.source", str(port))
        self._child = Child(command, self._directory / "source.log", {})
        self._child.until(lambda: listens(port))
        self.pid = self._child.pid
        self.target = Target(port, "/", direct=True)

    def stop(self) -> None:
        self._child.stop()
        shutil.rmtree(self._directory, ignore_errors=True)
