"""A command of ours on a terminal of its own: a person types, and sees a screen."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import fcntl
import os
import re
import struct
import subprocess
import termios
from typing import Self

from tests.harness.running import KEEPSTREAM, clean_environment
from tests.harness.terminal.screen import Screen
from tests.patience import PATIENCE

# What is not heard in this time is lost.
LOST_SECONDS = 10.0
CTRL_C, CTRL_D, ENTER = "\x03", "\x04", "\r"
ALT_ENTER, UP = "\x1b\r", "\x1b[A"


class Typing:
    """`async with` starts the command and, at the end, kills it if it still runs."""

    def __init__(self, *arguments: str, width: int = 80, height: int = 24, **environment: str) -> None:
        self.screen = Screen(width, height)
        self.seen = ""  # whatever was on the screen at any moment
        self._arguments = arguments
        self._environment = clean_environment(TERM="xterm", PYTHONUNBUFFERED="", INPUTRC="/dev/null", **environment)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.master, inside = os.openpty()
        size = struct.pack("HHHH", self.screen.height, self.screen.width, 0, 0)
        fcntl.ioctl(inside, termios.TIOCSWINSZ, size)
        self.process = subprocess.Popen(  # noqa: ASYNC220  # an asyncio one cannot be given a terminal of its own
            [*KEEPSTREAM, *self._arguments],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env=self._environment,
            start_new_session=True,
            preexec_fn=_own_terminal,  # noqa: PLW1509  # nothing in it takes a lock
        )
        os.close(inside)
        os.set_blocking(self.master, False)
        asyncio.get_running_loop().add_reader(self.master, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        asyncio.get_running_loop().remove_reader(self.master)
        os.close(self.master)

    def type(self, keys: str) -> None:
        os.write(self.master, os.fsencode(keys))

    async def say(self, text: str) -> None:
        """Types a line once one is asked for."""
        await self.sees(r"(^|\n)> *$")
        self.type(text + ENTER)

    async def interrupts(self, pattern: str) -> None:
        """Types Ctrl-C at an empty line; returns once the pattern is on the screen.

        One that comes just before Python's readline waits for a key is heard with the next one.
        """
        self.type(CTRL_C)
        try:
            await self._shown(pattern, LOST_SECONDS)
        except TimeoutError:
            self.type(CTRL_C)
            await self.sees(pattern)

    async def sees(self, pattern: str) -> re.Match[str]:
        """Returns once the pattern is on the screen."""
        try:
            return await self._shown(pattern, PATIENCE)
        except TimeoutError:
            raise AssertionError(f"no {pattern!r} on the screen:\n{self.screen.text}") from None

    async def _shown(self, pattern: str, seconds: float) -> re.Match[str]:
        async with asyncio.timeout(seconds):
            while not (match := re.search(pattern, self.screen.text)):
                self._changed.clear()
                await self._changed.wait()
        return match

    async def leaves(self) -> int:
        """Types a last Ctrl-C at an empty line; returns the exit code."""
        self.type(CTRL_C)
        try:
            return await self.ends(LOST_SECONDS)
        except TimeoutError:
            self.type(CTRL_C)
            return await self.ends()

    async def ends(self, seconds: float = PATIENCE) -> int:
        """The exit code."""
        async with asyncio.timeout(seconds):
            code = await asyncio.to_thread(self.process.wait)
        self._read()
        return code

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # its end was closed, or nothing is left
            while data := os.read(self.master, 65536):
                text = self._decoder.decode(data)
                self.seen += text
                self.screen.feed(text)
                self._changed.set()


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
