"""A whole Keepstream for your tests, in one line of a `conftest.py`:

    pytest_plugins = ["keepstream.testing"]

    def test_an_answer(keepstream):
        with keepstream.client() as client:
            stream = client.submit("Hello [[sim: tokens=3]]")
            assert [event.outcome for event in client.events(stream["id"])][-1] == "completed"

The fixture `keepstream` is a simulated Claude, a Valkey, a front and a worker, real processes that are started once for
all tests (the server's command `keepstream` has to be beside this Python, or on the path) and end with them. What the
simulated Claude is to do is said in the prompt, in `[[sim: …]]`: `keepstream simulate --help` lists it. What a real one
did once is played again:

    with keepstream.replaying("answer.sse", cut="40%", times=1) as relay: ...

Settings of your own are given by a fixture `keepstream_settings` that you override.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from .async_client import AsyncClient
from .client import Client

__all__ = ["Keepstream", "keepstream", "keepstream_settings", "running"]

START_SECONDS = 60.0
STOP_SECONDS = 15.0
# What would make it another one than asked for.
_OURS = re.compile(r"KEEPSTREAM_|ANTHROPIC_|(STREAMS_)?REDIS_URL|OTEL_")
_SIMULATOR = re.compile(r"^simulated Claude on (http://\S+)")
_FRONT = re.compile(r"Keepstream is up: (https?://\S+)")


@dataclass(frozen=True)
class Keepstream:
    """One that runs. `url` is its front's address, `claude` the simulated Claude's."""

    url: str
    claude: str
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)

    def client(self, api_key: str | None = None) -> Client:
        return Client(self.url, api_key=api_key)

    def async_client(self, api_key: str | None = None) -> AsyncClient:
        return AsyncClient(self.url, api_key=api_key)

    @contextmanager
    def replaying(
        self,
        *files: str | os.PathLike[str],
        pace: str | float = 0,
        cut: str | None = None,
        stall: float | None = None,
        times: int | None = None,
    ) -> Iterator[Keepstream]:
        """Another one, whose Claude answers with what `keepstream capture` wrote, byte for byte, file after file.

        `pace`: `"recorded"`, or pieces a second, 0 for all at once. `cut`: the connection is reset after so much of the
        bytes, such as `"40%"`; `stall`: seconds of silence there, or halfway; at the first `times` calls, or at all.
        """
        options = ["--replay", *(os.fspath(file) for file in files), "--pace", str(pace)]
        for name, value in (("--cut", cut), ("--stall", stall), ("--times", times)):
            options += [name, str(value)] if value is not None else []
        with running(self.settings, options) as another:
            yield another


@contextmanager
def running(settings: Mapping[str, str] | None = None, simulate: Sequence[str] = ()) -> Iterator[Keepstream]:
    """One with these settings, and these options of `keepstream simulate`; its data goes with it.

    Raises `RuntimeError` where it does not start.
    """
    settings = dict(settings or {})
    kept = {name: value for name, value in os.environ.items() if not _OURS.match(name)} | {"PYTHONUNBUFFERED": "1"}
    with ExitStack() as stack:
        pace = ("--rate", "0", "--first", "0")
        claude = stack.enter_context(_started(["simulate", "--port", "0", *pace, *simulate], kept, _SIMULATOR))
        upstream = {"ANTHROPIC_BASE_URL": claude, "ANTHROPIC_API_KEY": "simulated"}
        dev = ["dev", "--port", "0", "--ephemeral"]
        url = stack.enter_context(_started(dev, {**kept, **upstream, **settings}, _FRONT))
        yield Keepstream(url, claude, settings)


@pytest.fixture(scope="session")
def keepstream_settings() -> Mapping[str, str]:
    """Environment variables for front and worker; yours, where you override it."""
    return {}


@pytest.fixture(scope="session")
def keepstream(keepstream_settings: Mapping[str, str]) -> Iterator[Keepstream]:
    """A Keepstream that runs for as long as the tests do."""
    with running(keepstream_settings) as found:
        yield found


@contextmanager
def _started(arguments: Sequence[str], environment: Mapping[str, str], ready: re.Pattern[str]) -> Iterator[str]:
    """A process that ends within; what it said when it was ready."""
    process = subprocess.Popen(  # noqa: S603  # our own command
        [_command(), *arguments],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C is pytest's to hear, which ends it
    )
    try:
        yield _said(process, ready)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _command() -> str:
    beside = Path(sys.executable).with_name("keepstream")
    found = str(beside) if beside.exists() else shutil.which("keepstream")
    if found is None:
        where = "neither beside this Python nor on the path"
        raise RuntimeError(f"no command `keepstream`, {where}: `uv tool install` the server, from a clone of it")
    return found


def _said(process: subprocess.Popen[str], ready: re.Pattern[str]) -> str:
    """What is in the line that is waited for. All others are read for as long as it runs, or it would stand still."""
    assert process.stdout is not None  # noqa: S101  # for the type checker
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    until, said = time.monotonic() + START_SECONDS, ""
    while True:
        try:
            line = lines.get(timeout=max(until - time.monotonic(), 0))
        except queue.Empty:
            raise RuntimeError(f"keepstream did not start in {START_SECONDS:.0f} s:\n{said}") from None
        if line is None:
            raise RuntimeError(f"keepstream did not start:\n{said}")
        if found := ready.search(line):
            return found[1]
        said += line


def _read(output: IO[str], lines: queue.SimpleQueue[str | None]) -> None:
    with output:
        for line in output:
            lines.put(line)
    lines.put(None)
