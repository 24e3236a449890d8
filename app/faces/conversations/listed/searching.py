"""What the front does in conversations: looks for what was said in them.

The rule: one call looks at so much and for so long, and says where it stopped; whoever wants more goes on from there.
A few are under way at once, one of each owner, and what is large takes its turn. Only what is shown of a conversation
is looked at: its title and its active branch. For who has left nothing more is looked at. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

from app.faces.conversations.keeping import Keeping
from app.faces.conversations.listed.matching import Late, Match, folded, match_of
from app.http.bulk import Bulk
from app.intake.streams import Streams
from app.settings import Settings
from app.stream.concurrency.threads import beside
from app.stream.conversations.conversation import Conversation
from app.stream.errors import BusyError

SEARCH_BYTES = 8 * 1024 * 1024
SEARCH_SECONDS = 1.0
AT_ONCE = 2
# Who waits for so long that the searches of others begin is told to come back.
WAIT_SECONDS = 10.0
_LISTED = 50


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, whether there is more to look at, and the last conversation that it looked at."""

    rows: Sequence[tuple[Conversation, Match]]
    more: bool
    last_id: str | None


class Searching(Keeping):
    """Conversations as what can be found."""

    def __init__(self, streams: Streams, settings: Settings, bulk: Bulk) -> None:
        super().__init__(streams, settings, bulk)
        self._searches = asyncio.Semaphore(AT_ONCE)
        self._owners: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def search(self, owner: str, query: str, before: str | None, limit: int, left: Late = _never) -> Found | None:
        """Up to `limit` conversations behind `before` that say `query`, last used first; None for no such `before`.

        `left` says whether who asked has gone: one asks anew with each letter, and waits for what one asked before.
        Raises `BusyError` where too many search, or nothing could be looked at.
        """
        async with self._turn(owner):
            return await self._search(owner, folded(query.strip()), before, limit, left)

    @asynccontextmanager
    async def _turn(self, owner: str) -> AsyncIterator[None]:
        mine = self._owners.setdefault(owner, asyncio.Lock())
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await held.enter_async_context(mine)  # first, so that what waits for its owner holds no other up
                    await held.enter_async_context(self._searches)
            except TimeoutError:
                raise BusyError("too many searches are under way; try again") from None
            yield

    async def _search(self, owner: str, query: str, before: str | None, limit: int, left: Late) -> Found | None:
        until, room = time.monotonic() + SEARCH_SECONDS, SEARCH_BYTES
        rows: list[tuple[Conversation, Match]] = []
        last, place = before, await self.store.place(owner, before)
        if place is None:
            return None
        while not left() and (places := await self.store.behind(owner, place, _LISTED + 1)):
            there = await self.store.standing(owner, places[:_LISTED])
            for n, found in enumerate(there):
                try:
                    match = await self._look(found, query, until, left, alone=last == before)
                except (BusyError, TimeoutError):
                    if last == before:  # whoever asks again would get no further
                        raise
                    return Found(rows, more=True, last_id=last)
                rows += [(found, match)] if match else []
                last, room = found.id, room - found.bytes
                if len(rows) == limit or room <= 0 or time.monotonic() > until or left():
                    return Found(rows, n + 1 < len(there) or len(places) > _LISTED, last)
            place = places[:_LISTED][-1]
        return Found(rows, more=False, last_id=last)

    async def _look(self, found: Conversation, query: str, until: float, left: Late, *, alone: bool) -> Match | None:
        """Raises `BusyError`, and `TimeoutError` where it was late before all was looked at; not of the one that a call
        begins with (`alone`), whose rest is passed over once it had a whole call's time.
        """
        title = found.text("title")
        if match := match_of(title, (), query, _never):
            return match
        async with self.bulk.turn(found.bytes):
            read = await self.store.raw(found.id)
            if read is None:
                return None
            if alone:
                until = time.monotonic() + SEARCH_SECONDS
            try:
                return await beside(
                    found.bytes, lambda: match_of(None, read[1], query, lambda: left() or time.monotonic() > until)
                )
            except TimeoutError:
                if alone:
                    return None
                raise
