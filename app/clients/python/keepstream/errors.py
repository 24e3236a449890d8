"""What may go wrong, as one tree of exceptions.

The rule: an error says whose word it is (the server's, or nobody's, because none came), what the server named it, and
whether trying again can help; and it never has a key or a ticket in it.
"""

from __future__ import annotations

from typing import ClassVar

# Below 500, what passes by itself: a request that timed out.
_PASSING = frozenset({408})
_SERVER_ERROR = 500


class KeepstreamError(Exception):
    """Everything that this package raises, but for wrong arguments (`ValueError`).

    `status`: HTTP's, None where no answer came. `type`: the Claude API's name of it (`not_found_error`, …).
    `message`: in words. `request_id`: what the server's log calls the request. `retry_after`: the seconds that it wants
    one to wait. `stream_id`: the stream that is in the way, where one is (a conversation's that still runs).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        type: str = "api_error",  # noqa: A002  # the API's word
        request_id: str | None = None,
        retry_after: float | None = None,
        stream_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.request_id = request_id
        self.retry_after = retry_after
        self.stream_id = stream_id

    @property
    def final(self) -> bool:
        """Whether trying again by itself is of no use. (429 too: only a person knows whether waiting is worth it.)"""
        return True

    def __repr__(self) -> str:
        told = (
            f"{name}={value!r}"
            for name in ("status", "type", "request_id", "retry_after", "stream_id")
            if (value := getattr(self, name)) is not None
        )
        return f"{type(self).__name__}({', '.join((repr(self.message), *told))})"


class UnreachableError(KeepstreamError):
    """No answer came: the server cannot be reached, or the connection broke or fell silent."""

    @property
    def final(self) -> bool:
        return False


class InvalidAnswerError(KeepstreamError):
    """What answers does not speak as Keepstream: another server, or a page of something in between."""


class RefusedError(KeepstreamError):
    """The server's answer is no: `status` says of which kind. The kinds that programs tell apart have classes."""

    kinds: ClassVar[dict[int, type[RefusedError]]] = {}

    @property
    def final(self) -> bool:
        return self.status is not None and self.status < _SERVER_ERROR and self.status not in _PASSING


class AuthenticationError(RefusedError):
    """401: no key, token or ticket, or one that is not valid any more."""


class BudgetError(RefusedError):
    """402: the owner's budget is used up."""


class NotAllowedError(RefusedError):
    """403: whoever asks may not do this."""


class NotFoundError(RefusedError):
    """404: there is no such stream or conversation, or it is somebody else's."""


class ConflictError(RefusedError):
    """409: not now. The stream still runs, or another one does in the conversation: `stream_id` names it."""


class GoneError(RefusedError):
    """410: it was kept long enough, was deleted, or was lost."""


class RateLimitError(RefusedError):
    """429: too much at once, here or upstream; `retry_after` says how many seconds to wait."""


class ServerError(RefusedError):
    """5xx: the server, or the Claude API behind it, failed. `retry_after` may say when to come back."""


RefusedError.kinds = {
    401: AuthenticationError,
    402: BudgetError,
    403: NotAllowedError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    429: RateLimitError,
}


def refused(
    status: int,
    type: str,  # noqa: A002  # as above
    message: str,
    *,
    request_id: str | None = None,
    retry_after: float | None = None,
    stream_id: str | None = None,
) -> RefusedError:
    """The error that stands for an answer of this status."""
    kind = RefusedError.kinds.get(status, ServerError if status >= _SERVER_ERROR else RefusedError)
    return kind(message, status=status, type=type, request_id=request_id, retry_after=retry_after, stream_id=stream_id)


def no_numbers() -> ServerError:
    """That a board was empty."""
    return ServerError("the server has no numbers to show; its Redis may be away", status=503)
