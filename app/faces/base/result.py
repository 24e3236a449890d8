"""What has become of a stream that has ended: its finished Message as an answer, or the error that stands for it.

The rule: the Message goes out as it is kept. Of an error, status, type, message and `retry-after` are the upstream's,
as far as they are the client's business; but a refused key is ours and never the client's, and where another try of the
client would only repeat what the worker has tried already, the answer says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from app.faces.base.front import Front
from app.http.errors import STATUSES, ApiError
from app.http.remaining import retry_headers
from app.http.whole import Large
from app.intake.submit import again
from app.stream.endings import Outcome

# The fields of a stream's meta that tell why it has no answer.
FIELDS = ("outcome", "delivery", "content", "error", "failure")

KEY_REFUSED = "the Claude API refuses the key of this relay; its operator has to look at it"
NO_RETRY = {"x-should-retry": "false"}
# What a worker says of a stream for good, also where there was content: whoever asks again pays for the same again.
_FOR_GOOD = frozenset({"validation_error", "max_turns_error", "tool_interrupted"})

_KEY_STATUSES = frozenset({401, 403})
_KEY_TYPES = frozenset({"authentication_error", "permission_error"})
_ERRORS = range(400, 600)


def message_of(
    front: Front,
    stream_id: str,
    size: int,
    headers: Mapping[str, str] | None = None,
    *,
    before: bytes = b"",
    after: bytes = b"",
    patient: bool = False,
) -> Large:
    """The Message of a stream that has ended, of `size` bytes, between `before` and `after`."""

    async def make() -> list[bytes]:
        meta = await again(lambda: front.streams.log.meta(stream_id, "message"))
        if meta is None or "message" not in meta:
            raise ApiError(410, "the stream has ended and is no longer kept")
        return [meta["message"]]

    key = "message", stream_id
    return Large(front.bulk, key, size, make, headers=headers, before=before, after=after, patient=patient)


def failure_of(meta: Mapping[str, bytes]) -> ApiError:
    """The error that an ended stream without an answer is; `meta` has those of `FIELDS` that are set."""
    if meta.get("outcome") == Outcome.CANCELLED.encode():
        return ApiError(409, "the stream was cancelled", headers=NO_RETRY)
    error = _json(meta.get("error"))
    failure = _json(meta.get("failure"))
    kind = str(failure.get("type") or error.get("type") or "api_error")
    message = str(failure.get("message") or error.get("message") or "the stream failed")
    if not failure:
        # Nothing that the upstream said: a worker gave up before any content, or for good, and would again.
        gave_up = meta.get("outcome") == Outcome.FAILED.encode() and (meta.get("content") != b"1" or kind in _FOR_GOOD)
        return ApiError(STATUSES.get(kind, 500), message, kind=kind, headers=NO_RETRY if gave_up else None)
    status = failure.get("status")
    if status in _KEY_STATUSES or kind in _KEY_TYPES:
        return key_refused()
    if not isinstance(status, int) or status not in _ERRORS:
        status = STATUSES.get(kind, 500)
    headers = retry_headers(failure.get("retry_after"))
    if failure.get("exhausted") is True or failure.get("should_retry") is False:
        headers |= NO_RETRY
    elif failure.get("should_retry") is True:
        headers["x-should-retry"] = "true"
    if isinstance(failure.get("request_id"), str):
        headers["request-id"] = failure["request_id"]
    details = failure.get("details")
    return ApiError(status, message, kind=kind, headers=headers, details={"details": details} if details else None)


def key_refused() -> ApiError:
    return ApiError(500, KEY_REFUSED, headers=NO_RETRY)


def _json(value: bytes | None) -> dict[str, Any]:
    try:
        found = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
