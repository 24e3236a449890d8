"""The tickets of all fronts: made and checked under one secret, which is either given or agreed on in Redis.

The rule: what one front made opens at every other. Without a secret of the settings the first front that needs one puts
it into Redis and all take that; who has it goes on while Redis is away, and puts it there again where Redis lost it.
The clock is Redis' own, so that no two fronts' clocks are compared.
"""

from __future__ import annotations

import math
import secrets
import time

from redis.asyncio import Redis

from app.access.caller import Confined
from app.access.passes.tickets import SECRET_BYTES, Ticket, checked, made
from app.settings import SettingsError
from app.stream import keys
from app.stream.redis.refusals import NO_ANSWER

# How old may be what is known of the secret, for so long two fronts may disagree after Redis lost it, and of the time.
KNOWN_SECONDS = 10.0
# Who has a ticket can try secrets at home: a word would be found.
SECRET_BYTES_MIN = 16


def check_secret(secret: str | None) -> None:
    """Raises `SettingsError` for one that is given and too short."""
    if secret is not None and len(secret.encode()) < SECRET_BYTES_MIN:
        raise SettingsError(f"KEEPSTREAM_TICKET_SECRET must have {SECRET_BYTES_MIN} bytes or more, at random")


class TicketOffice:
    """`secret` is the settings', or None; `seconds` is the longest that a ticket lives."""

    def __init__(self, redis: Redis, secret: str | None, seconds: float) -> None:
        self._redis = redis
        self._seconds = seconds
        self._given = secret is not None
        self._secret = None if secret is None else secret.encode()
        self._asked_at = -math.inf
        self._clock = time.monotonic
        # When Redis' clock said so; until it was asked it is this machine's.
        self._began, self._began_ms = self._clock(), time.time_ns() // 1_000_000

    async def open(self) -> None:
        """From here on tickets can be made. Raises Redis' errors where the secret is not known and cannot be had."""
        await self._current()

    async def issue(self, log_id: str, seconds: float | None = None) -> tuple[str, int]:
        """A ticket for a log, and when it ends in milliseconds since 1970: so many seconds, or as long as any may."""
        life = self._seconds if seconds is None else min(seconds, self._seconds)
        secret = await self._current()
        expires_ms = self._now_ms() + int(life * 1000)
        return made(secret, Ticket(Confined(log_id), expires_ms)), expires_ms

    async def check(self, text: str) -> Confined | None:
        """What a ticket opens, or None. Raises Redis' errors where the secret is not known and cannot be had."""
        return checked(await self._current(), text, self._now_ms())

    def _now_ms(self) -> int:
        return self._began_ms + int((self._clock() - self._began) * 1000)

    async def _current(self) -> bytes:
        """The secret; asks for that, and what time it is, where it was not for a while."""
        now = self._clock()
        if self._secret is None or now - self._asked_at >= KNOWN_SECONDS:
            before, self._asked_at = self._asked_at, now  # who comes meanwhile goes on with what is known
            try:
                seconds, microseconds = await self._redis.time()
                self._began, self._began_ms = self._clock(), seconds * 1000 + microseconds // 1000
                if not self._given:
                    self._secret = await self._agree(self._secret or secrets.token_bytes(SECRET_BYTES))
            except NO_ANSWER:
                if self._secret is None:
                    self._asked_at = before
                    raise
        assert self._secret is not None  # noqa: S101  # for the type checker
        return self._secret

    async def _agree(self, ours: bytes) -> bytes:
        """The secret that stands in Redis; ours, where there is none."""
        # Asked before anything is set: that is possible also where Redis has no room.
        found: bytes | None = await self._redis.getex(keys.TICKET_SECRET, ex=keys.QUEUE_SECONDS)
        if found is None:
            await self._redis.set(keys.TICKET_SECRET, ours, nx=True, ex=keys.QUEUE_SECONDS)
            found = await self._redis.get(keys.TICKET_SECRET)
        return found or ours
