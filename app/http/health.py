"""`/healthz` and `/readyz`: is the process up, and may it be sent readers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.faces.base.front import front_of
from app.faces.native.routes import json_response
from app.http.errors import ApiError


async def healthz(_request: Request) -> Response:
    return json_response({"status": "ok"})


async def readyz(request: Request) -> Response:
    front = front_of(request)
    if front.hub.draining:
        raise ApiError(503, "this front is draining")
    missing = await front.ready.missing()
    if missing is not None:
        raise ApiError(503, missing)
    return json_response({"status": "ready"})


ROUTES = [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
