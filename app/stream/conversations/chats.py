"""Chats: which stream each of them shows, for clients that know a chat's id and no stream's.

The law: a chat shows one stream, the last that took it; whoever takes it learns which one it was before, and cancels
that one. Of two that take it at once, the later cancels the earlier. A chat is its owner's. Knows nothing of logs.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from app.stream import keys
from app.stream.redis.ordered import Prepared
from app.stream.scripts import source, source_on_full


@dataclass(frozen=True, slots=True)
class Chat:
    """What a chat shows.

    `parts`: what the message had before this stream, as JSON or nothing; `shown`: some client was given the stream to
    its ending, or stopped it.
    """

    stream_id: str
    message_id: str
    parts: bytes = b""
    shown: bool = False


class Chats:
    """The chats of one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._take = redis.register_script(source("conversations/chat_take"))
        self._leave = redis.register_script(source_on_full("conversations/chat_leave"))
        self._shown = redis.register_script(source_on_full("conversations/chat_shown"))

    async def take(self, owner: str, chat_id: str, chat: Chat, life_ms: int) -> str | None:
        """Makes the chat show another stream; returns the one that it showed before. It is kept for `life_ms`."""
        asked = self._asked(owner, chat_id, chat, life_ms, keys.chat(owner, chat_id))
        before = await asked.script(keys=asked.keys, args=asked.args)
        return before.decode() or None

    def taking(self, owner: str, chat_id: str, chat: Chat, life_ms: int) -> Prepared:
        """What `take` asks, for who submits the stream in the same trip: done only where the submit was taken."""
        return self._asked(owner, chat_id, chat, life_ms, keys.arq_job(chat.stream_id))

    def _asked(self, owner: str, chat_id: str, chat: Chat, life_ms: int, if_stands: str) -> Prepared:
        return Prepared(
            self._take,
            [keys.chat(owner, chat_id), keys.chat_before(owner, chat_id), if_stands],
            [chat.stream_id, chat.message_id, life_ms, chat.parts, keys.SUBMIT_SECONDS * 1000],
        )

    async def leave(self, owner: str, chat_id: str, stream_id: str, life_ms: int) -> bool:
        """The chat shows again what it showed before `stream_id`; False where it shows another stream."""
        keys_ = [keys.chat(owner, chat_id), keys.chat_before(owner, chat_id)]
        return bool(await self._leave(keys=keys_, args=[stream_id, life_ms]))

    async def find(self, owner: str, chat_id: str) -> Chat | None:
        fields = ("stream", "message", "parts", "shown")
        values = await self._redis.execute_command("HMGET", keys.chat(owner, chat_id), *fields)  # type: ignore[no-untyped-call]
        stream_id, message_id, parts, shown = values
        if stream_id is None:
            return None
        return Chat(stream_id.decode(), message_id.decode(), parts, shown is not None)

    async def shown(self, owner: str, chat_id: str, stream_id: str) -> bool:
        """Notes that nothing of `stream_id` is left to show; False where the chat has gone on to another."""
        return bool(await self._shown(keys=[keys.chat(owner, chat_id)], args=[stream_id]))
