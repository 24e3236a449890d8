"""How a stream is named to a client, on whichever face: in headers, and in the answer that it was accepted.

The rule: paths and no hosts, so that a client comes back the way it came; in a body with the path under which a proxy
shows us, which the door puts on headers by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from app.faces.base.front import Front
from app.http.remaining import rate_headers
from app.http.whole import json_response
from app.stream.accounts import Standing
from app.stream.log import State

NO_STREAM = "there is no such stream"


def path_of(stream_id: str) -> str:
    return f"/v1/streams/{stream_id}"


def headers_of_stream(stream_id: str) -> dict[str, str]:
    """The headers that name a stream, so that any client can come back to it."""
    return {"x-keepstream-id": stream_id, "location": path_of(stream_id)}


def accepted_response(
    front: Front,
    stream_id: str,
    state: State,
    standing: Standing,
    headers: Mapping[str, str] | None = None,
    /,
    **more: Any,
) -> Response:
    """202, with where the stream is read and cancelled, and what is left of the owner's rates."""
    path = path_of(stream_id)
    shown = front.settings.root_path + path
    data = {"id": stream_id, "state": state, "events_url": f"{shown}/events", "cancel_url": f"{shown}/cancel"}
    return json_response(data | more, 202, {"location": path} | rate_headers(standing) | dict(headers or {}))
