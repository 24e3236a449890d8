"""What the workers offer as tools: left in Redis with their renewals, read by the fronts.

The rule: what is offered is what somebody said who is there; workers of one version say the same, and it stands once.
What is too large to be said is not offered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from redis.asyncio import Redis

from app.stream import keys
from app.stream.scripts import source, source_on_full

# Of one worker's definitions, all together.
OFFER_BYTES_MAX = 1024 * 1024
# So often a worker says it in a lease, and at once when it changes; who has not for so many leases, and for so many
# seconds, is gone: workers that die or stand still for a moment refuse no prompt for a tool of theirs for good.
SAID_PER_LEASE = 1.5
LEASES_UNSAID = 2
UNSAID_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as it is told to who asks. `owners`: who may use it, None for everybody."""

    name: str
    description: str
    input_schema: Mapping[str, Any]
    approve: bool = False
    repeatable: bool = False
    owners: tuple[str, ...] | None = None

    def may(self, owner: str) -> bool:
        return self.owners is None or owner in self.owners

    def shown(self) -> dict[str, Any]:
        """What is told of it: not whose it is."""
        return {
            "name": self.name,
            "description": self.description,
            "input_schema": self.input_schema,
            "approve": self.approve,
            "repeatable": self.repeatable,
        }


class Offers:
    """The offers of one Redis."""

    def __init__(self, redis: Redis, lease_seconds: float) -> None:
        self._redis = redis
        self._gone_ms = int(max(LEASES_UNSAID * lease_seconds, UNSAID_SECONDS) * 1000)
        self._offer = redis.register_script(source_on_full("queue/offer"))
        self._offered = redis.register_script(source("queue/offered"))

    async def say(self, worker: str, definitions: bytes) -> None:
        """That a worker is there and offers these (`written`)."""
        digest = hashlib.sha256(definitions).hexdigest()
        if not await self._said(worker, digest):
            await self._said(worker, digest, definitions)

    async def forget(self, worker: str) -> None:
        """That it offers nothing any more."""
        await self._said(worker)

    async def _said(self, worker: str, digest: str = "", definitions: bytes = b"") -> bool:
        said = await self._offer(
            keys=[keys.TOOLS, keys.TOOL_TEXTS],
            args=[worker, digest, definitions, keys.QUEUE_SECONDS, self._gone_ms],
        )
        return bool(said)

    async def all(self) -> list[Offer]:
        """What is offered, by name; one name may be there several times, of workers of different versions."""
        texts = await self._offered(keys=[keys.TOOLS, keys.TOOL_TEXTS], args=[self._gone_ms])
        return sorted((offer for text in texts for offer in _read(text)), key=lambda offer: offer.name)


def written(offers: Iterable[Offer]) -> tuple[bytes, list[str]]:
    """The definitions as they are said, and the names of those that have no room in it."""
    parts: list[bytes] = []
    left_out: list[str] = []
    room = OFFER_BYTES_MAX
    for offer in offers:
        part = orjson.dumps(offer)
        if len(part) < room:
            parts.append(part)
            room -= len(part) + 1
        else:
            left_out.append(offer.name)
    return b"[%b]" % b",".join(parts), left_out


def _read(text: bytes) -> list[Offer]:
    """Of a worker of another version as well: what cannot be read is not offered, what it says besides is no matter."""
    try:
        return [
            Offer(
                name=one["name"],
                description=one["description"],
                input_schema=one["input_schema"],
                approve=bool(one.get("approve")),
                repeatable=bool(one.get("repeatable")),
                owners=None if one.get("owners") is None else tuple(one["owners"]),
            )
            for one in orjson.loads(text)
        ]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return []
