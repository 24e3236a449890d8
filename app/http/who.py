"""Who sent a request: by its key or token, or else by the pages' session; and `/session`, which opens and ends one.

The rule: what a request carries by itself goes before what a browser adds to it. A browser adds a cookie whoever's page
asks: so by a cookie alone nothing is changed but by a page of ours, and by its `Origin` it has to show that it is one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.access.addresses import is_https
from app.access.caller import Caller, Refused, Why
from app.access.identity.entrance import USER_HEADER, Entrance, acting_for, credential_of
from app.access.passes.sessions import Held, Sessions
from app.environment import Network
from app.http.body import check_type
from app.http.errors import ApiError
from app.http.origins import SAFE, own_page
from app.stream.observing import tell
from app.watch.events.of_fronts import CallerRefused

CHALLENGE = 'Bearer realm="keepstream"'
# Over https a browser takes and sends the first one over https alone, and from nobody else who shares a name with us.
SECURE_COOKIE, COOKIE = "__Host-keepstream", "keepstream"
# By it a page tells the same account from another one, and learns nobody's name.
OWNER_HEADER = "x-keepstream-owner"
_PURPOSE = "keepstream owner 1"

NO_SESSION = Refused(Why.UNKNOWN, "the session has ended; sign in again", "no_session")
FOREIGN_PAGE = Refused(
    Why.NOT_ALLOWED, "with a session alone only pages of this server may do this: send a key", "foreign_page"
)
ANOTHER_USER = Refused(Why.NOT_ALLOWED, f"{USER_HEADER}: this session is another user's", "not_delegated")


class Who:
    """`hosts` are names of ours besides those that requests come by; `proxies` those that are trusted."""

    def __init__(
        self, entrance: Entrance, sessions: Sessions, hosts: Collection[str] = (), proxies: Sequence[Network] = ()
    ) -> None:
        self._entrance = entrance
        self._sessions = sessions
        self.hosts = hosts
        self.proxies = proxies

    async def caller(self, request: Request) -> Caller:
        """Raises `ApiError`: as `refusal` says, and 415 for a body that is none of ours; and Redis' errors."""
        carries = self._entrance.asks_nobody or credential_of(request.headers) is not None
        value = None if carries else self._cookie(request)
        found = await (self._shown(request) if value is None else self._by_session(request, value))
        if isinstance(found, Refused):
            raise refusal(found)
        check_type(request)
        return found

    async def open_session(self, request: Request) -> Response:
        found = await self._shown(request)
        if isinstance(found, Refused):
            raise refusal(found)
        check_type(request)
        held = Held(credential_of(request.headers), request.headers.getlist(USER_HEADER))
        before = self._cookie(request)
        value, life_ms = await self._sessions.open(found.owner, held, found.expires_at)
        if before is not None:
            await self._sessions.forget(before)
        opened = self._set(request, value, math.ceil(life_ms / 1000))
        opened.headers[OWNER_HEADER] = hashlib.sha256(f"{_PURPOSE}\n{found.owner}".encode()).hexdigest()[:32]
        return opened

    async def end_session(self, request: Request) -> Response:
        value = self._cookie(request)
        if value is not None:
            if credential_of(request.headers) is None and self._is_foreign(request):
                tell(CallerRefused(FOREIGN_PAGE.reason))
                raise refusal(FOREIGN_PAGE)
            await self._sessions.forget(value)
        check_type(request)
        return self._set(request, "", 0)

    async def _shown(self, request: Request) -> Caller | Refused:
        """Whose key or token a request carries."""
        return await self._entrance.caller_of(request.headers, request.headers.getlist(USER_HEADER))

    async def _by_session(self, request: Request, value: str) -> Caller | Refused:
        found = await self._of_session(request, value)
        if isinstance(found, Refused):
            tell(CallerRefused(found.reason))
        return found

    async def _of_session(self, request: Request, value: str) -> Caller | Refused:
        if self._is_foreign(request):
            return FOREIGN_PAGE
        held = await self._sessions.find(value)
        if held is None:
            return NO_SESSION
        users, asked = list(held.users), request.headers.getlist(USER_HEADER)
        if users and asked and users != asked:
            return ANOTHER_USER
        found = await self._entrance.known(held.credential)
        return acting_for(found, users or asked) if isinstance(found, Caller) else found

    def _is_foreign(self, request: Request) -> bool:
        """Whether more than a look is asked for by what is not shown to be a page of ours."""
        if request.method in SAFE:
            return False
        return not own_page(request.headers, self.hosts, secure=is_https(request.scope, self.proxies))

    def _cookie(self, request: Request) -> str | None:
        """A session's value; over https only one that nobody else can have put into the browser."""
        value = request.cookies.get(SECURE_COOKIE)
        if value is None and not is_https(request.scope, self.proxies):
            value = request.cookies.get(COOKIE)
        return value or None

    def _set(self, request: Request, value: str, seconds: int) -> Response:
        name, more = (SECURE_COOKIE, "; Secure") if is_https(request.scope, self.proxies) else (COOKIE, "")
        cookie = f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Strict{more}"
        return Response(status_code=204, headers={"set-cookie": cookie})


def refusal(refused: Refused) -> ApiError:
    """What somebody hears who is let in no further."""
    match refused.why:
        case Why.UNKNOWN:
            return ApiError(401, refused.message, headers={"www-authenticate": CHALLENGE})
        case Why.NOT_ALLOWED:
            return ApiError(403, refused.message)
        case Why.MALFORMED:
            return ApiError(400, refused.message)


async def _open(request: Request) -> Response:
    who: Who = request.app.state.front.who
    return await who.open_session(request)


async def _end(request: Request) -> Response:
    who: Who = request.app.state.front.who
    return await who.end_session(request)


ROUTES = [
    Route("/session", _open, methods=["POST"]),
    Route("/session", _end, methods=["DELETE"]),
]
