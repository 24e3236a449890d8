"""What the routes share: one value, built by the composition root, found in the application's state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from app.access.caller import Caller, Refused, Why
from app.access.identity.entrance import USER_HEADER, Entrance
from app.access.limits.in_force import LimitsInForce
from app.access.passes.office import TicketOffice
from app.fanout.hub import Hub
from app.http.body import check_type
from app.http.bulk import Bulk
from app.http.errors import ApiError
from app.intake.streams import Streams
from app.prices import Prices
from app.settings import Settings
from app.stream.conversations.chats import Chats
from app.stream.ledger.by_day import Usage
from app.upstream import Upstream

CHALLENGE = 'Bearer realm="keepstream"'


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
    entrance: Entrance
    limits: LimitsInForce
    prices: Prices
    tickets: TicketOffice
    chats: Chats
    upstream: Upstream
    bulk: Bulk
    usage: Usage
    events_of: EventsOf

    async def caller(self, request: Request) -> Caller:
        """Who sent a request. Raises `ApiError`: as `refusal` says, and 415 for a body that is none of ours."""
        caller = await self.entrance.caller_of(request.headers, request.headers.getlist(USER_HEADER))
        if isinstance(caller, Refused):
            raise refusal(caller)
        check_type(request)
        return caller


def refusal(refused: Refused) -> ApiError:
    """What somebody hears who is let in no further."""
    match refused.why:
        case Why.UNKNOWN:
            return ApiError(401, refused.message, headers={"www-authenticate": CHALLENGE})
        case Why.NOT_ALLOWED:
            return ApiError(403, refused.message)
        case Why.MALFORMED:
            return ApiError(400, refused.message)


def front_of(request: Request) -> Front:
    front: Front = request.app.state.front
    return front
