"""Requests and readings over an `httpx.Client`. `awaiting.py` has the same steps with `await`."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from inspect import iscoroutine
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


class Wire:
    """One server, and who asks it. Any number of threads may, at once."""

    def __init__(self, sending: Sending, credentials: Credentials, http: httpx.Client | None) -> None:
        self.sending = sending
        self.credentials = credentials
        self._owns = http is None
        # No limit of connections: each reading has one for as long as it goes on.
        self.http = http or httpx.Client(limits=httpx.Limits(max_connections=None), mounts=beside_a_proxy())

    def acting_for(self, user: str | None) -> Wire:
        """The same connections, for somebody else."""
        return Wire(self.sending, self.credentials.acting_for(user), self.http)

    def close(self) -> None:
        if self._owns:
            self.http.close()

    def send(self, request: Request[T]) -> T:
        """Raises `KeepstreamError`."""
        with self._answered(request) as response:
            response.read()
        return answer_of(request, response)

    def submit(self, request: Request[T], key: str | None, on_state: OnState) -> T:
        """The same, again and again where that may help."""
        submitting = Submitting.under(key)
        request = request.with_headers({"idempotency-key": submitting.key})
        while True:
            try:
                return self.send(request)
            except KeepstreamError as error:
                wait = submitting.failed(error)
            on_state("waiting", wait)
            time.sleep(wait)

    def read(self, request: Request[Any], reading: Reading, on_state: OnState) -> Generator[Event]:
        """The events that follow the reading's place, up to the ending."""
        while True:
            on_state("connecting", 0.0)
            try:
                with closing(self.connection(request, reading, on_state)) as events:
                    for event in events:
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
            time.sleep(wait)

    def connection(self, request: Request[Any], reading: Reading, on_state: OnState) -> Generator[Event]:
        """One connection's events. Raises `KeepstreamError`."""
        with self._answered(request.with_headers(reading.headers())) as response:
            if reading.nothing_is_left(response.status_code):
                return
            if not response.is_success:
                response.read()
                raise error_of(response)
            check_events(response)
            on_state("open", 0.0)
            known = ""
            for sse in EventSource(response).iter_sse():
                if sse.retry is not None:
                    reading.wants(sse.retry)
                if sse.data:
                    # The parser keeps the last id for events without one of their own.
                    yield event_of(sse.event, sse.data, "" if sse.id == known else sse.id)
                known = sse.id

    @contextmanager
    def _answered(self, request: Request[Any]) -> Iterator[httpx.Response]:
        """An answer whose body is still to be read, while inside. Raises `UnreachableError`."""
        try:
            access = self._access()
            response = self._sent(request, access)
            if worth_another(self.credentials, response.status_code):
                fresh = self._access()
                if fresh != access:
                    response.close()
                    response = self._sent(request, fresh)
            try:
                yield response
            finally:
                response.close()
        except httpx.RequestError as error:
            raise unreachable(error) from error

    def _sent(self, request: Request[Any], access: Access) -> httpx.Response:
        built = self.http.build_request(**self.sending.arguments(request, access))
        return self.http.send(built, stream=True)

    def _access(self) -> Access:
        given = self.credentials
        return Access(_now(given.key), _now(given.ticket), given.user)


def _now(given: AsyncGiven) -> str | None:
    value = given() if callable(given) else given
    if iscoroutine(value):
        value.close()
    if value is not None and not isinstance(value, str):
        raise TypeError("what gives a key or a ticket must return text here; a coroutine is for AsyncClient")
    return value
