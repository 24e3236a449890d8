"""`GET /v1/tools`: which tools of the workers' a caller may ask for."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.faces.base.front import front_of
from app.http.whole import json_response


async def tools(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    return json_response({"tools": [offer.shown() for offer in await front.offered.to(caller.owner)]})


ROUTES = [Route("/v1/tools", tools, methods=["GET"])]
