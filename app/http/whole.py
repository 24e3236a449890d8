"""Answers that are known whole: a small one as JSON at once, a large one in parts, as fast as its client takes them.

The rule: a client that does not read holds one part, and what stands behind it is held once for all who ask for the
same, within what a front holds for all (`bulk`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.fanout.parts import PART_BYTES
from app.http.bulk import Bulk
from app.http.connection.cycle import CYCLE


def json_response(data: Any, status_code: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(data), status_code, headers, "application/json")


class Large(Response):
    """What `make` makes, of about `size` bytes, with something around it; it is the same wherever `key` is."""

    def __init__(
        self,
        bulk: Bulk,
        key: Hashable,
        size: int,
        make: Callable[[], Awaitable[list[bytes]]],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str = "application/json",
        before: bytes = b"",
        after: bytes = b"",
        patient: bool = False,
    ) -> None:
        super().__init__(status_code=status, headers=headers, media_type=media_type)
        del self.headers["content-length"]
        self._bulk = bulk
        self._key = key
        self._size = size
        self._make = make
        self._around = before, after
        self._patient = patient

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # an ASGI application's
        async with self._bulk.shared(self._key, self._size, self._make, patient=self._patient) as made:
            before, after = self._around
            self.headers["content-length"] = str(len(before) + sum(map(len, made)) + len(after))
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                await send_in_parts([before, *made, after], self._bulk, scope, send)
        await send({"type": "http.response.body", "body": b""})


async def send_in_parts(pieces: Iterable[bytes], bulk: Bulk, scope: Scope, send: Send) -> None:
    """Some of a body. A client that takes it too slowly is cut off while others wait for what it holds."""
    cycle = scope.get(CYCLE)
    with bulk.taking(lambda: cycle is not None and cycle.transport.abort()) as taker:
        for part in in_parts(pieces):
            await send({"type": "http.response.body", "body": part, "more_body": True})
            if cycle is not None and cycle.disconnected:
                return
            taker.took(len(part))


def in_parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in parts of `PART_BYTES` at the most; small pieces go together."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        if size and size + len(piece) > PART_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
        if len(piece) <= PART_BYTES:
            waiting.append(piece)
            size += len(piece)
            continue
        for at in range(0, len(piece), PART_BYTES):
            yield piece[at : at + PART_BYTES]
    if size:
        yield b"".join(waiting)
