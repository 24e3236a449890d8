"""A port for the page of metrics, and for the probes of a process that has no other, for whoever can reach it.

Where this machine alone can, no page that a browser here has open can read it, whatever name it has pointed at us.

The rule: who asks gets one answer and is let go: a head has `HEAD_BYTES`, all of it `SECONDS`, and there are never more
than `CONNECTIONS_MAX` at once. h11 reads what is asked. A port that cannot be had is told once and tried again, and the
process goes on without: several may have been given the same, or it begins while the one before it still ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Self, cast

import h11

from app.environment import is_called, is_loopback
from app.stream.concurrency.tasks import Supervised
from app.stream.observing import tell
from app.watch.events.of_processes import Fault, MetricsServed, MetricsUnserved
from app.watch.metrics.exposition import Page

PATH = b"/metrics"
HEALTHZ, READYZ = b"/healthz", b"/readyz"
HEAD_BYTES = 16 * 1024
SECONDS = 10.0
CONNECTIONS_MAX = 32
AGAIN_SECONDS = 5.0
_PLAIN = "text/plain; charset=utf-8"
_JSON = "application/json"

Missing = Callable[[], str | None]


class MetricsPort:
    """Serves within `async with`. `page` makes what is served; `tries`: how often the port could not be had.

    `missing` is what the process lacks to be ready, and None in place of it where probes have another port. `names`
    are those it may be called by besides this machine's own, where `host` is one of these.
    """

    def __init__(
        self,
        host: str,
        port: int,
        page: Callable[[str], Page],
        missing: Missing | None = None,
        names: Collection[str] = (),
    ) -> None:
        self._host = host
        self._port = port
        self._page = page
        self._missing = missing
        self._names = names if is_loopback(host) else None
        self._server: asyncio.Server | None = None
        self._open: set[_Asked] = set()
        self._trying = Supervised("metrics-port", self._keep_trying)
        self.tries = 0

    @property
    def address(self) -> str | None:
        """Where it is reached; None while the port cannot be had."""
        if self._server is None or not self._server.sockets:
            return None
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH.decode()}"

    async def __aenter__(self) -> Self:
        if not await self._listen():
            self._trying.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._trying.stop()
        if self._server is not None:
            self._server.close()
        for one in tuple(self._open):
            one.abort()

    async def _keep_trying(self) -> None:
        while self._server is None:
            await asyncio.sleep(AGAIN_SECONDS)
            if await self._listen():
                tell(MetricsServed(self.address or ""))
        await asyncio.get_running_loop().create_future()  # as long as the process lives

    async def _listen(self) -> bool:
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._asked, self._host, self._port)
        except (OSError, OverflowError, UnicodeError) as error:
            self.tries += 1
            if self.tries == 1:
                tell(MetricsUnserved(self._host, self._port, type(error).__name__))
            return False
        return True

    def _asked(self) -> _Asked:
        return _Asked(self._page, self._missing, self._names, self._open)


class _Asked(asyncio.Protocol):
    """One connection: one question, one answer."""

    def __init__(
        self, page: Callable[[str], Page], missing: Missing | None, names: Collection[str] | None, others: set[_Asked]
    ) -> None:
        self._page = page
        self._missing = missing
        self._names = names
        self._others = others
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if len(self._others) >= CONNECTIONS_MAX:
            cast("asyncio.Transport", transport).abort()
            return
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._others.add(self)
        self._timer = asyncio.get_running_loop().call_later(SECONDS, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it went makes no difference
        self._others.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        try:
            self._http.receive_data(data)
            asked = self._http.next_event()
        except h11.RemoteProtocolError as error:
            self._answer(HTTPStatus(error.error_status_hint), Page(b"", _PLAIN))
            return
        if isinstance(asked, h11.Request):
            self._serve(asked)
        elif asked is not h11.NEED_DATA:  # it has gone
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _serve(self, asked: h11.Request) -> None:
        path = asked.target.partition(b"?")[0]
        if asked.method not in (b"GET", b"HEAD"):
            self._answer(HTTPStatus.METHOD_NOT_ALLOWED, Page(b"GET or HEAD\n", _PLAIN), ("allow", "GET, HEAD"))
        elif path == HEALTHZ and self._missing is not None:
            self._answer(HTTPStatus.OK, Page(b'{"status":"ok"}', _JSON), has_body=asked.method == b"GET")
        elif path == READYZ and self._missing is not None:
            self._answer(*_readiness(self._missing()), has_body=asked.method == b"GET")
        elif self._names is not None and not is_called(_all(asked, b"host"), self._names):
            self._answer(HTTPStatus.FORBIDDEN, Page(b"call it localhost, or by a name in KEEPSTREAM_HOSTS\n", _PLAIN))
        elif path != PATH:
            self._answer(HTTPStatus.NOT_FOUND, Page(b"the metrics are at %b\n" % PATH, _PLAIN))
        else:
            try:
                page = self._page(",".join(_all(asked, b"accept")))
            except Exception as error:  # noqa: BLE001  # whoever measures goes without, and nobody else
                tell(Fault.met("metrics", error))
                self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, Page(b"", _PLAIN))
            else:
                self._answer(HTTPStatus.OK, page, has_body=asked.method == b"GET")

    def _answer(self, status: HTTPStatus, page: Page, *more: tuple[str, str], has_body: bool = True) -> None:
        assert self._transport is not None  # noqa: S101  # for the type checker
        headers = [
            ("content-type", page.content_type),
            ("content-length", str(len(page.body))),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("connection", "close"),
            *more,
        ]
        with contextlib.suppress(h11.LocalProtocolError):  # of who broke off so that nothing can be said
            answer = h11.Response(status_code=status, headers=headers, reason=status.phrase)
            self._transport.write(self._http.send(answer) or b"")
            if has_body:
                self._transport.write(page.body)
        self._transport.close()  # what is buffered still goes out, until the time is up


def _all(asked: h11.Request, field: bytes) -> list[str]:
    """The values of a header."""
    return [value.decode("latin-1") for name, value in asked.headers if name == field]


def _readiness(missing: str | None) -> tuple[HTTPStatus, Page]:
    """As a front says it."""
    if missing is None:
        return HTTPStatus.OK, Page(b'{"status":"ready"}', _JSON)
    said = {"type": "error", "error": {"type": "api_error", "message": missing}}
    return HTTPStatus.SERVICE_UNAVAILABLE, Page(json.dumps(said).encode(), _JSON)
