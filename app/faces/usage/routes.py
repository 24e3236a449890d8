"""`GET /v1/usage`: what an owner's streams did use and cost.

The rule: everybody sees their own: a tenant all of its users, a user itself alone; whoever holds an `admin` key, all.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.access.caller import Caller
from app.faces.base.front import front_of
from app.faces.usage.view import InvalidQuestionError, question, shown
from app.http.errors import ApiError
from app.http.whole import json_response
from app.stream.ledger.by_day import days_from


async def usage(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    tenant, user = _whose(caller, request.query_params.get("owner"))
    now = await front.usage.now()
    today = now.date()
    try:
        asked = question(dict(request.query_params), today, front.settings.usage_days)
    except InvalidQuestionError as error:
        raise ApiError(400, str(error)) from error
    month = today.replace(day=1)
    days = sorted({*days_from(asked.first, asked.last), *days_from(month, today)})
    rows = [row for row in await front.usage.rows(tenant, days) if user is None or row.user == user]
    wanted = (row for row in rows if asked.first <= row.day <= asked.last)
    return json_response(shown(asked, wanted, [row for row in rows if row.day >= month], now))


def _whose(caller: Caller, owner: str | None) -> tuple[str, str | None]:
    """A tenant, and the user of it that is meant, if it is one. Raises `ApiError`."""
    if owner is None or owner == caller.owner:
        return caller.tenant, caller.user
    if not caller.admin:
        raise ApiError(403, "owner: only a key with the right admin sees what others have used")
    tenant, slash, user = owner.partition("/")
    return tenant, user if slash else None


ROUTES = [Route("/v1/usage", usage, methods=["GET"])]
