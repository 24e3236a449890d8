"""What people think of an answer: said once, kept with the stream and with its conversation, and on the outbox.

The law: the outbox's entry comes first and decides. It stands once for each word, however often that is said; each has
a number, and what is kept elsewhere is a copy of the highest: it may be made late, twice and in any order. No HTTP.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import orjson
from redis.asyncio import Redis

from app.stream import keys
from app.stream.scripts import source

# What an outbox entry of this kind has as `kind`; that of an ended stream has none.
KIND = "feedback"
# What people write below an answer; more is a prompt.
NOTE_CHARACTERS = 2000
# How often one may say something else of the same answer: the outbox is everybody's.
TIMES_MAX = 5
# Of a conversation's opinions together: a small part of what its messages may take.
CONVERSATION_BYTES = 1024 * 1024
# Besides, for thumbs whose words find no room.
THUMBS_BYTES = 64 * 1024


class Said(StrEnum):
    """What saying it came to, in the script's own words. `CHANGED`: another rating; `NOTED`: another note."""

    NEW = "new"
    CHANGED = "changed"
    NOTED = "noted"
    SAME = "same"
    OFTEN = "often"


@dataclass(frozen=True, slots=True)
class Opinion:
    """`rating` is 1 or -1; `note` is empty where there is none."""

    rating: int
    note: str = ""

    def shown(self) -> dict[str, int | str]:
        return {"rating": self.rating} | ({"note": self.note} if self.note else {})

    @property
    def digest(self) -> str:
        return hashlib.sha256(orjson.dumps([self.rating, self.note])).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Rated:
    """An answer that people have an opinion of. `conversation` is empty where it stands in none."""

    stream_id: str
    owner: str
    model: str
    delivery: str
    conversation: str = ""


@dataclass(frozen=True, slots=True)
class Home:
    """Where the answer of a stream stands that is gone itself."""

    conversation: str
    owner: str
    model: str


class Opinions:
    """The opinions on one outbox; `logs` is where the streams are, if not there."""

    def __init__(self, redis: Redis, logs: Redis | None = None) -> None:
        self._logs = logs = redis if logs is None else logs
        self._say = redis.register_script(source("queue/rate"))
        self._with_stream = logs.register_script(source("log/rate"))
        self._in_conversation = logs.register_script(source("conversations/rate"))

    async def home(self, stream_id: str) -> Home | None:
        """Where the answer of an ended stream stands; None for one of no conversation, or of long ago."""
        found: bytes | None = await self._logs.get(keys.home(stream_id))
        return Home(*found.decode().split("\n", 2)) if found is not None else None

    async def stays_home(self, stream_id: str, life_ms: int) -> None:
        """Where the answer stands is known as long again as its conversation, which was used since."""
        await self._logs.expire(keys.home(stream_id), life_ms // 1000 + 1)

    async def say(self, rated: Rated, opinion: Opinion, word: str) -> tuple[Said, int]:
        """Puts an opinion on the outbox; what came of it, and its number. `word` tells this request from others."""
        entry: dict[str, str | int] = {
            "kind": KIND,
            "id": rated.stream_id,
            "owner": rated.owner,
            "rating": opinion.rating,
            **({"note": opinion.note} if opinion.note else {}),
            "model": rated.model,
            "delivery": rated.delivery,
        }
        flat = [part for pair in entry.items() for part in pair]
        said, number = await self._say(
            keys=[keys.OUTBOX, keys.rated(rated.stream_id)],
            args=[keys.OUTBOX_LENGTH, keys.QUEUE_SECONDS, word, opinion.rating, opinion.digest, TIMES_MAX, *flat],
        )
        return Said(said.decode()), number

    async def copy(self, rated: Rated, message_id: str, opinion: Opinion, number: int) -> None:
        """Leaves it where the answer is read: with the stream, and with its conversation."""
        kept = _kept(opinion, number)
        await self._with_stream(keys=[keys.meta(rated.stream_id)], args=[kept])
        if rated.conversation:
            keys_ = [keys.meta(rated.conversation), keys.opinions(rated.conversation)]
            done = await self._in_conversation(keys=keys_, args=[message_id, kept, CONVERSATION_BYTES])
            if not done and opinion.note:  # no room for its words, or there is no such conversation
                bare = _kept(Opinion(opinion.rating), number)
                await self._in_conversation(keys=keys_, args=[message_id, bare, CONVERSATION_BYTES + THUMBS_BYTES])


def _kept(opinion: Opinion, number: int) -> bytes:
    return b"%d %b" % (number, orjson.dumps(opinion.shown()))


def told(kept: bytes) -> orjson.Fragment:
    """An opinion as it is shown, of what is kept of it."""
    return orjson.Fragment(kept.partition(b" ")[2])
