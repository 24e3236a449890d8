"""What is said of an outage: a line when it begins, one now and then while it stays, and one when it is over.

The rule: everybody who asks Redis tells of it, and who waits for it at the start; that is one trouble. What is ours to
mend, or the operator's, is said for each who asked: there it matters who.
"""

from __future__ import annotations

import time

from app.stream.observing import Event, RedisAwaited, RedisBack, RedisRefused
from app.stream.redis.refusals import Kind

# A trouble that stays is said again this often, in seconds.
SAID_AGAIN_SECONDS = 30.0
_OF_EVERYBODY = (Kind.AWAY, Kind.FOR_NOW, Kind.ELSEWHERE)


class Outages:
    """`asker` is one of a few words, and so are kinds and codes: what is kept is bounded."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str, str], float] = {}
        self._away = False

    def keeps_quiet(self, event: Event) -> bool:
        """Whether this was said a moment ago; if not, it counts as said now."""
        match event:
            case RedisBack():
                said, self._away = self._away, False
                return not said
            case RedisRefused(kind=Kind.AWAY) | RedisAwaited(kind=Kind.AWAY):
                quiet = self._is_said((Kind.AWAY, "", ""))
                self._away = self._away or not quiet
                return quiet
            case RedisRefused(asker=asker, kind=kind, code=code):
                return self._is_said((kind, code, "" if kind in _OF_EVERYBODY else asker))
        return False

    def _is_said(self, key: tuple[str, str, str]) -> bool:
        now = time.monotonic()
        if now - self._said.get(key, -SAID_AGAIN_SECONDS) < SAID_AGAIN_SECONDS:
            return True
        self._said[key] = now
        return False
