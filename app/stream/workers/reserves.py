"""What a further call of a stream may cost, promised by its owner's budgets before it is made.

The law: a promise is what the calls did cost so far and one call more, so it may be asked for again. What the first
call may cost is promised with the submit; whatever was promised is settled when the stream is done.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from app.stream import keys
from app.stream.accounts import Limit
from app.stream.log import Claim
from app.stream.scripts import source


class Promised:
    """The call may be made."""


class Fenced:
    """Somebody newer holds the stream."""


@dataclass(frozen=True, slots=True)
class Unpaid:
    """That budget has room for no more than `left` nano-dollars. `now_ms` is of Redis' clock."""

    limit: Limit
    left: int
    now_ms: int


class Reserves:
    """The promises of one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._reserve = redis.register_script(source("queue/accounts", "queue/reserve"))

    async def reserve(self, claim: Claim, spent_nano: int, unpriced: int = 0) -> Promised | Fenced | Unpaid:
        """For one call more of a stream whose calls did cost so much until now, but for `unpriced` of them, of which
        nobody knows it.
        """
        reply = await self._reserve(
            keys=[keys.CLAIMS, keys.reserved(claim.stream_id)],
            args=[claim.stream_id, claim.fence, claim.holder, spent_nano, keys.ACCOUNT, keys.QUEUE_SECONDS, unpriced],
        )
        match reply:
            case [b"ok"]:
                return Promised()
            case [b"fenced"]:
                return Fenced()
            case _:
                limit, left, now = reply
                return Unpaid(Limit(limit.decode()), int(left), int(now))
