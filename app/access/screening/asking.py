"""A prompt is shown to the screen, and what it says comes within a time.

The rule: somebody else's code never runs on the front's own loop. It has one of its own, in a thread; where that is
held up, those who wait are told so in time, and the next ones get another, of which there are a few at the most. What
it raises, and what it says that is no answer, is no answer: the door is closed then, and that is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from app.access.screens import Metadata, Refusal, Screen, ScreenedPrompt
from app.stream.concurrency.threads import SupervisedThread
from app.stream.errors import place_of
from app.stream.observing import tell
from app.watch.events.of_fronts import ScreenFailed
from app.watch.events.of_streams import Refused
from app.watch.events.subjects import subject, word

# Under way at once in one thread: each holds a prompt.
CALLS_MAX = 256
# Threads that were held up and have not come back.
HELD_UP_MAX = 4
# A loop that has let a prompt wait for its whole time, and does not turn for so long either, is held up.
TURN_SECONDS = 0.25

Said = None | Refusal | Metadata


@dataclass(frozen=True, slots=True)
class Unscreened:
    """Nothing was said. `error` is a class's name or a word of ours, `place` where."""

    error: str
    place: str = ""


class Screening:
    """Asks `screen`, and waits for `seconds`. Without one everything passes."""

    def __init__(self, screen: Screen | None = None, seconds: float = 2.0) -> None:
        self._screen = screen
        self._seconds = seconds
        self._room: _Room | None = None
        self._held_up: list[_Room] = []

    @property
    def off(self) -> bool:
        return self._screen is None

    async def ask(self, prompt: ScreenedPrompt) -> Said | Unscreened:
        """What the screen says of it. A refusal and a failure are told."""
        began = time.monotonic()
        said = await self._ask(prompt)
        seconds = time.monotonic() - began
        match said:
            case Refusal(reason=reason):
                told = word(f"screen:{reason}" if reason else "screen")
                tell(Refused(subject(owner=prompt.owner), word(prompt.model), seconds, told))
            case Unscreened(error, place):
                tell(ScreenFailed(subject(owner=prompt.owner), error, place, seconds))
        return said

    async def _ask(self, prompt: ScreenedPrompt) -> Said | Unscreened:
        if self._screen is None:
            return None
        room = self._open()
        if room is None or len(room.calls) >= CALLS_MAX:
            return Unscreened("busy")
        call = _Call(self._screen, prompt)
        done = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(room.through(call), room.loop))
        try:
            await asyncio.wait({done}, timeout=self._seconds)
            if done.done():
                return done.result()
            room.look()
            return Unscreened("timeout")
        finally:
            call.prompt = None
            done.cancel()

    def _open(self) -> _Room | None:
        """A thread that answers; None where too many do not."""
        if self._room is not None and self._room.silent(TURN_SECONDS):
            self._held_up.append(self._room)
            self._room = None
        for room in [room for room in self._held_up if not room.silent(0)]:
            self._held_up.remove(room)
            room.close()
        if self._room is None and len(self._held_up) < HELD_UP_MAX:
            self._room = _Room()
        return self._room

    async def aclose(self) -> None:
        for room in (*self._held_up, self._room):
            if room is not None:
                room.close()


class _Call:
    """Somebody waits for it as long as it has its prompt."""

    def __init__(self, screen: Screen, prompt: ScreenedPrompt) -> None:
        self.screen = screen
        self.prompt: ScreenedPrompt | None = prompt


class _Room:
    """A loop in a thread that ends with its process, or when nothing in it is held up and it is closed."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.calls: set[_Call] = set()  # changed by one thread and by the other, each time at once
        self._looked: float | None = None
        self._thread = SupervisedThread("screening", self._run)
        self._thread.start()

    def look(self) -> None:
        """Whether its loop still turns is going to be seen by `silent`."""
        if self._looked is None:
            self._looked = time.monotonic()
            self.loop.call_soon_threadsafe(self._seen)

    def silent(self, seconds: float) -> bool:
        """Whether it has not turned for so long since it was looked after."""
        looked = self._looked
        return looked is not None and time.monotonic() - looked >= seconds

    def through(self, call: _Call) -> Coroutine[Any, Any, Said | Unscreened]:
        self.calls.add(call)
        return self._answered(call)

    def close(self) -> None:
        self._thread.stop()
        with contextlib.suppress(RuntimeError):  # it is closed
            self.loop.call_soon_threadsafe(self.loop.stop)

    def _seen(self) -> None:
        self._looked = None

    def _run(self, ended: threading.Event) -> None:
        """Turns, also again after an exit that somebody's task asked for."""
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        if not ended.is_set():
            return
        try:
            tasks = asyncio.all_tasks(self.loop)
            for task in tasks:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        finally:
            self.loop.close()

    async def _answered(self, call: _Call) -> Said | Unscreened:
        try:
            if call.prompt is None:
                return Unscreened("timeout")
            said: object = await call.screen(call.prompt)
        except asyncio.CancelledError:
            return Unscreened("CancelledError")
        except BaseException as error:  # noqa: BLE001  # an exit of somebody's code is not ours
            return Unscreened(type(error).__name__, place_of(error))
        finally:
            self.calls.discard(call)
        if said is None or isinstance(said, Refusal | Metadata):
            return said
        return Unscreened(f"answered:{type(said).__name__}")
