"""uvicorn's cycle of one request and its answer, found again by who answers: its transport, its framing, its breaking.

This touches uvicorn's insides (pinned in pyproject.toml), so the rule is: where there is no cycle of exactly that kind,
nothing here does anything, and the answer goes the plain ASGI way.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import Receive
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

CYCLE = "keepstream.cycle"
# In a scope: its connection closes when the rest of its request has come.
CLOSES = "keepstream.closes"


def mark(scope: dict[str, Any], send: Any) -> None:
    """Remembers uvicorn's cycle behind `send`; to be called before any middleware wraps it."""
    cycle = getattr(send, "__self__", None)
    if type(cycle) is RequestResponseCycle:
        scope[CYCLE] = cycle


def has_left(scope: Any) -> bool:
    """Whether who asked has closed the connection, so that nobody waits for the answer."""
    cycle = scope.get(CYCLE)
    return cycle is not None and bool(cycle.disconnected)


def closing(scope: Any, headers: MutableHeaders) -> None:
    """Has the connection end with this answer, whose headers these are: at once, or when all of the request has come.

    Who closes before that takes the answer away with it.
    """
    cycle = scope.get(CYCLE)
    if cycle is None or not cycle.more_body:
        headers["connection"] = "close"
    else:
        del headers["connection"]
        scope[CLOSES] = True


class Unchunked:
    """HTTP/1.0, which some proxies still speak, knows no chunks, and uvicorn would send them.

    Shown each message of an answer before uvicorn is, it lets a body without a length end with its connection.
    """

    def __init__(self, scope: Any) -> None:
        self._cycle = scope.get(CYCLE)
        self._whole = scope["method"] != "HEAD"
        self._applies = False

    def before(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message.get("headers", ())}
            self._applies = self._cycle is not None and b"content-length" not in names
            if self._applies:
                self._cycle.chunked_encoding = False
        elif self._applies and self._whole:
            self._cycle.expected_content_length = len(message.get("body", b""))


async def break_off(scope: Any, disconnected: asyncio.Task[None]) -> None:
    """Ends an answer under way as broken, so that no client takes it for a whole one; `disconnected` ends when it is.

    Without uvicorn's own connection at hand the server does it: an application that just returns has failed.
    """
    cycle = scope.get(CYCLE)
    if cycle is not None:
        cycle.transport.close()
        await disconnected


async def drop(scope: Any, receive: Receive) -> None:
    """Ends an answer under way whose client takes nothing any more: what is written to it by now would never leave."""
    cycle = scope.get(CYCLE)
    if cycle is not None:
        cycle.transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
