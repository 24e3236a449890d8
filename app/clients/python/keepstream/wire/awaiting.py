"""Requests and readings over an `httpx.AsyncClient`. `blocking.py` has the same steps without `await`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from inspect import isawaitable
from typing import Any, TypeVar

import httpx
from httpx_sse import EventSource

from ..core.credentials import Access, AsyncGiven, Credentials, worth_another
from ..core.request import Request, answer_of, check_events, error_of, unreachable
from ..core.resuming import OnState, Reading, Submitting
from ..errors import KeepstreamError
from ..events import Event, event_of
from .outgoing import Sending, beside_a_proxy

T = TypeVar("T")


class AsyncWire:
    """One server, and who asks it."""

    def __init__(self, sending: Sending, credentials: Credentials, http: httpx.AsyncClient | None) -> None:
        self.sending = sending
        self.credentials = credentials
        self._owns = http is None
        # No limit of connections: each reading has one for as long as it goes on.
        self.http = http or httpx.AsyncClient(limits=httpx.Limits(max_connections=None), mounts=beside_a_proxy())

    def acting_for(self, user: str | None) -> AsyncWire:
        """The same connections, for somebody else."""
        return AsyncWire(self.sending, self.credentials.acting_for(user), self.http)

    async def close(self) -> None:
        if self._owns:
            await self.http.aclose()

    async def send(self, request: Request[T]) -> T:
        """Raises `KeepstreamError`."""
        async with self._answered(request) as response:
            await response.aread()
        return answer_of(request, response)

    async def submit(self, request: Request[T], key: str | None, on_state: OnState) -> T:
        """The same, again and again where that may help."""
        submitting = Submitting.under(key)
        request = request.with_headers({"idempotency-key": submitting.key})
        while True:
            try:
                return await self.send(request)
            except KeepstreamError as error:
                wait = submitting.failed(error)
            on_state("waiting", wait)
            await asyncio.sleep(wait)

    async def read(self, request: Request[Any], reading: Reading, on_state: OnState) -> AsyncGenerator[Event]:
        """The events that follow the reading's place, up to the ending."""
        while True:
            on_state("connecting", 0.0)
            try:
                async with aclosing(self.connection(request, reading, on_state)) as events:
                    async for event in events:
                        reading.take(event)
                        yield event
                        reading.check(event)
                        if reading.over:
                            break
                wait = reading.cut()
            except KeepstreamError as error:
                wait = reading.failed(error)
            if reading.over:
                return
            on_state("waiting", wait)
            await asyncio.sleep(wait)

    async def connection(self, request: Request[Any], reading: Reading, on_state: OnState) -> AsyncGenerator[Event]:
        """One connection's events. Raises `KeepstreamError`."""
        async with self._answered(request.with_headers(reading.headers())) as response:
            if reading.nothing_is_left(response.status_code):
                return
            if not response.is_success:
                await response.aread()
                raise error_of(response)
            check_events(response)
            on_state("open", 0.0)
            known = ""
            async with aclosing(EventSource(response).aiter_sse()) as found:
                async for sse in found:
                    if sse.retry is not None:
                        reading.wants(sse.retry)
                    if sse.data:
                        # The parser keeps the last id for events without one of their own.
                        yield event_of(sse.event, sse.data, "" if sse.id == known else sse.id)
                    known = sse.id

    @asynccontextmanager
    async def _answered(self, request: Request[Any]) -> AsyncIterator[httpx.Response]:
        """An answer whose body is still to be read, while inside. Raises `UnreachableError`."""
        try:
            access = await self._access()
            response = await self._sent(request, access)
            if worth_another(self.credentials, response.status_code):
                fresh = await self._access()
                if fresh != access:
                    await response.aclose()
                    response = await self._sent(request, fresh)
            try:
                yield response
            finally:
                await response.aclose()
        except httpx.RequestError as error:
            raise unreachable(error) from error

    async def _sent(self, request: Request[Any], access: Access) -> httpx.Response:
        built = self.http.build_request(**self.sending.arguments(request, access))
        return await self.http.send(built, stream=True)

    async def _access(self) -> Access:
        given = self.credentials
        return Access(await _now(given.key), await _now(given.ticket), given.user)


async def _now(given: AsyncGiven) -> str | None:
    value = given() if callable(given) else given
    return await value if isawaitable(value) else value
