"""Something that changes, and those who wait for it: no change is missed, and nobody looks without one."""

from __future__ import annotations

import asyncio


class Versioned:
    """`version` counts the changes; `watchers` are set at each. Once `closed`, nobody waits any more."""

    def __init__(self) -> None:
        self.version = 0
        self.closed = False
        self.watchers: set[asyncio.Event] = set()
        self._changed: asyncio.Future[None] | None = None

    async def changed(self, since: int | None = None) -> None:
        """Returns when this is newer than its version `since`, by default the present one, or is closed.

        Who looked at something first notes the version, then looks, then waits: what changed meanwhile counts.
        """
        since = self.version if since is None else since
        while self.version == since and not self.closed:
            if self._changed is None:
                self._changed = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._changed)

    def wake(self) -> None:
        """Tells whoever waits for a change."""
        self.version += 1
        for watcher in self.watchers:
            watcher.set()
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
        self._changed = None
