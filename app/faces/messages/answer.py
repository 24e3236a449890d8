"""Answers to `POST /v1/messages`: a stream's events, or its one finished Message.

The rule: the head waits for what decides the status. A streamed answer ends after `message_stop` or an `error` event,
and any other end of it is a broken connection; so no client can take a part for the whole.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson
from redis.exceptions import RedisError
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.faces.base.front import Front
from app.faces.base.kept import message_of
from app.faces.messages.view import PING, Broken, Ended, MessagesView, error_event
from app.faces.native.answer import SSE_HEADERS
from app.fanout.beat import PING_SECONDS
from app.fanout.catchup import Data, Part, Reset, Step
from app.fanout.parts import AnotherHistoryError
from app.fanout.reader import Aside, Leave, PatientReader
from app.http import failures
from app.http.body import let_go
from app.http.connection.cycle import break_off
from app.http.errors import REQUEST_ID, ApiError, error_body
from app.intake.submit import again
from app.stream.endings import Outcome
from app.stream.frames import Position
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal

# The longest wait for what decides the status: below what proxies and clients allow a server that says nothing.
HEAD_SECONDS = 30.0
_ANSWERED = frozenset({Outcome.COMPLETED, Outcome.TRUNCATED, Outcome.REFUSED})

Steps = AsyncGenerator[Step | Part | Aside | Leave]


class Answer(Response):
    """What both kinds share: a reader that goes when its client goes, and the stream's name on whatever is answered."""

    def __init__(self, front: Front, stream_id: str, position: Position, *, abandon_after: float | None) -> None:
        super().__init__(headers=names_of(stream_id))
        del self.headers["content-length"]
        self._front = front
        self._stream_id = stream_id
        self._position = position
        self._abandon_after = abandon_after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        let_go(scope)  # what was asked is stored: an answer may take minutes
        hub = self._front.hub
        reader = PatientReader(self._position, hub, asyncio.get_running_loop().time() + HEAD_SECONDS, in_parts=True)
        watching = asyncio.create_task(_watch(receive, reader), name="client")
        try:
            async with contextlib.aclosing(reader.steps(hub, self._stream_id)) as steps:
                await self._serve(steps, reader, scope, send)
        except AnotherHistoryError:
            await break_off(scope, watching)  # in the middle of an event: nothing could be said any more
        except ApiError as error:
            error.headers |= names_of(self._stream_id)
            _take_request_id(error, scope)
            raise
        finally:
            watching.cancel()
            reader.close()

    async def _serve(self, steps: Steps, reader: PatientReader, scope: Scope, send: Send) -> None:
        """Sends the answer. Raises `ApiError` while there is no head yet."""
        raise NotImplementedError

    def _left(self) -> None:
        """The client has left an answer that was not at its end."""
        if self._abandon_after is not None:
            self._front.streams.abandon(self._stream_id, self._abandon_after)


class WholeAnswer(Answer):
    """The finished Message, once there is one."""

    async def _serve(self, steps: Steps, reader: PatientReader, scope: Scope, send: Send) -> None:
        async for step in steps:
            match step:
                case Leave() if reader.gone:
                    self._left()
                    return
                case Leave():
                    raise failures.draining()
                case _:
                    pass
        # Whoever got an error here would ask for the whole answer, and pay for it, again.
        log = self._front.streams.log
        meta = await again(lambda: log.meta(self._stream_id, "partial", *failures.FIELDS))
        if meta is None:
            raise failures.lost()
        size = await again(lambda: log.field_bytes(self._stream_id, "message"))
        if not size or "partial" in meta:
            raise failures.failure_of(meta)
        whole = message_of(self._front, self._stream_id, size, self.headers, patient=True)
        await whole(scope, _nothing, send)


async def _nothing() -> Message:
    raise AssertionError("a whole answer asks its client nothing")


class StreamedAnswer(Answer):
    """The events, from the first content on. `resumed`: the client has had what stands before `position`."""

    def __init__(
        self, front: Front, stream_id: str, position: Position, *, abandon_after: float | None, resumed: bool = False
    ) -> None:
        super().__init__(front, stream_id, position, abandon_after=abandon_after)
        self.headers.update(SSE_HEADERS)
        self._view = MessagesView(shown=resumed)
        self._begun = False

    async def _serve(self, steps: Steps, reader: PatientReader, scope: Scope, send: Send) -> None:
        time = asyncio.get_running_loop().time
        async for step in steps:
            if reader.gone and isinstance(step, Leave | Part):
                self._left()
                return
            out = self._shown(step)
            if not out and isinstance(step, Aside) and time() >= reader.due:
                out = PING  # whatever it says: the clock says what the client is owed
            if out:
                await self._write(send, out)
                reader.due = time() + PING_SECONDS
            if (error := await self._error(step)) is not None:
                await self._fail(error, scope, send)
                return
            if self._view.over is not None:
                if not self._begun:  # who resumes had the `message_stop` before
                    self.status_code = 204
                    del self.headers["content-type"]
                await self._write(send, b"", more=False)
                return
        await self._fail(failures.lost(), scope, send)  # the steps ended without the log's ending

    def _shown(self, step: Step | Part | Aside | Leave) -> bytes:
        match step:
            case Data(data):
                return self._view.take(data)
            case Part(data, first, last):
                return self._view.take_part(data, first=first, last=last)
            case Reset():
                self._view.reset()
        return b""

    async def _error(self, step: Step | Part | Aside | Leave) -> ApiError | None:
        """What the step, or what it brought, means for a client that waits for a whole answer."""
        match step, self._view.over:
            case Leave(), _:
                return failures.draining()
            case _, Broken():
                return failures.interrupted()
            case _, Ended(data) if data["outcome"] not in _ANSWERED:
                return await self._failure(data)
            case _:
                return None

    async def _write(self, send: Send, data: bytes, *, more: bool = True) -> None:
        if not self._begun:
            self._begun = True
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": data, "more_body": more})

    async def _fail(self, error: ApiError, scope: Scope, send: Send) -> None:
        """Tells the failure in the stream, and ends it. Raises it while it can still be the answer."""
        if not self._begun:
            raise error
        _take_request_id(error, scope)
        last = error_event(error_body(error.kind, error.message, scope.get(REQUEST_ID, "")))
        await self._write(send, last, more=False)

    async def _failure(self, end: Mapping[str, Any]) -> ApiError:
        """Why the stream failed: what the meta tells in full, else what its ending says."""
        try:
            meta = await self._front.streams.log.meta(self._stream_id, *failures.FIELDS)
        except (RedisError, *AWAY) as error:
            tell_refusal("messages", error)
            meta = None
        if meta is None:
            meta = {"outcome": str(end["outcome"]).encode(), "error": orjson.dumps(end.get("error")), "content": b"1"}
        return failures.failure_of(meta)


def names_of(stream_id: str) -> dict[str, str]:
    """The headers that name a stream, so that any client can come back to it."""
    return {"x-keepstream-id": stream_id, "location": f"/v1/streams/{stream_id}"}


async def _watch(receive: Receive, reader: PatientReader) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    reader.go()


def _take_request_id(error: ApiError, scope: Scope) -> None:
    """The upstream's id of a request that it refused is worth more than ours."""
    theirs = error.headers.pop("request-id", None)
    if theirs is not None:
        scope[REQUEST_ID] = theirs
