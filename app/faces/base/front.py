"""What the routes share: one value, built by the composition root, found in the application's state."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis
from starlette.requests import Request

from app.access.owners import Owners
from app.faces.conversations.saying import Conversing
from app.fanout.hub import Hub
from app.http.body import check_type
from app.http.errors import ApiError
from app.http.ready import Readiness
from app.intake.streams import Streams
from app.settings import Settings
from app.stream.conversations.chats import Chats
from app.upstream import Upstream

NO_KEY = "send a valid key as x-api-key or Authorization: Bearer"
CHALLENGE = 'Bearer realm="keepstream"'


@dataclass(frozen=True, slots=True)
class Front:
    settings: Settings
    redis: Redis
    streams: Streams
    hub: Hub
    owners: Owners
    chats: Chats
    upstream: Upstream
    conversing: Conversing
    ready: Readiness

    def owner(self, request: Request) -> str:
        """The owner of a request. Raises `ApiError`: 401, and 415 for a body that is none of ours."""
        owner = self.owners.owner_of(request.headers)
        if owner is None:
            raise ApiError(401, NO_KEY, headers={"www-authenticate": CHALLENGE})
        check_type(request)
        return owner


def front_of(request: Request) -> Front:
    front: Front = request.app.state.front
    return front
