"""A conversation as an answer: its messages go out as they are kept, one by one, as fast as the client takes them.

The rule: nothing is parsed, nothing is joined, and what is held for all clients together is bounded (`bulk`). A client
that takes it too slowly is cut off: others wait for what it holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.front import Front
from app.stream.conversations import Conversation
from app.stream.errors import NoConversationError
from app.submit import again
from app.takeover import CYCLE

# Bytes per second, beyond the first seconds.
SLOWEST = 64 * 1024
LEAST_SECONDS = 30.0

Around = Callable[[Conversation], dict[str, Any]]


class Kept(Response):
    """`around` makes what stands around the messages of a conversation.

    They are read when it is this answer's turn.
    """

    def __init__(
        self,
        front: Front,
        found: Conversation,
        around: Around,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code=status, headers=headers, media_type="application/json")
        del self.headers["content-length"]
        self._front = front
        self._found = found
        self._around = around

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # an ASGI application's
        async with self._front.conversing.bulk.turn(self._found.bytes):
            conversation, messages = await self._read()
            parts = [orjson.dumps(self._around(conversation))[:-1] + b',"messages":[']
            for message in messages:
                parts += [message, b","]
            parts[-1:] = [b"]}"] if messages else [parts[-1] + b"]}"]
            self.headers["content-length"] = str(sum(map(len, parts)))
            try:
                async with asyncio.timeout(LEAST_SECONDS + sum(map(len, parts)) / SLOWEST):
                    await self._send(parts if scope["method"] != "HEAD" else [], send)
            except TimeoutError:
                if (cycle := scope.get(CYCLE)) is not None:
                    cycle.transport.abort()

    async def _send(self, parts: list[bytes], send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _read(self) -> tuple[Conversation, list[bytes]]:
        """The conversation and its messages, of one moment, in which a stream that it names runs."""
        conversing, found = self._front.conversing, self._found
        while True:
            read = await again(lambda: conversing.store.raw(self._found.id))
            if read is None or read[0].deleted:
                raise NoConversationError(deleted=True)
            if read[0].position == found.position or read[0].stream_id is None:
                return read
            found = await again(lambda: conversing.find(self._found.owner, self._found.id))
