"""The client for programs that await. `client.py` has the same calls for those that block."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from typing import Any, Literal, Self, overload

import httpx

from .async_conversations import AsyncConversations
from .core import interface
from .core.credentials import AsyncGiven, Credentials
from .core.request import base_of, shown, whole
from .core.resuming import SILENCE_SECONDS, OnState, Reading, heedless
from .errors import no_numbers
from .iterating import AsyncEvents
from .shapes import Cancelled, Feedback, Message, Stream, Submitted, Ticket, Timeline, Tools, Usage
from .wire.awaiting import AsyncWire
from .wire.outgoing import Sending


class AsyncClient:
    """Talks to one Keepstream; `async with` closes its connections. Used by the tasks of one event loop.

        async with AsyncClient("http://127.0.0.1:8000", api_key=key) as client:
            stream = await client.submit("Tell me about rivers")
            async for event in client.events(stream["id"]):
                print(event.text, end="", flush=True)

    `api_key` is a key or a token, or a function (also a coroutine function) that is asked for one before each request
    and once more when one is refused. With a key that may act for users, `user` is the one it acts for. With a
    `ticket`, given likewise, in place of a key, the one stream can be read that it opens. `timeout`: after how many
    seconds in which nothing came a connection is dead; the server pings every 15. `http_client`: what to send with,
    for certificates, proxies and hooks of one's own; it is not closed here.

    Calls raise `KeepstreamError`, and `ValueError` for arguments that cannot be sent.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: AsyncGiven = None,
        user: str | None = None,
        ticket: AsyncGiven = None,
        timeout: float = SILENCE_SECONDS,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        sending = Sending(base_of(base_url), timeout)
        self._use(AsyncWire(sending, Credentials.checked(api_key, ticket, user), http_client))

    def _use(self, wire: AsyncWire) -> None:
        self._wire = wire
        self.conversations = AsyncConversations(wire)

    def acting_for(self, user: str | None) -> AsyncClient:
        """The same client for another user: over the same connections, which the first one closes."""
        other = copy(self)
        other._use(self._wire.acting_for(user))  # noqa: SLF001  # it is one of ours
        return other

    @overload
    async def submit(
        self, prompt: str | Mapping[str, Any], *, idempotency_key: str | None = None, on_state: OnState = heedless
    ) -> Submitted: ...

    @overload
    async def submit(
        self,
        prompt: str | Mapping[str, Any],
        *,
        wait: float,
        idempotency_key: str | None = None,
        on_state: OnState = heedless,
    ) -> Submitted | Stream: ...

    async def submit(
        self,
        prompt: str | Mapping[str, Any],
        *,
        wait: float | None = None,
        idempotency_key: str | None = None,
        on_state: OnState = heedless,
    ) -> Submitted | Stream:
        """Submits a text, or a body of the Messages API (with `relay`, where one wants something of the relay).

        Tries again when the network or the server fails, up to five times; that makes one stream only. `on_state` is
        told `"waiting"` and the seconds before the next try. With `wait` the server waits so many seconds (up to 120)
        for the ending: if that comes in time, the answer is the stream as `stream` tells it, its `state` `"ended"`.
        """
        return await self._wire.submit(interface.submit(prompt, wait), idempotency_key, on_state)

    def events(
        self, stream_id: str, *, after: str = "", partial: bool = False, on_state: OnState = heedless
    ) -> AsyncEvents:
        """The events from the newest attempt's start, or after the id `after`, up to the ending.

        It ends only after `End`, or raises: a connection that is cut or falls silent is opened again after the last
        event that was handed out. After `Reset` forget what came before. A stream that had ended at `after` gives
        nothing. With `partial` there are `Partial` events as well: what the JSON of an answer says so far. `on_state`
        is told of the connection: `"connecting"`, `"open"`, and `"waiting"` with the seconds before the next one; what
        it raises ends the reading.
        """
        reading = Reading(after)
        return AsyncEvents(self._wire.read(interface.events(stream_id, partial=partial), reading, on_state), reading)

    def follow(
        self, events_url: str, *, after: str = "", partial: bool = False, on_state: OnState = heedless
    ) -> AsyncEvents:
        """As `events`, of an `events_url`, which may carry a ticket. `ValueError` if it is another server's."""
        reading = Reading(after)
        request = interface.follow(whole(self._wire.sending.base, events_url), partial=partial)
        return AsyncEvents(self._wire.read(request, reading, on_state), reading)

    async def stream(self, stream_id: str) -> Stream:
        """A stream as it stands; once it has ended with its outcome, usage, and Message or error."""
        return await self._wire.send(interface.stream(stream_id))

    async def message(self, stream_id: str) -> Message:
        """The finished Message. `ConflictError` while the stream runs; else the stream's own error."""
        return await self._wire.send(interface.message(stream_id))

    async def cancel(self, stream_id: str) -> Cancelled:
        """Cancels a stream for everybody; it ends as `cancelled` unless it had ended."""
        return await self._wire.send(interface.cancel(stream_id))

    async def approve(
        self, stream_id: str, tool_use_id: str, *, approve: bool = True, reason: str | None = None
    ) -> dict[str, Any]:
        """Answers `Approval`: whether this call of a tool may be made. The model is told the reason of a refusal."""
        found: dict[str, Any] = await self._wire.send(
            interface.approve(stream_id, tool_use_id, reason, approve=approve)
        )
        return found

    async def tool_results(
        self,
        stream_id: str,
        results: Sequence[interface.Given],
        *,
        idempotency_key: str | None = None,
        on_state: OnState = heedless,
    ) -> Submitted:
        """Goes on with a stream that ended with calls of tools of one's own, all of which are answered. As `submit`."""
        return await self._wire.submit(interface.tool_results(stream_id, results), idempotency_key, on_state)

    async def timeline(self, stream_id: str, *, as_operator: bool = False) -> Timeline:
        """What happened to a stream, in plain words; as an operator of anybody's."""
        return await self._wire.send(interface.timeline(stream_id, as_operator=as_operator))

    async def ticket(self, stream_id: str, *, expires_in: float | None = None) -> Ticket:
        """What lets whoever has it read this stream and nothing else, for so many seconds."""
        return await self._wire.send(interface.ticket(stream_id, expires_in))

    async def feedback(self, stream_id: str, rating: Literal[1, -1], note: str | None = None) -> Feedback:
        """A word on an answer, in place of an earlier one: 1 is good, -1 is bad."""
        return await self._wire.send(interface.feedback(stream_id, rating, note))

    async def usage(
        self,
        first: str | None = None,
        last: str | None = None,
        *,
        by: Literal["day", "model", "user"] | None = None,
        owner: str | None = None,
    ) -> Usage:
        """What was used and what it cost from one day to another (`"2026-01-31"`, in UTC, both inclusive).

        By default of the last 30 days, a row for each day. `owner`: another one, for a key with the right `admin`.
        """
        return await self._wire.send(interface.usage(first, last, by, owner))

    async def tools(self) -> Tools:
        """The tools that workers run for you, by the names that `relay={"tools": […]}` may have."""
        return await self._wire.send(interface.tools())

    async def models(self) -> dict[str, Any]:
        """The models of the Claude API, as `GET /v1/models` there: `{"data": [{"id", "display_name", …}], …}`."""
        return await self._wire.send(interface.models())

    async def board(self, on_state: OnState = heedless) -> AsyncGenerator[dict[str, Any]]:
        """What operators see, for a key with the right `admin`: a snapshot a second, for as long as one reads."""
        async with aclosing(self._wire.read(interface.board(), Reading.of_board(), on_state)) as events:
            async for event in events:
                yield event.data

    async def snapshot(self) -> dict[str, Any]:
        """What operators see now."""
        async with aclosing(self._wire.connection(interface.board(), Reading.of_board(), heedless)) as events:
            async for event in events:
                found: dict[str, Any] = event.data
                return found
        raise no_numbers()

    async def request(
        self, method: str, path: str, *, json: Any = None, params: Mapping[str, str] | None = None
    ) -> Any:
        """One call of the HTTP interface that has no method here: the answer's JSON, None where it has no body."""
        return await self._wire.send(interface.other(method, path, json, params))

    async def aclose(self) -> None:
        await self._wire.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncClient({shown(self._wire.sending.base)!r})"
