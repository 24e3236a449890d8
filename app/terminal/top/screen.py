"""The board on the whole of a terminal, until somebody leaves it.

The rule: what stands there is drawn anew when anything is new, the age of the newest numbers included; how a terminal
was found, so it is left. Before the first snapshot there is nothing to look at: what keeps it from coming ends the
command.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from app.clients.python.keepstream import AsyncClient
from app.terminal.top.drawing import Standing, draw
from app.terminal.top.figures import Letters

# How often it is looked whether there is anything to be drawn anew.
LOOK_SECONDS = 0.25
LEAVES = frozenset(b"qQ")


class Board:
    """The newest snapshot, and how the connection to who sends them is."""

    def __init__(self, shown: dict[str, Any]) -> None:
        self._retry_at = 0.0
        self.take(shown)

    def take(self, shown: dict[str, Any]) -> None:
        self.shown, self._came = shown, time.monotonic()

    def connection(self, state: str, wait: float) -> None:
        """What the client says of it."""
        self._retry_at = time.monotonic() + wait if state == "waiting" else 0.0

    @property
    def standing(self) -> Standing:
        now = time.monotonic()
        return Standing(now - self._came, max(self._retry_at - now, 0.0))


async def watch(client: AsyncClient) -> None:
    """Returns when somebody leaves. Raises what keeps the first snapshot from coming, and what is final."""
    board, leaving = Board(await client.snapshot()), asyncio.Event()
    console = Console(highlight=False)
    letters = Letters.of(console.encoding)
    following = asyncio.create_task(_follow(client, board))
    try:
        with _keys(leaving), Live(console=console, screen=True, auto_refresh=False) as live:
            drawn: tuple[Any, ...] = ()
            while not leaving.is_set() and not following.done():
                width, height = console.size
                lines = draw(board.shown, board.standing, width, height, letters)
                if drawn != (width, height, lines):
                    drawn = (width, height, lines)
                    live.update(_Lines(lines), refresh=True)
                await _until(leaving, following)
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


async def _follow(client: AsyncClient, board: Board) -> None:
    async with aclosing(client.board(board.connection)) as snapshots:
        async for shown in snapshots:
            board.take(shown)


async def _until(leaving: asyncio.Event, following: asyncio.Task[None]) -> None:
    """A moment, or until it is over."""
    left = asyncio.create_task(leaving.wait())
    await asyncio.wait({left, following}, timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED")
    left.cancel()


@contextlib.contextmanager
def _keys(leaving: asyncio.Event) -> Iterator[None]:
    """Hears single keys, and unsays it; a size that changes is drawn for at the next look."""
    loop, file = asyncio.get_running_loop(), sys.stdin.fileno()
    before = termios.tcgetattr(file)

    def heard() -> None:
        typed = os.read(file, 1024)
        if not typed or LEAVES & set(typed):
            leaving.set()

    tty.setcbreak(file)
    loop.add_reader(file, heard)
    try:
        yield
    finally:
        loop.remove_reader(file)
        termios.tcsetattr(file, termios.TCSADRAIN, before)


class _Lines:
    """Lines as they are: they have been cut to fit."""

    def __init__(self, lines: list[Text]) -> None:
        self._lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for number, line in enumerate(self._lines):
            if number:
                yield Segment.line()
            yield from Text().append_text(line).render(console)  # a text alone renders without its own style
