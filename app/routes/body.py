"""Reads what a request brings: its body, within limits of size, type and time, and headers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from starlette.requests import ClientDisconnect, Request

from app.prompts import parse_json
from app.routes.errors import ApiError

# A body that trickles in for longer keeps a connection for nothing.
BODY_SECONDS = 60


async def read_json(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object of the body. Raises `ApiError` (408, 413, 415) or `InvalidPromptError`."""
    return parse_json(await read_body(request, limit))


async def read_body(request: Request, limit: int) -> bytes:
    """The body, said to be JSON. Raises `ApiError` (408, 413, 415)."""
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise ApiError(415, "the body must be JSON: send content-type: application/json")
    too_large = ApiError(413, f"the body is larger than {limit} bytes")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise ApiError(408, "the body did not arrive in time") from None
    except ClientDisconnect:
        raise ApiError(400, "the connection was closed before the body was complete") from None
    return bytes(body)


def headers_of(request: Request, names: Iterable[str]) -> dict[str, str]:
    """Those of the named headers that were sent; one that was sent in several lines as one."""
    return {name: ", ".join(request.headers.getlist(name)) for name in names if name in request.headers}
