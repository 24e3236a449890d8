"""What the API refuses, in its words: the key, the body, the fields. Pure: gives the parsed body or raises ApiError."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from app.dev.simulator.rules.caching import check_marks
from app.dev.simulator.rules.errors import ApiError
from app.dev.simulator.rules.models import find
from app.dev.simulator.rules.pairs import check_pairs

BAD_KEY = "bad-key"
UNKNOWN_MODEL = "claude-nonexistent"
Whole = Callable[[dict[str, Any]], dict[str, Any]]
ROLES = ("user", "assistant", "system")
OPTIONAL: tuple[tuple[str, tuple[type, ...], str], ...] = (
    ("system", (str, list), "string or list"),
    ("tools", (list,), "list"),
    ("tool_choice", (dict,), "dictionary"),
    ("stop_sequences", (list,), "list"),
    ("stream", (bool,), "boolean"),
)


def check_key(headers: Mapping[str, str]) -> None:
    """Any key is good but one, so that a wrong one can be tried."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")
    if not key:
        raise ApiError(401, "x-api-key header is required")
    if key == BAD_KEY:
        raise ApiError(401, "invalid x-api-key")


def check_version(headers: Mapping[str, str]) -> None:
    if not headers.get("anthropic-version"):
        raise ApiError(400, "anthropic-version: header is required")


def check_message_request(raw: bytes, whole: Whole = dict) -> dict[str, Any]:
    """The body of POST /v1/messages, with what is held for it (`whole`)."""
    body = _common(raw, whole)
    limit: Any = body.get("max_tokens")
    if "max_tokens" not in body:
        raise ApiError(400, "max_tokens: Field required")
    if not _is_int(limit):
        raise ApiError(400, "max_tokens: Input should be a valid integer")
    if limit < 1:
        raise ApiError(400, "max_tokens: Input should be greater than or equal to 1")
    model = find(body["model"])
    if model is not None and limit > model["max_tokens"]:
        allowed = f"{limit} > {model['max_tokens']}, which is the maximum allowed number of output tokens"
        raise ApiError(400, f"max_tokens: {allowed} for {model['id']}")
    for number, stop in enumerate(body.get("stop_sequences", ())):
        if not isinstance(stop, str):
            raise ApiError(400, f"stop_sequences.{number}: Input should be a valid string")
        if not stop.strip():
            raise ApiError(400, "stop_sequences: each stop sequence must contain non-whitespace")
    return body


def check_count_request(raw: bytes) -> dict[str, Any]:
    """The body of POST /v1/messages/count_tokens."""
    return _common(raw)


def _common(raw: bytes, whole: Whole = dict) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"The request body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise ApiError(400, "Input should be a valid dictionary")
    body = whole(body)
    for name in ("model", "messages"):
        if name not in body:
            raise ApiError(400, f"{name}: Field required")
    if not isinstance(body["model"], str) or not body["model"]:
        raise ApiError(400, "model: Input should be a valid string")
    _check_messages(body["messages"])
    _check_optional(body)
    check_pairs(body["messages"])
    check_marks(body)
    if body["model"] == UNKNOWN_MODEL:
        raise ApiError(404, f"model: {body['model']}")
    return body


def _check_optional(body: Mapping[str, Any]) -> None:
    for name, kinds, what in OPTIONAL:
        if not isinstance(body.get(name, kinds[0]()), kinds):
            raise ApiError(400, f"{name}: Input should be a valid {what}")
    for number, tool in enumerate(body.get("tools", ())):
        if not isinstance(tool, dict):
            raise ApiError(400, f"tools.{number}: Input should be a valid dictionary")
        if not isinstance(tool.get("input_schema", {}), dict):
            raise ApiError(400, f"tools.{number}.input_schema: Input should be a valid dictionary")


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list):
        raise ApiError(400, "messages: Input should be a valid list")
    if not messages:
        raise ApiError(400, "messages: at least one message is required")
    for number, message in enumerate(messages):
        at = f"messages.{number}"
        if not isinstance(message, dict):
            raise ApiError(400, f"{at}: Input should be a valid dictionary")
        if message.get("role") not in ROLES:
            raise ApiError(400, f"{at}.role: Input should be 'user' or 'assistant'")
        _check_content(at, message, last=number == len(messages) - 1)


def _check_content(at: str, message: Mapping[str, Any], *, last: bool) -> None:
    if "content" not in message:
        raise ApiError(400, f"{at}.content: Field required")
    content = message["content"]
    if not isinstance(content, str | list):
        raise ApiError(400, f"{at}.content: Input should be a valid string or list")
    if not content and not (last and message["role"] == "assistant"):
        raise ApiError(
            400, f"{at}: all messages must have non-empty content except for the optional final assistant message"
        )
    for place, block in enumerate(content if isinstance(content, list) else ()):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise ApiError(400, f"{at}.content.{place}.type: Field required")
        if block["type"] == "text" and not isinstance(block.get("text"), str):
            raise ApiError(400, f"{at}.content.{place}.text.text: Input should be a valid string")
        if block["type"] == "text" and not block["text"]:
            raise ApiError(400, "messages: text content blocks must be non-empty")
    if last and message["role"] == "assistant" and isinstance(content, str) and content != content.rstrip():
        raise ApiError(400, "messages: final assistant content cannot end with trailing whitespace")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
