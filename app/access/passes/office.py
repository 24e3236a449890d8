"""The tickets of all fronts: made and checked under one secret, which is either given or agreed on in Redis.

The rule: what one front made opens at every other. Without a secret of the settings the first front that needs one puts
it into Redis and all take that; who has it goes on while Redis is away, and puts it there again where Redis lost it.
"""

from __future__ import annotations

import asyncio
import secrets
import time

from redis.asyncio import Redis

from app.access.caller import Confined
from app.access.passes.tickets import SECRET_BYTES, Ticket, checked, made
from app.stream import keys
from app.stream.redis.refusals import NO_ANSWER

# How old what is known of the agreed secret may be: for so long two fronts may disagree after Redis lost it.
KNOWN_SECONDS = 10.0


class TicketOffice:
    """`secret` is the settings', or None; `seconds` is the longest that a ticket lives."""

    def __init__(self, redis: Redis, secret: str | None, seconds: float) -> None:
        self._redis = redis
        self._seconds = seconds
        self._given = secret is not None
        self._secret = None if secret is None else secret.encode()
        self._known_at = 0.0

    async def open(self) -> None:
        """From here on tickets can be made. Raises Redis' errors where the secret is not known and cannot be had."""
        await self._current()

    async def issue(self, log_id: str, seconds: float | None = None) -> tuple[str, int]:
        """A ticket for a log, and when it ends in milliseconds since 1970: so many seconds, or as long as any may."""
        life = self._seconds if seconds is None else min(seconds, self._seconds)
        expires_ms = _now_ms() + int(life * 1000)
        return made(await self._current(), Ticket(Confined(log_id), expires_ms)), expires_ms

    async def check(self, text: str) -> Confined | None:
        """What a ticket opens, or None. Raises Redis' errors where the secret is not known and cannot be had."""
        return checked(await self._current(), text, _now_ms())

    async def _current(self) -> bytes:
        now = asyncio.get_running_loop().time()
        if self._secret is not None and (self._given or now - self._known_at < KNOWN_SECONDS):
            return self._secret
        before, self._known_at = self._known_at, now  # who comes meanwhile goes on with what is known
        try:
            self._secret = await self._agree(self._secret or secrets.token_bytes(SECRET_BYTES))
        except NO_ANSWER:
            if self._secret is None:
                self._known_at = before
                raise
        return self._secret

    async def _agree(self, ours: bytes) -> bytes:
        """The secret that stands in Redis; ours, where there is none."""
        # Asked before anything is set: that is possible also where Redis has no room.
        found: bytes | None = await self._redis.getex(keys.TICKET_SECRET, ex=keys.QUEUE_SECONDS)
        if found is None:
            await self._redis.set(keys.TICKET_SECRET, ours, nx=True, ex=keys.QUEUE_SECONDS)
            found = await self._redis.get(keys.TICKET_SECRET)
        return found or ours


def _now_ms() -> int:
    """By this machine's clock: a ticket lasts as long as the fronts' clocks agree on it."""
    return time.time_ns() // 1_000_000
