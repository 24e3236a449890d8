"""What operators alone may see: whether a request is one of theirs.

The rule: an operator is who sits at this machine, or who shows a key, token or session with the right `admin`. At this
machine sits a client whose address, seen through the proxies we trust, is loopback, and who calls us by a name of this
machine: a page that a browser here has open is not its reader, whatever name it has pointed at us. Such a page may be
gone to by a link, and is read by nobody then; nothing is changed but from a page of ours, or with a key in hand.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request

from app.access.addresses import is_https, is_loopback_client
from app.access.caller import Refused, Why
from app.access.identity.entrance import credential_of
from app.http.body import check_type
from app.http.origins import SAFE, foreign_host, own_page
from app.http.who import COOKIE, SECURE_COOKIE, Who, refusal
from app.stream.observing import tell
from app.watch.events.of_fronts import CallerRefused

NOT_HERE = Refused(
    Why.UNKNOWN,
    "this is for operators: ask on this machine itself, as localhost or by a name in KEEPSTREAM_HOSTS, or send a key "
    "that has the right admin",
    "no_credential",
)
NOT_ADMIN = Refused(Why.NOT_ALLOWED, "only a key or token with the right admin may see this", "not_admin")


async def check_operator(request: Request, who: Who) -> None:
    """Returns where an operator asks.

    Raises `ApiError`: 401 for nobody, 403 for one who lacks the right, 415 for a body that is none of ours; and Redis'
    errors for who comes with a session.
    """
    if _is_here(request, who):
        check_type(request)
        return
    if not _carries(request):
        tell(CallerRefused(NOT_HERE.reason))
        raise refusal(NOT_HERE)
    caller = await who.caller(request)
    if not caller.admin:
        tell(CallerRefused(NOT_ADMIN.reason))
        raise refusal(NOT_ADMIN)


def _carries(request: Request) -> bool:
    """Whether a request shows anything by which somebody could be known."""
    return credential_of(request.headers) is not None or bool(request.cookies.keys() & {SECURE_COOKIE, COOKIE})


def _is_here(request: Request, who: Who) -> bool:
    """Whether who asks is certainly at this machine, and no page of a stranger's that is open there."""
    if not is_loopback_client(request.scope, who.proxies) or foreign_host(request.headers, who.hosts):
        return False
    if request.method not in SAFE:
        return own_page(request.headers, who.hosts, secure=is_https(request.scope, who.proxies))
    return not _is_read_by_a_stranger(request.headers, who)


def _is_read_by_a_stranger(headers: Headers, who: Who) -> bool:
    """Whether a page that is not ours gets to see the answer, or could guess at it."""
    if "origin" in headers:
        return not own_page(headers, who.hosts, secure=False)
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return False
    # A link that is followed: what comes then is a page of ours, in a window of its own.
    return (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) != ("navigate", "document")
