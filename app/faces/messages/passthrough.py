"""`/v1/messages/count_tokens` and `/v1/models`: passed straight through to the Claude API."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.faces.base.front import front_of
from app.faces.base.result import key_refused
from app.http.body import headers_of, query_of, read_body
from app.http.errors import REQUEST_ID, TYPES, ApiError
from app.intake.prompt import fields_of
from app.stream.concurrency.threads import beside
from app.upstream import KEY_REFUSED, UP, Reply, UnaskableError, UnreachableError

# What could not be a model's name must not become another path of the Claude API, asked with our key.
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,255}", re.ASCII)
_FIRST_ERROR = 400


async def count_tokens(request: Request) -> Response:
    front = front_of(request)
    await front.caller(request)
    body = await read_body(request, front.settings.max_prompt_bytes)
    await beside(len(body), lambda: fields_of(body))
    return await _pass(request, "POST", "/v1/messages/count_tokens", body)


async def models(request: Request) -> Response:
    await front_of(request).caller(request)
    return await _pass(request, "GET", "/v1/models")


async def model(request: Request) -> Response:
    await front_of(request).caller(request)
    name: str = request.path_params["id"]
    if not _MODEL.fullmatch(name):
        raise ApiError(404, "there is no such model")
    return await _pass(request, "GET", f"/v1/models/{name}")


async def _pass(request: Request, method: str, path: str, body: bytes = b"") -> Response:
    try:
        reply = await front_of(request).upstream.ask(method, path, query_of(request), headers_of(request, UP), body)
    except UnaskableError as error:
        raise ApiError(400, str(error)) from None
    except UnreachableError as error:
        status, kind = (504, "timeout_error") if error.timed_out else (502, "api_error")
        raise ApiError(status, str(error), kind=kind, headers={"retry-after": "1"}) from None
    if "request-id" in reply.headers:
        request.scope[REQUEST_ID] = reply.headers["request-id"]
    _check(reply)
    return Response(reply.body, reply.status, reply.headers)


def _check(reply: Reply) -> None:
    """Raises `ApiError` for what is no answer of the Claude API's, and where our key was refused."""
    if reply.status in KEY_REFUSED:
        raise key_refused()
    if "json" in reply.headers.get("content-type", ""):
        return
    status = reply.status if reply.status >= _FIRST_ERROR else 502
    message = f"the Claude API answered with status {reply.status} and no JSON"
    retry = {name: value for name, value in reply.headers.items() if "retry" in name}
    raise ApiError(status, message, kind=TYPES.get(status, "api_error"), headers=retry)


ROUTES = [
    Route("/v1/messages/count_tokens", count_tokens, methods=["POST"]),
    Route("/v1/models", models, methods=["GET"]),
    Route("/v1/models/{id}", model, methods=["GET"]),
]
