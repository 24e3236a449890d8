"""Real processes in tests: lines are waited for, ends are waited for, and each is ended by its pid."""

from __future__ import annotations

import asyncio
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.harness.warm.forked import CAN, Forked
from tests.patience import PATIENCE

KEEPSTREAM = (sys.executable, "-m", "app.cli")
_OURS = re.compile(r"KEEPSTREAM_|ANTHROPIC_|(STREAMS_)?REDIS_URL|NO_COLOR|OTEL_")


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment without any setting of Keepstream's but these."""
    kept = {name: value for name, value in os.environ.items() if not _OURS.match(name)}
    return kept | {"PYTHONUNBUFFERED": "1"} | settings


class Running:
    """A process whose output is collected, and which is killed at the end of the `with` block if it still runs."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        warm: bool = False,
    ) -> None:
        """`warm`: as of `keepstream`."""
        environment = clean_environment() if environment is None else environment
        self.process: subprocess.Popen[str]
        if warm and CAN:
            self.process = Forked(command[2], command[3:], environment, cwd=cwd, session=True)
        else:
            self.process = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.pid = self.process.pid
        self.lines: list[str] = []
        self._arriving: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def line(self, pattern: str, *, after: int = 0, seconds: float = PATIENCE) -> re.Match[str]:
        """The first line, from number `after` on, in which the pattern is found; waits for it to be printed."""
        deadline, seen = time.monotonic() + seconds, after
        while True:
            for line in self.lines[seen:]:
                if match := re.search(pattern, line):
                    return match
            seen = max(seen, len(self.lines))
            if not self._take(deadline):
                raise AssertionError(f"no line with {pattern!r} in:\n{self.output}")

    def wait(self) -> int:
        """Its exit status, once it and its output have ended."""
        status = self.process.wait(PATIENCE)
        while self._take(time.monotonic() + PATIENCE):
            pass
        return status

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def descendants(self) -> list[int]:
        return [process.pid for process in psutil.Process(self.pid).children(recursive=True)]

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        # A process that outlived this one may hold its output open; then the test has failed, and must not hang here.
        if self.process.stdout is not None and not self._reader.is_alive():
            self.process.stdout.close()

    def _take(self, deadline: float) -> bool:
        """Move a line to `lines`; False at the end of the output, or of the time."""
        try:
            line = self._arriving.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return False
        if line is None:
            self._arriving.put(None)
            return False
        self.lines.append(line)
        return True

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._arriving.put(line.rstrip("\n"))
        self._arriving.put(None)


def keepstream(*arguments: str, cwd: Path | None = None, warm: bool = False, **settings: str) -> Running:
    """The command line as a process of its own. `warm`: how it starts is not what is tested."""
    return Running([*KEEPSTREAM, *arguments], cwd=cwd, environment=clean_environment(**settings), warm=warm)


@dataclass(frozen=True)
class Ended:
    """A command that has ended, with all that it wrote."""

    status: int
    out: str
    err: str


async def to_its_end(
    *command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None, seconds: float | None = PATIENCE
) -> Ended:
    """Runs a command to its end; where that does not come in time nothing that it started outlives it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=clean_environment() if environment is None else environment,
        start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def wait_until_gone(pids: Iterable[int]) -> None:
    """Wait until none of the processes runs; one that only waits to be reaped is gone. Those that stay are killed."""
    deadline = time.monotonic() + PATIENCE
    left = [pid for pid in pids if is_running(pid)]
    while left and time.monotonic() < deadline:
        time.sleep(0.01)
        left = [pid for pid in left if is_running(pid)]
    still_running = [" ".join(psutil.Process(pid).cmdline()) for pid in left]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert still_running == []


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a way of its own to take this signal, as Python by itself has for SIGINT alone."""
    [mask] = re.findall(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(int(mask, 16) >> (number - 1) & 1)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
