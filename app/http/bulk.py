"""Turns for what is large: so many bytes are held for clients at once, and who comes beyond waits.

The rule: memory and connections of a front are not the sum of what everybody asks for. What many ask for at once is
held once. Who waits too long is told to come back; while somebody waits, a client that does not take what is held for
it is cut off, so that nobody can hold others up. What is small takes no turn. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from app.stream.errors import BusyError

T = TypeVar("T")

# What each client may hold for itself.
SMALL_BYTES = 32 * 1024
BYTES_AT_ONCE = 96 * 1024 * 1024
WAIT_SECONDS = 30.0
# A client that takes nothing for so long, or less than so many bytes a second in all, is slow; looked for this often.
STILL_SECONDS = 10.0
SLOWEST = 64 * 1024
LOOK_SECONDS = 1.0


class Taker:
    """A client on its way through what is held for it; `cut` ends its connection."""

    def __init__(self, cut: Callable[[], object]) -> None:
        self.cut = cut
        self._since = self._moved = asyncio.get_running_loop().time()
        self._taken = 0

    def took(self, size: int) -> None:
        self._moved = asyncio.get_running_loop().time()
        self._taken += size

    @property
    def slow(self) -> bool:
        now = asyncio.get_running_loop().time()
        return now - self._moved > STILL_SECONDS or now - self._since > STILL_SECONDS + self._taken / SLOWEST


class _Held:
    """Something large that is held for all who have asked for it; `holders` of them are not through."""

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.holders = 0
        self.left = asyncio.Event()
        self.made: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None


class Bulk:
    """The turns of one front."""

    def __init__(self, at_once: int = BYTES_AT_ONCE) -> None:
        self._at_once = at_once
        self._free = at_once
        self._line = asyncio.Lock()
        self._freed = asyncio.Event()
        self._held: dict[Hashable, _Held] = {}
        self._takers: set[Taker] = set()

    @asynccontextmanager
    async def turn(self, size: int, *, patient: bool = False) -> AsyncIterator[None]:
        """A turn for so many bytes. In the order of asking. Raises `BusyError`, unless `patient`."""
        if size <= SMALL_BYTES:
            yield
            return
        taken = min(size, self._at_once)
        try:
            async with asyncio.timeout(None if patient else WAIT_SECONDS), self._line:
                while self._free < taken:
                    self._freed.clear()
                    await self._until_freed()
                self._free -= taken
        except TimeoutError:
            raise BusyError("too much is being read right now; try again") from None
        try:
            yield
        finally:
            self._free += taken
            self._freed.set()

    @asynccontextmanager
    async def shared(
        self, key: Hashable, size: int, make: Callable[[], Awaitable[T]], *, patient: bool = False
    ) -> AsyncIterator[T]:
        """What `make` makes, of about `size` bytes: held once for all who ask for `key` while one of them holds it.

        Raises `BusyError`, unless `patient`, and what `make` raises.
        """
        if size <= SMALL_BYTES:
            yield await make()
            return
        held, made = await self._made(key, size, make, patient=patient)
        del key, make  # what only looks the same is not held for as long as somebody takes
        try:
            yield made
        finally:
            self._part_with(held)

    async def _made(
        self, key: Hashable, size: int, make: Callable[[], Awaitable[T]], *, patient: bool
    ) -> tuple[_Held, T]:
        while True:
            held = self._held.get(key)
            if held is None:
                held = self._held[key] = _Held(key)
                held.task = asyncio.create_task(self._hold(held, size, make, patient=patient), name="bulk")
            held.holders += 1
            try:
                return held, await asyncio.shield(held.made)
            except BaseException as error:
                self._part_with(held)
                if not (patient and isinstance(error, BusyError)):  # of somebody else, who was not
                    raise

    def _part_with(self, held: _Held) -> None:
        held.holders -= 1
        if held.holders:
            return
        self._forget(held)
        held.left.set()
        if not held.made.done() and held.task is not None:
            held.task.cancel()

    async def _hold(self, held: _Held, size: int, make: Callable[[], Awaitable[Any]], *, patient: bool) -> None:
        try:
            async with self.turn(size, patient=patient):
                held.made.set_result(await make())
                await held.left.wait()
        except Exception as error:  # noqa: BLE001  # whoever asked hears of it, and who comes later asks anew
            self._forget(held)
            held.made.set_exception(error)
            held.made.exception()  # if anybody still waits

    def _forget(self, held: _Held) -> None:
        if self._held.get(held.key) is held:
            del self._held[held.key]

    @contextmanager
    def taking(self, cut: Callable[[], object]) -> Iterator[Taker]:
        """For a client that takes bit by bit what is held for it: cut off where it is slow and others wait."""
        taker = Taker(cut)
        self._takers.add(taker)
        try:
            yield taker
        finally:
            self._takers.discard(taker)

    async def _until_freed(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._freed.wait()
        except TimeoutError:
            for taker in [taker for taker in self._takers if taker.slow]:
                self._takers.discard(taker)
                taker.cut()
