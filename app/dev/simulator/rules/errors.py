"""The API's errors: their types, statuses and shape on the wire."""

from typing import Any

STATUS_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}

MESSAGES = {
    "authentication_error": "invalid x-api-key",
    "permission_error": "Your API key does not have permission to use the specified resource.",
    "not_found_error": "Not found",
    "request_too_large": "Request exceeds the maximum size",
    "rate_limit_error": "This request would exceed your organization's rate limit. Please try again later.",
    "api_error": "Internal server error",
    "timeout_error": "Request timed out",
    "overloaded_error": "Overloaded",
    "invalid_request_error": "The request was refused by a directive of its prompt.",
}


class ApiError(Exception):
    """A request that the API refuses. `status` is HTTP's; `kind` is the API's type, `details` its SDK's."""

    def __init__(
        self, status: int, message: str, kind: str | None = None, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind or type_of(status)
        self.details = details


def type_of(status: int) -> str:
    """The API's error type for an HTTP status."""
    return STATUS_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")  # noqa: PLR2004 HTTP's own line


def status_of(kind: str) -> int:
    """The HTTP status that goes with an error type; 500 for one we do not know."""
    return next((status for status, known in reversed(STATUS_TYPES.items()) if known == kind), 500)


def default_message(kind: str) -> str:
    return MESSAGES.get(kind, "An error asked for by a directive of the prompt.")


def error_body(kind: str, message: str, request_id: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    error = {"type": kind, "message": message, **({"details": details} if details else {})}
    return {"type": "error", "error": error, "request_id": request_id}
