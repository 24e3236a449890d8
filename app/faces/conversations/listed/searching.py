"""What the front does in conversations: looks for what was said in them.

The rule: one call looks at so much and for so long, and says where it stopped; whoever wants more goes on from there.
A few are under way at once, and what is large takes its turn. Only what is shown of a conversation is looked at: its
title and its active branch. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from app.faces.conversations.keeping import Keeping
from app.faces.conversations.listed.matching import Match, folded, match_of
from app.http.bulk import Bulk
from app.intake.streams import Streams
from app.settings import Settings
from app.stream.concurrency.threads import beside
from app.stream.conversations.conversation import Conversation

SEARCH_BYTES = 8 * 1024 * 1024
SEARCH_SECONDS = 1.0
AT_ONCE = 2
_LISTED = 50


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

    async def search(self, owner: str, query: str, before: str | None, limit: int) -> Found | None:
        """Up to `limit` conversations behind `before` that say `query`, last used first; None for no such `before`."""
        async with self._searches:
            return await self._search(owner, folded(query.strip()), before, limit)

    async def _search(self, owner: str, query: str, before: str | None, limit: int) -> Found | None:
        loop = asyncio.get_running_loop()
        until, room = loop.time() + SEARCH_SECONDS, SEARCH_BYTES
        rows: list[tuple[Conversation, Match]] = []
        last, more = before, True
        while more:
            page = await self.store.page(owner, last, _LISTED)
            if page is None:  # what was looked at last has gone
                return None if last == before else Found(rows, more=False, last_id=last)
            listed, more = page
            for n, found in enumerate(listed):
                if match := await self._look(found, query):
                    rows.append((found, match))
                last, room = found.id, room - found.bytes
                if len(rows) == limit or room <= 0 or loop.time() > until:
                    return Found(rows, more or n + 1 < len(listed), last)
        return Found(rows, more=False, last_id=last)

    async def _look(self, found: Conversation, query: str) -> Match | None:
        title = found.text("title")
        if match := match_of(title, (), query):
            return match
        async with self.bulk.turn(found.bytes):
            read = await self.store.raw(found.id)
            return None if read is None else await beside(found.bytes, lambda: match_of(None, read[1], query))
