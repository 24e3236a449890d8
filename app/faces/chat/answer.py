"""The answer of `/api/chat`: a stream as the AI SDK reads it, from its first chunk to `[DONE]`.

The rule: the body ends cleanly only after `[DONE]`. A front that must go before breaks the connection, which the SDK
reports as one that broke and can resume; a clean end would be taken for a whole answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

from starlette.types import Receive, Scope, Send

from app.faces.base.answer import SSE_HEADERS, FollowingAnswer, Steps
from app.faces.base.front import Front
from app.faces.chat.view import HEADERS, PING, RESUMABLE_HEADER, UIMessagesView
from app.fanout.beat import PING_SECONDS
from app.fanout.catchup import Data, Lost, Part, Reset, Step
from app.fanout.parts import PART_BYTES
from app.fanout.reader import Aside, Leave, TimedReader
from app.http.connection.heard import when_heard
from app.http.whole import send_in_parts
from app.stream.errors import BusyError
from app.stream.frames import Position


class ChatAnswer(FollowingAnswer):
    """`view` is fresh, and shows `stream_id` from `position` on; `chat` is its owner and the chat's id, or None where
    no chat shows it.
    """

    face = "chat"

    def __init__(
        self, front: Front, view: UIMessagesView, stream_id: str, position: Position, chat: tuple[str, str] | None
    ) -> None:
        super().__init__(front, stream_id, position, SSE_HEADERS | HEADERS | {RESUMABLE_HEADER: stream_id})
        self._view = view
        self._chat = chat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._begin(send)
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
            else:
                await super().__call__(scope, receive, send)
        finally:
            self.left()

    async def _serve(self, steps: Steps, reader: TimedReader, scope: Scope, send: Send) -> bool:
        with contextlib.suppress(BusyError):  # as when the front drains: who comes back may be lucky
            await self._show(steps, reader, scope, send)
        if self._view.over and self._chat is not None and not reader.gone:
            when_heard(scope, partial(self._note_shown, *self._chat))
        return self._view.over

    async def _show(self, steps: Steps, reader: TimedReader, scope: Scope, send: Send) -> None:
        time, bulk = asyncio.get_running_loop().time, self._front.bulk
        await self._write(reader, send, self._view.head())
        async for step in steps:
            if isinstance(step, Leave):
                return
            shown = self._shown(step)
            if len(shown) > PART_BYTES:
                async with bulk.shared(shown, len(shown), partial(_itself, shown)) as whole:
                    shown = b""  # all who are shown the same hold it once
                    await send_in_parts([whole], bulk, scope, send)
                reader.due = time() + PING_SECONDS
            elif shown:
                await self._write(reader, send, shown)
            elif time() >= reader.due:
                await self._write(reader, send, PING)
            if self._view.over:
                break
        await self._write(reader, send, b"", more=False)

    def _shown(self, step: Step | Part | Aside) -> bytes:
        match step:
            case Data(data):
                step.data = b""  # which would be held for as long as the client takes what is made of it
                return self._view.take(data)
            case Part(data):  # whole: this reader asks for no parts
                return self._view.take(data)
            case Aside(said):
                return self._view.aside(said)
            case Reset():
                return self._view.reset()
            case Lost():
                return self._view.lost()

    def _note_shown(self, owner: str, chat_id: str) -> None:
        """The client has all of it. What the kernel alone was given, a phone out of reach has not."""
        shown, front = partial(self._front.chats.shown, owner, chat_id, self._stream_id), self._front
        front.streams.owed.add("chat: what was shown", shown, front.settings.stream_ttl)


async def _itself(data: bytes) -> bytes:
    return data
