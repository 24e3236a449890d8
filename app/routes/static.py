"""The few files that the front serves as they are, each at an address of its own.

The rule: always asked for again and rarely sent again (`no-cache` with an etag), so that a page and its modules are of
one version after an upgrade. No directory is served: what is not listed does not exist.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

WEB = Path(__file__).parent.parent / "web"
FILES = {
    "/keepstream.js": ("keepstream.js", "text/javascript; charset=utf-8"),
}


@cache
def _read(name: str) -> tuple[bytes, str]:
    body = (WEB / name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


async def file(request: Request) -> Response:
    name, media_type = FILES[request.url.path]
    body, etag = _read(name)
    headers = {"etag": etag, "cache-control": "no-cache", "x-content-type-options": "nosniff"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if etag in known:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


ROUTES = [Route(path, file, methods=["GET"]) for path in FILES]
