"""Follows one stream to its ending, and shows what comes, what is waited for, and that the connection was lost.

The rule: the first Ctrl-C stops the answer (for everybody: it is really cancelled) and its ending is still awaited; the
second one leaves. A lost connection is the client's to repair and ours to show.
"""

from __future__ import annotations

import asyncio
import math
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from app.clients.python.keepstream import AsyncClient, KeepstreamError
from app.terminal.answer import Answer
from app.terminal.options import Left
from app.terminal.talking.allowing import Allowing

# How often the screen is looked at: the page itself leaves out what would be too often.
LOOK_SECONDS = 0.04
# A text that pauses for so long is said to be still growing.
PAUSE_SECONDS = 2.0
CANCEL_AGAIN_SECONDS = 1.0


class Shown(Protocol):
    """Where an answer is shown while it comes."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def show(self, text: str, status: str, *, whole: bool = False) -> None: ...
    def void(self, why: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Followed:
    """`seconds` is what the text took, where we saw it from its start, and `first` how long it took to begin; `resumed`
    how often the connection was lost.
    """

    answer: Answer
    seconds: float | None
    resumed: int = 0
    first: float | None = None


class Following:
    """One stream on its way to `shown`.

    `stoppable`: whether Ctrl-C cancels it, and does not leave at once; `fresh`: whether it has just begun.
    """

    def __init__(
        self, client: AsyncClient, stream_id: str, shown: Shown, *, stoppable: bool, fresh: bool = True
    ) -> None:
        self._client = client
        self._stream_id = stream_id
        self._shown = shown
        self._stoppable = stoppable
        self._fresh = fresh  # what came before we looked tells nothing of its time
        self._answer = Answer()
        self._clock = asyncio.get_running_loop().time
        self._began = self._said = self._clock()
        self._first: float | None = None
        self._lost = self._opened = False
        self._resumed = 0
        self._back_at: float | None = None
        self._cancelling: asyncio.Task[None] | None = None
        self._allowing = Allowing(client, stream_id, can=stoppable)
        self._left = False

    async def run(self, after: str = "") -> Followed:
        """Returns at the ending. Raises `Left`, or what the client raises."""
        with self._shown:
            reading = asyncio.create_task(self._read(after))
            with _unechoed(), _signals(lambda: self._interrupt(reading), lambda: self._leave(reading)):
                attempt = self._answer.attempt
                while not reading.done():
                    await asyncio.wait({reading}, timeout=LOOK_SECONDS)
                    if self._answer.attempt != attempt:
                        attempt = self._answer.attempt
                        what = "the last part of it" if self._answer.kept else "the answer"
                        self._shown.void(f"{what} begins again ({self._answer.reason})")
                    self._shown.show(self._answer.text[self._answer.kept :], self._status())
                self._shown.show(self._answer.text[self._answer.kept :], "", whole=True)
                self._allowing.close()
            if self._cancelling is not None:
                self._cancelling.cancel()
            if self._left:
                raise Left
            reading.result()
        if self._first is None or not self._fresh:
            return Followed(self._answer, None, self._resumed)
        return Followed(self._answer, self._said - self._first, self._resumed, self._first - self._began)

    async def _read(self, after: str) -> None:
        async with aclosing(self._client.events(self._stream_id, after=after, on_state=self._connection)) as events:
            async for event in events:
                self._answer.take(event)
                self._said = self._clock()
                if event.type == "relay.reset":
                    self._first = None
                    self._fresh = self._fresh and bool(event.id)  # without an id it is told again, by a front
                elif self._first is None and event.type == "content_block_delta":
                    self._first = self._said

    def _connection(self, state: Literal["connecting", "open", "waiting"], seconds: float) -> None:
        match state:
            case "waiting":
                self._lost, self._back_at = True, self._clock() + seconds
            case "connecting":
                self._back_at = None
            case "open":
                self._resumed += self._lost and self._opened
                self._lost, self._opened = False, True

    def _status(self) -> str:
        if self._answer.end is not None:
            return ""
        now = self._clock()
        if self._lost:
            return f"reconnecting{_in(self._back_at, now)}…"
        if self._cancelling is not None:
            return "stopping… (Ctrl-C again to leave)"
        if question := self._allowing.question(self._answer.asked):
            return question
        if self._answer.wait:
            return f"{self._answer.status}{_in(self._said + self._answer.wait, now)}…"
        if self._answer.status:
            return f"{self._answer.status}…"
        return "…" if now - self._said > PAUSE_SECONDS else ""

    def _interrupt(self, reading: asyncio.Task[None]) -> None:
        if self._stoppable and self._cancelling is None:
            self._cancelling = asyncio.create_task(self._cancel())
        else:
            self._leave(reading)

    def _leave(self, reading: asyncio.Task[None]) -> None:
        self._left = True
        reading.cancel()

    async def _cancel(self) -> None:
        """Until the server has heard it: whoever presses Ctrl-C while it is away means it all the same."""
        while True:
            try:
                await self._client.cancel(self._stream_id)
            except KeepstreamError as error:
                if error.final:
                    return
            else:
                return
            await asyncio.sleep(CANCEL_AGAIN_SECONDS)


def _in(then: float | None, now: float) -> str:
    """How long it takes until then; nothing where that is now, or nobody knows."""
    seconds = 0 if then is None else math.ceil(then - now)
    return f" in {seconds} s" if seconds > 0 else ""


@contextmanager
def _unechoed() -> Iterator[None]:
    """What is typed meanwhile, Ctrl-D included, waits for the next line and does not get in between what is shown."""
    if not sys.stdin.isatty():
        yield
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    quiet = list(before)
    quiet[3] = before[3] & ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(number, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


@contextmanager
def _signals(on_interrupt: Callable[[], None], on_terminate: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM are heard, and do not end the process as it stands, while inside."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, on_interrupt)
    loop.add_signal_handler(signal.SIGTERM, on_terminate)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
