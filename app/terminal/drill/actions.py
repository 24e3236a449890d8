"""What can be done to a part of a deployment: a command, or a signal to a process.

The rule: no shell, no waiting for ever, and what is said of it is what is done.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

# A front drains before its container has stopped.
COMMAND_SECONDS = 90.0
SAID_CHARS_MAX = 300
OUTPUT_BYTES_MAX = 64 * 1024


class NotDoneError(Exception):
    """Nothing was done, and why."""


@dataclass(frozen=True, slots=True)
class Command:
    """`argv` as it is run."""

    argv: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal to a process of this machine."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"kill -{self.name} {self.pid}"


Action = Command | Signal


def as_words(action: Action) -> list[str]:
    """For the command line of another process."""
    return ["signal", str(action.pid), action.name] if isinstance(action, Signal) else ["run", *action.argv]


def of_words(words: Sequence[str]) -> Action:
    """The same back. Raises `ValueError`."""
    match list(words):
        case ["signal", pid, name]:
            return Signal(int(pid), name)
        case ["run", _, *_]:
            return Command(tuple(words[1:]))
        case _:
            raise ValueError("no action")


async def do(action: Action) -> str:
    """Returns what a command said. Raises `NotDoneError`."""
    return _send(action) if isinstance(action, Signal) else await _run(action)


def _send(action: Signal) -> str:
    try:
        os.kill(action.pid, signal.Signals[f"SIG{action.name}"])
    except ProcessLookupError:
        raise NotDoneError(f"there is no process {action.pid}") from None
    except PermissionError:
        raise NotDoneError(f"process {action.pid} is another user's") from None
    return ""


async def _run(action: Command) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *action.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise NotDoneError(f"{action.argv[0]} cannot be run ({error.strerror})") from None
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            out, err = await asyncio.gather(_some(process.stdout), _some(process.stderr))
            status = await process.wait()
    except TimeoutError:
        raise NotDoneError(f"{action.argv[0]} did not end within {COMMAND_SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if status:
        words = " ".join(err.split() or out.split())[:SAID_CHARS_MAX]
        raise NotDoneError(f"{action.argv[0]} ended with {status}: {words or 'it said nothing'}")
    return out


async def _some(stream: asyncio.StreamReader | None) -> str:
    """What it says, as far as anybody would read it."""
    kept = bytearray()
    while stream is not None and (data := await stream.read(65536)):
        kept += data[: max(OUTPUT_BYTES_MAX - len(kept), 0)]
    return kept.decode("utf-8", "replace")
