"""The few files that the front serves as they are, each at an address of its own, and the description.

The rule: always asked for again and rarely sent again (`no-cache` with an etag), so that a page and its modules are of
one version after an upgrade. No directory is served: what is not listed does not exist. A page may load and call
nothing but this server, and runs no script that stands in it.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.openapi import document
from app.openapi.service import FILES

WEB = Path(__file__).parent.parent / "web"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def _read(name: str) -> bytes:
    return (WEB / name).read_bytes()


async def file(request: Request) -> Response:
    name, media_type = FILES[request.url.path]
    return _unless_known(request, _read(name), media_type)


async def openapi(request: Request) -> Response:
    return _unless_known(request, document(), "application/json")


def _unless_known(request: Request, body: bytes, media_type: str) -> Response:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "no-cache", "x-content-type-options": "nosniff"}
    if media_type.startswith("text/html"):
        headers |= {"content-security-policy": CONTENT_SECURITY_POLICY, "referrer-policy": "no-referrer"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


ROUTES = [
    Route("/openapi.json", openapi, methods=["GET"]),
    *(Route(path, file, methods=["GET"]) for path in FILES),
]
