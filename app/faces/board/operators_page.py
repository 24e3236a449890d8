"""`GET /ops`: the page that operators look at.

The rule: who may not see the board may still be asked for a key, so a browser is given the page with the status of the
refusal; what it then shows it asks for itself. Everybody else hears the refusal as of any other route.
"""

from __future__ import annotations

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response

from app.faces.base.front import front_of
from app.http import static
from app.http.errors import ApiError
from app.http.operators import check_operator
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import tell_refusal

_REFUSED = (401, 403)


async def page(request: Request) -> Response:
    front = front_of(request)
    browser = "text/html" in request.headers.get("accept", "")
    try:
        await check_operator(request, front.who)
    except ApiError as refused:
        if not browser or refused.status not in _REFUSED:
            raise
        return static.board(request, front.settings.root_path, refused.status)
    except (RedisError, *AWAY) as error:  # of who comes with a session
        if not browser:
            raise
        tell_refusal("board", error)
        return static.board(request, front.settings.root_path, 503)
    return static.board(request, front.settings.root_path)
