"""What the routes share: one value, built by the composition root, found in the application's state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from app.access.caller import Caller
from app.access.limits.in_force import LimitsInForce
from app.access.passes.office import TicketOffice
from app.access.screening.asking import Screening
from app.fanout.hub import Hub
from app.http.bulk import Bulk
from app.http.who import Who
from app.intake.calls.offered import Offered
from app.intake.streams import Streams
from app.prices import Prices
from app.settings import Settings
from app.stream.conversations.chats import Chats
from app.stream.ledger.by_day import Usage
from app.stream.opinions.opinions import Opinions
from app.stream.saved.saved_calls import Saved
from app.upstream import Upstream


class EventsOf(Protocol):
    """How whatever has a log like a stream's is read as it is: the native face's answer, for those who are not it."""

    async def __call__(
        self,
        front: Front,
        request: Request,
        id_of: Callable[[Request], str],
        before: Callable[[Caller, str], Awaitable[object]] | None = None,
    ) -> Response:
        """The events of the log that the path names, if its reader may have them. `id_of` reads the path; `before` is
        done first, unless the front drains.
        """


@dataclass(frozen=True, slots=True)
class Front:
    settings: Settings
    streams: Streams
    hub: Hub
    who: Who
    limits: LimitsInForce
    prices: Prices
    tickets: TicketOffice
    chats: Chats
    upstream: Upstream
    bulk: Bulk
    usage: Usage
    saved: Saved
    events_of: EventsOf
    screening: Screening
    opinions: Opinions
    offered: Offered

    async def caller(self, request: Request) -> Caller:
        """Who sent a request. Raises `ApiError`, and Redis' errors for who comes with a session."""
        return await self.who.caller(request)


def front_of(request: Request) -> Front:
    front: Front = request.app.state.front
    return front
