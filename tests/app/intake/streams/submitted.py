"""A front's streams, one that was submitted, and what is on the outbox once it has ended."""

from __future__ import annotations

from dataclasses import replace

from redis.asyncio import Redis

from app.intake.prompt import Defaults, prompt_of
from app.intake.streams import Streams
from app.prices import Prices
from app.settings import Settings
from app.stream import keys
from app.stream.conversations.store import Conversations
from app.stream.log import Log
from app.stream.queue import Queue

OWNER = "me"


def streams_of(redis: Redis) -> Streams:
    log = Log(redis)
    settings = replace(Settings(), lease_seconds=60)
    return Streams(log, Queue(redis), Conversations(redis, log), settings, "front", pricing=Prices().cost)


async def submit(streams: Streams) -> str:
    prompt = prompt_of({"prompt": "hello"}, Defaults("claude-x", 100))
    return (await streams.submit(prompt, OWNER, {})).stream_id


async def outbox(redis: Redis) -> list[dict[bytes, bytes]]:
    return [entry for _, entry in await redis.xrange(keys.OUTBOX)]
