"""A client of Keepstream for Python: submit a prompt, read its events, survive everything in between.

    async with Client("http://127.0.0.1:8000", api_key=key) as client:
        stream = await client.submit({"prompt": "Hello"})
        async for event in client.events(stream["id"]):
            ...

Conversations: `create_conversation`, `conversation`, and `say`, whose answer is a stream like any other.

The rule: `events` ends only after the stream's ending, or raises; a connection that ends, breaks or falls silent is
opened again after the last event that was handed out. It means the same as `app/clients/js/keepstream.js`, and knows
nothing of the front's insides: only the wire.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import httpx
import orjson
from httpx_sse import EventSource

from app import surrogates
from app.clients.refused import ClientError, error_of

# Nothing for so long, not even a ping (they come after 15 s), is a dead connection.
SILENCE_SECONDS = 30.0
RETRY_SECONDS = 1.0
RETRY_SECONDS_MAX = 30.0
# The board says something every second, and somebody looks at it.
BOARD_SILENCE_SECONDS = 10.0
BOARD_RETRY_SECONDS, BOARD_RETRY_SECONDS_MAX = 0.5, 2.0
# A submit is safe to repeat, because it carries an Idempotency-Key.
SUBMIT_TRIES = 5
THIS_MACHINE = ("all://127.0.0.1", "all://localhost", "all://[::1]")
_LIVE = {"accept": "text/event-stream", "cache-control": "no-store"}

__all__ = ["Client", "ClientError", "Event"]

# Told of "connecting", "open" and "waiting", and of the seconds to wait.
OnState = Callable[[Literal["connecting", "open", "waiting"], float], None]


@dataclass(frozen=True, slots=True)
class Event:
    """`data` is parsed; `id` is the place behind the event, empty where it does not move the place."""

    type: str
    data: Any
    id: str


class Client:
    """Talks to one Keepstream; `async with` closes its connections.

    `api_key` is a key or a token. With a key that may act for users, `user` is the one it acts for. With a
    `ticket`, in place of a key, the one stream can be read that it opens.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        user: str | None = None,
        ticket: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        sent = {"x-api-key": api_key, "x-keepstream-user": user}
        # httpx' read time-out counts from byte to byte, so pings count as life.
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={name: value for name, value in sent.items() if value},
            params={"ticket": ticket} if ticket else None,
            timeout=SILENCE_SECONDS,
            transport=transport,
            limits=httpx.Limits(max_connections=None),
            mounts=dict.fromkeys(THIS_MACHINE),  # no proxy is asked for what runs here, whatever the environment says
        )

    async def submit(
        self,
        body: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        on_state: OnState = lambda _state, _wait: None,
    ) -> dict[str, Any]:
        """Submits `{"prompt": …}` or a body of the Messages API; returns `{"id", "state", …}`.

        Tries again when the network or the server fails; that makes one stream only. Raises `ClientError`, or
        `httpx.TransportError` when it gives up.
        """
        return await self._submit("/v1/streams", body, idempotency_key, on_state)

    async def create_conversation(self, **fields: str | None) -> dict[str, Any]:
        """Makes a conversation with these of title, system and model; returns it."""
        given = {name: value for name, value in fields.items() if value is not None}
        return await self._json("POST", "/v1/conversations", json=given)

    async def conversation(self, conversation_id: str) -> dict[str, Any]:
        """A conversation with its messages, and in `stream_id` the stream that runs in it, or None."""
        return await self._json("GET", f"/v1/conversations/{_segment(conversation_id)}")

    async def say(
        self,
        conversation_id: str,
        body: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        on_state: OnState = lambda _state, _wait: None,
    ) -> dict[str, Any]:
        """Adds `{"content": …}`, `{"regenerate": true}` or `{"continue": true}`; returns the answer's stream.

        As `submit`; a `ClientError` 409 names the stream that runs there in `stream_id`.
        """
        path = f"/v1/conversations/{_segment(conversation_id)}/messages"
        return await self._submit(path, body, idempotency_key, on_state)

    async def _submit(
        self, path: str, body: Mapping[str, Any], idempotency_key: str | None, on_state: OnState
    ) -> dict[str, Any]:
        headers = {"idempotency-key": idempotency_key or secrets.token_hex(16), "content-type": "application/json"}
        content = orjson.dumps(body)
        for tries in range(1, SUBMIT_TRIES):
            try:
                return await self._json("POST", path, content=content, headers=headers)
            except (httpx.TransportError, ClientError) as error:
                if isinstance(error, ClientError) and error.final:
                    raise
                wait = _back_off(RETRY_SECONDS, tries, error)
                on_state("waiting", wait)
                await asyncio.sleep(wait)
        return await self._json("POST", path, content=content, headers=headers)

    async def events(
        self,
        stream_id: str,
        after: str = "",
        on_state: OnState = lambda _state, _wait: None,
    ) -> AsyncGenerator[Event]:
        """The events from the newest attempt's start, or after the id `after`, to the ending.

        After `relay.reset` forget what came before: everything of the newest attempt follows. `relay.end` comes last; a
        stream that had ended at `after` gives nothing. `on_state` is told about the connection, and how many seconds
        pass before the next. Raises `ClientError` for what is final.
        """
        retry, failures = RETRY_SECONDS, 0
        while True:
            on_state("connecting", 0.0)
            try:
                async with aclosing(self._connection(stream_id, after, on_state)) as items:
                    async for item in items:
                        if isinstance(item, float):
                            retry = item
                            continue
                        failures = 0
                        # A reset that is not of the log voids the place too.
                        if item.id or item.type == "relay.reset":
                            after = item.id
                        yield item
                        if item.type == "relay.end":
                            return
                        _check_not_lost(item)
                wait = retry
            except _HadEndedError:
                return
            except (httpx.TransportError, ClientError) as error:
                if isinstance(error, ClientError) and error.final:
                    raise
                failures += 1
                wait = _back_off(retry, failures, error)
            on_state("waiting", wait)
            await asyncio.sleep(wait)

    async def stream(self, stream_id: str) -> dict[str, Any]:
        """A stream as it stands; once it has ended with its outcome, usage, and Message or error."""
        return await self._json("GET", f"/v1/streams/{_segment(stream_id)}")

    async def message(self, stream_id: str) -> dict[str, Any]:
        """The finished Message. Raises `ClientError` 409 while the stream runs, or the stream's own error."""
        return await self._json("GET", f"/v1/streams/{_segment(stream_id)}/message")

    async def timeline(self, stream_id: str, *, as_operator: bool = False) -> dict[str, Any]:
        """What happened to a stream: `{"id", "state", "why", "data": [{"at", "event", "text", …}], "left_out"}`."""
        root = "/ops" if as_operator else "/v1"
        return await self._json("GET", f"{root}/streams/{_segment(stream_id)}/timeline")

    async def ticket(self, stream_id: str, *, expires_in: float | None = None) -> dict[str, Any]:
        """`{"ticket", "expires_at", "events_url"}`: whoever has it reads this stream, and nothing else."""
        return await self._json("POST", f"/v1/streams/{_segment(stream_id)}/ticket", json={"expires_in": expires_in})

    async def cancel(self, stream_id: str) -> dict[str, Any]:
        """Cancels a stream for everybody; it ends as `cancelled` unless it had ended."""
        return await self._json("POST", f"/v1/streams/{_segment(stream_id)}/cancel")

    async def board(self, on_state: OnState = lambda _state, _wait: None) -> AsyncGenerator[dict[str, Any]]:
        """What operators see, for a key with the right `admin`: a snapshot a second, for as long as one reads.

        A connection that breaks or says nothing is opened again, as `on_state` is told. Raises `ClientError` for what
        is final.
        """
        failures = 0
        while True:
            on_state("connecting", 0.0)
            try:
                async with aclosing(self._snapshots(on_state)) as snapshots:
                    async for snapshot in snapshots:
                        failures = 0
                        yield snapshot
                wait = BOARD_RETRY_SECONDS
            except (httpx.TransportError, ClientError) as error:
                if isinstance(error, ClientError) and error.final:
                    raise
                failures += 1
                wait = min(_back_off(BOARD_RETRY_SECONDS, failures, error), BOARD_RETRY_SECONDS_MAX)
            on_state("waiting", wait)
            await asyncio.sleep(wait)

    async def snapshot(self) -> dict[str, Any]:
        """What operators see now."""
        async with aclosing(self._snapshots(lambda _state, _wait: None)) as snapshots:
            async for snapshot in snapshots:
                return snapshot
        raise ClientError(503, "api_error", "the server has no numbers to show; its Redis may be away")

    async def _snapshots(self, on_state: OnState) -> AsyncGenerator[dict[str, Any]]:
        asked = self._http.stream("GET", "/ops/events", headers=_LIVE, timeout=BOARD_SILENCE_SECONDS)
        async with asked as response:
            if response.status_code != httpx.codes.OK:
                await response.aread()
                raise error_of(response)
            on_state("open", 0.0)
            async for sse in EventSource(response).aiter_sse():
                if sse.data:
                    yield surrogates.loads(sse.data)

    async def _connection(self, stream_id: str, after: str, on_state: OnState) -> AsyncGenerator[Event | float]:
        """One connection's events, and the seconds of each `retry:`."""
        headers = _LIVE | ({"last-event-id": after} if after else {})
        async with self._http.stream("GET", f"/v1/streams/{_segment(stream_id)}/events", headers=headers) as response:
            if response.status_code == httpx.codes.NO_CONTENT:
                raise _HadEndedError
            if response.status_code != httpx.codes.OK:
                await response.aread()
                raise error_of(response)
            on_state("open", 0.0)
            known = ""
            async for sse in EventSource(response).aiter_sse():
                if sse.retry is not None:
                    yield sse.retry / 1000
                if sse.data:
                    # The parser keeps the last id for events without one of their own.
                    yield Event(sse.event, surrogates.loads(sse.data), "" if sse.id == known else sse.id)
                known = sse.id

    async def _json(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        response = await self._http.request(method, path, **how)
        if not response.is_success:
            raise error_of(response)
        found: dict[str, Any] = response.json()
        return found

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._http.aclose()


class _HadEndedError(Exception):
    """204: the stream had ended where we asked to go on."""


def _segment(name: str) -> str:
    """An id, which may be anybody's word, as one segment of a path."""
    return quote(name, safe="")


def _check_not_lost(event: Event) -> None:
    if event.type == "relay.reset" and event.data["reason"] == "lost":
        raise ClientError(410, "not_found_error", "the stream was lost")


def _back_off(retry: float, failures: int, error: Exception) -> float:
    """Doubling with jitter, so that many clients do not come back as one; never sooner than the server said."""
    longest = min(RETRY_SECONDS_MAX, retry * 2.0 ** (failures - 1))
    jittered = longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter, not a secret
    return max(jittered, (error.retry_after or 0.0) if isinstance(error, ClientError) else 0.0)
