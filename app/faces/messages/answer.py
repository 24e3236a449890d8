"""Answers to `POST /v1/messages`: a stream's events, or its one finished Message.

The rule: the head waits for what decides the status. A streamed answer ends after `message_stop` or an `error` event,
and any other end of it is a broken connection; so no client can take a part for the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from redis.exceptions import RedisError
from starlette.types import Message, Receive, Scope, Send

from app.faces.base import measured
from app.faces.base.answer import SSE_HEADERS, FollowingAnswer, Steps
from app.faces.base.front import Front
from app.faces.base.names import headers_of_stream
from app.faces.base.result import FIELDS, failure_of, message_of
from app.faces.messages.view import PING, Broken, Ended, MessagesView, error_event
from app.fanout.catchup import Data, Part, Reset, Step
from app.fanout.reader import Aside, Leave, TimedReader
from app.http.errors import REQUEST_ID, ApiError, draining, error_body
from app.intake.submit import again
from app.stream.endings import WHOLE, is_withheld
from app.stream.frames import Position
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal

# The longest wait for what decides the status: below what proxies and clients allow a server that says nothing.
HEAD_SECONDS = 30.0


class Answer(FollowingAnswer):
    """What both kinds share: the first word is the status, and a refusal before it is the upstream's own."""

    face = "messages"
    first_seconds = HEAD_SECONDS
    in_parts = True

    def __init__(
        self,
        front: Front,
        stream_id: str,
        position: Position,
        *,
        abandon_after: float | None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(front, stream_id, position, headers or {})
        self._abandon_after = abandon_after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except ApiError as error:
            error.headers |= headers_of_stream(self._stream_id)
            _take_request_id(error, scope)
            raise

    def _left(self) -> None:
        """The client has left an answer that was not at its end."""
        if self._abandon_after is not None:
            self._front.streams.abandon(self._stream_id, self._abandon_after)


class WholeAnswer(Answer):
    """The finished Message, once there is one."""

    async def _serve(self, steps: Steps, reader: TimedReader, scope: Scope, send: Send) -> bool:
        async for step in steps:
            match step:
                case Leave() if reader.gone:
                    self._left()
                    return False
                case Leave():
                    raise draining()
                case _:
                    pass
        # Whoever got an error here would ask for the whole answer, and pay for it, again.
        log = self._front.streams.log
        meta = await again(lambda: log.meta(self._stream_id, "partial", *FIELDS, *measured.FIELDS))
        if meta is None:
            raise _lost()
        size = await again(lambda: log.field_bytes(self._stream_id, "message"))
        if not size or "partial" in meta or is_withheld(meta):
            raise failure_of(meta)
        self.headers.update(measured.measured(meta))
        whole = message_of(self._front, self._stream_id, size, self.headers, patient=True)
        await whole(scope, _nothing, send)
        return True


async def _nothing() -> Message:
    raise AssertionError("a whole answer asks its client nothing")


class StreamedAnswer(Answer):
    """The events, from the first content on. `resumed`: the client has had what stands before `position`."""

    def __init__(
        self, front: Front, stream_id: str, position: Position, *, abandon_after: float | None, resumed: bool = False
    ) -> None:
        super().__init__(front, stream_id, position, abandon_after=abandon_after, headers=SSE_HEADERS)
        self._view = MessagesView(shown=resumed)
        self.resumed = resumed

    async def _serve(self, steps: Steps, reader: TimedReader, scope: Scope, send: Send) -> bool:
        time = asyncio.get_running_loop().time
        async for step in steps:
            if reader.gone and isinstance(step, Leave | Part):
                self._left()
                return False
            out = self._shown(step)
            if not out and isinstance(step, Aside) and time() >= reader.due:
                out = PING  # whatever it says: the clock says what the client is owed
            if out:
                await self._write(reader, send, out)
            if (error := await self._error(step)) is not None:
                await self._fail(error, reader, scope, send)
                return True
            if self._view.over is not None:
                if not self._begun:  # who resumes had the `message_stop` before
                    self.status_code = 204
                    del self.headers["content-type"]
                await self._write(reader, send, b"", more=False)
                return True
        await self._fail(_lost(), reader, scope, send)  # the steps ended without the log's ending
        return True

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
                return draining()
            case _, Broken():
                # Another attempt has begun after something of this one was shown.
                return ApiError(500, "the stream was interrupted and has begun again; what came so far is void")
            case _, Ended(data) if data["outcome"] not in WHOLE:
                return await self._failure(data)
            case _:
                return None

    async def _fail(self, error: ApiError, reader: TimedReader, scope: Scope, send: Send) -> None:
        """Tells the failure in the stream, and ends it. Raises it while it can still be the answer."""
        if not self._begun:
            raise error
        _take_request_id(error, scope)
        last = error_event(error_body(error.kind, error.message, scope.get(REQUEST_ID, ""), error.details))
        await self._write(reader, send, last, more=False)

    async def _failure(self, end: Mapping[str, Any]) -> ApiError:
        """Why the stream failed: what the meta tells in full, else what its ending says."""
        try:
            meta = await self._front.streams.log.meta(self._stream_id, *FIELDS)
        except (RedisError, *AWAY) as error:
            tell_refusal("messages", error)
            meta = None
        if meta is None:
            meta = {"outcome": str(end["outcome"]).encode(), "error": orjson.dumps(end.get("error")), "content": b"1"}
        return failure_of(meta)


def _lost() -> ApiError:
    return ApiError(500, "the stream was lost by Redis; start it again")


def _take_request_id(error: ApiError, scope: Scope) -> None:
    """The upstream's id of a request that it refused is worth more than ours."""
    theirs = error.headers.pop("request-id", None)
    if theirs is not None:
        scope[REQUEST_ID] = theirs
