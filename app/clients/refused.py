"""What a server has refused, as an error of the Python client."""

from __future__ import annotations

import httpx
import orjson

# Statuses below 500 that pass by themselves.
PASSING = frozenset({408})


class ClientError(Exception):
    """What the server has refused for good, or a stream that is lost; `kind` is the API's type of error.

    `stream_id`: the stream that is in the way, where one is.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        request_id: str | None = None,
        retry_after: float | None = None,
        stream_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.request_id = request_id
        self.retry_after = retry_after
        self.stream_id = stream_id

    @property
    def final(self) -> bool:
        """Whether trying again is of no use by itself. (429 too: only a person knows whether waiting is worth it.)"""
        return self.status < httpx.codes.INTERNAL_SERVER_ERROR and self.status not in PASSING


def error_of(response: httpx.Response) -> ClientError:
    kind, message, request_id = "api_error", response.reason_phrase, response.headers.get("request-id")
    try:
        body = orjson.loads(response.content)
        kind, message = body["error"]["type"], body["error"]["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass  # a proxy's own page
    after = response.headers.get("retry-after", "")
    retry_after = float(after) if after.isdecimal() else None
    return ClientError(
        response.status_code,
        kind,
        message,
        request_id=request_id,
        retry_after=retry_after,
        stream_id=response.headers.get("x-keepstream-id"),
    )
