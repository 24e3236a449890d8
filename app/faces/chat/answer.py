"""The answer of `/api/chat`: a stream as the AI SDK reads it, from its first chunk to `[DONE]`.

The rule: the body ends cleanly only after `[DONE]`. A front that must go before breaks the connection, which the SDK
reports as one that broke and can resume; a clean end would be taken for a whole answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.faces.base.front import Front
from app.faces.chat.view import HEADERS, PING, UIMessagesView
from app.faces.native.answer import SSE_HEADERS
from app.fanout.beat import PING_SECONDS
from app.fanout.catchup import Data, Lost, Part, Reset, Step
from app.fanout.parts import PART_BYTES
from app.fanout.reader import Aside, Leave, PatientReader
from app.http.connection.cycle import break_off
from app.http.connection.heard import when_heard
from app.http.large import send_in_parts
from app.stream.errors import BusyError
from app.stream.frames import Position


class ChatAnswer(Response):
    """`view` is fresh, and shows `stream_id` from `position` on; `chat` is its owner and the chat's id."""

    def __init__(
        self, front: Front, view: UIMessagesView, stream_id: str, position: Position, chat: tuple[str, str]
    ) -> None:
        names = {"x-keepstream-id": stream_id, "location": f"/v1/streams/{stream_id}"}
        super().__init__(headers=SSE_HEADERS | HEADERS | names)
        del self.headers["content-length"]
        self._front = front
        self._view = view
        self._stream_id = stream_id
        self._position = position
        self._chat = chat
        self._due = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        reader = PatientReader(self._position, self._front.hub, asyncio.get_running_loop().time() + PING_SECONDS)
        watching = asyncio.create_task(_watch(receive, reader), name="client")
        try:
            with contextlib.suppress(BusyError):  # as when the front drains: who comes back may be lucky
                await self._serve(reader, scope, send)
            if not self._view.over and not reader.gone:
                await break_off(scope, watching)
            elif self._view.over and not reader.gone:
                when_heard(scope, self._note_shown)
        finally:
            watching.cancel()
            reader.close()

    async def _serve(self, reader: PatientReader, scope: Scope, send: Send) -> None:
        time = asyncio.get_running_loop().time

        async def write(data: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": more})
            reader.due = time() + PING_SECONDS

        await write(self._view.head())
        async with contextlib.aclosing(reader.steps(self._front.hub, self._stream_id)) as steps:
            async for step in steps:
                if isinstance(step, Leave):
                    return
                shown = self._show(step)
                if len(shown) > PART_BYTES:
                    bulk = self._front.conversing.bulk
                    async with bulk.shared(shown, len(shown), partial(_itself, shown)) as whole:
                        shown = b""  # all who are shown the same hold it once
                        await send_in_parts([whole], bulk, scope, send)
                    reader.due = time() + PING_SECONDS
                elif shown:
                    await write(shown)
                elif time() >= reader.due:
                    await write(PING)
                if self._view.over:
                    break
        await write(b"", more=False)

    def _show(self, step: Step | Part | Aside) -> bytes:
        match step:
            case Data(data):
                step.data = b""  # which would be held for as long as the client takes what is made of it
                return self._view.take(data)
            case Part(data):  # whole: this reader asks for no parts
                return self._view.take(data)
            case Aside(data):
                return self._view.aside(data)
            case Reset():
                return self._view.reset()
            case Lost():
                return self._view.lost()

    def _note_shown(self) -> None:
        """The client has all of it. What the kernel alone was given, a phone out of reach has not."""
        shown, front = partial(self._front.chats.shown, *self._chat, self._stream_id), self._front
        front.streams.owed.add("chat: what was shown", shown, front.settings.stream_ttl)


async def _itself(data: bytes) -> bytes:
    return data


async def _watch(receive: Receive, reader: PatientReader) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    reader.go()
