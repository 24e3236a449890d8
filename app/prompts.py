"""What a client may submit: the body of a request as a checked value.

Pure. The rule: what we can know to be wrong is refused here, in words that say what to do; every other field of the
Messages API, known or not, passes through untouched, because only the upstream can judge it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.stream.errors import KeepstreamError

# Above every model's limit; what lies between a model's own limit and this, the upstream refuses.
MAX_TOKENS_CEILING = 10_000_000
ON_INTERRUPT = ("restart", "fail")
RELAY_FIELDS = ("on_interrupt", "abandon_after")
# Sent up as the client sent them (the SDK's own would hide the client's).
FORWARDED_HEADERS = ("anthropic-version", "anthropic-beta")
# What a body may come to stand in (a message, a history, an event), for JSON is written only so deep.
WRAPPING = 8
HALF_YEAR = 183 * 24 * 3600


class InvalidPromptError(KeepstreamError):
    """The client's fault: a body that cannot be a prompt. The message says what to change."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the short form leaves out."""

    model: str
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as it is stored: `body` goes upstream, the rest is ours."""

    body: bytes
    model: str
    on_interrupt: str
    abandon_after: float | None
    digest: str

    def fields(self, owner: str, headers: Mapping[str, str], query: str = "") -> dict[str, str | bytes]:
        """The fields of a new stream's meta."""
        fields: dict[str, str | bytes] = {
            "owner": owner,
            "request": self.body,
            "model": self.model,
            "on_interrupt": self.on_interrupt,
        }
        if self.abandon_after is not None:
            fields["abandon_after"] = f"{self.abandon_after:g}"
        forwarded = {name: headers[name] for name in FORWARDED_HEADERS if name in headers}
        if forwarded:
            fields["headers"] = orjson.dumps(forwarded)
        if query:
            fields["query"] = query
        return fields


def parse_json(raw: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises `InvalidPromptError`."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        # The parser's own text may quote the body: only the place is told.
        raise InvalidPromptError(f"the body is not valid JSON (line {error.lineno}, column {error.colno})") from None
    if not isinstance(body, dict):
        raise InvalidPromptError("the body must be a JSON object")
    return body


def digest_of(body: Any) -> str:
    """The same for equal bodies. Raises `InvalidPromptError` for one that nobody could write down."""
    for _ in range(WRAPPING):
        body = [body]
    try:
        return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    except TypeError:
        raise InvalidPromptError("the body is nested too deeply") from None


def prompt_of(body: dict[str, Any], defaults: Defaults | None, on_interrupt: str = "restart") -> Prompt:
    """The prompt in `body`, in the form of the Messages API or, where there are defaults for it, in the short form.

    Raises `InvalidPromptError`.
    """
    body = dict(body)
    if not isinstance(body.pop("stream", False), bool):
        raise InvalidPromptError("stream: must be true or false")
    digest = digest_of(body)
    relay = _relay(body.pop("relay", None))
    if defaults is not None and "prompt" in body:
        _expand(body, defaults)
    _check_model(body)
    _check_max_tokens(body)
    _check_messages(body.get("messages"))
    return Prompt(
        body=orjson.dumps(body),
        model=body["model"],
        on_interrupt=relay.get("on_interrupt", on_interrupt),
        abandon_after=relay.get("abandon_after"),
        digest=digest,
    )


def _expand(body: dict[str, Any], defaults: Defaults) -> None:
    prompt = body.pop("prompt")
    if "messages" in body:
        raise InvalidPromptError("give either prompt or messages, not both")
    if not isinstance(prompt, str) or not prompt.strip():
        raise InvalidPromptError("prompt: must be a text that is not empty")
    body["messages"] = [{"role": "user", "content": prompt}]
    body.setdefault("model", defaults.model)
    body.setdefault("max_tokens", defaults.max_tokens)


def _relay(relay: Any) -> dict[str, Any]:
    if relay is None:
        return {}
    if not isinstance(relay, dict):
        raise InvalidPromptError("relay: must be an object")
    unknown = sorted(set(relay) - set(RELAY_FIELDS))
    if unknown:
        raise InvalidPromptError(f"relay.{unknown[0]}: unknown field; known are {', '.join(RELAY_FIELDS)}")
    if relay.get("on_interrupt", "restart") not in ON_INTERRUPT:
        raise InvalidPromptError("relay.on_interrupt: must be restart or fail")
    after = relay.get("abandon_after")
    if after is not None and (
        isinstance(after, bool) or not isinstance(after, int | float) or not 0 < after < HALF_YEAR
    ):
        raise InvalidPromptError("relay.abandon_after: must be a number of seconds above 0")
    return relay


def _check_model(body: dict[str, Any]) -> None:
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise InvalidPromptError("model: must be the name of a model")


def _check_max_tokens(body: dict[str, Any]) -> None:
    value = body.get("max_tokens")
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_TOKENS_CEILING:
        raise InvalidPromptError("max_tokens: must be a whole number of at least 1")


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise InvalidPromptError("messages: must be a list with at least one message")
    for n, message in enumerate(messages):
        if not isinstance(message, dict):
            raise InvalidPromptError(f"messages.{n}: must be an object with role and content")
        role, content = message.get("role"), message.get("content")
        if not isinstance(role, str) or not role:
            raise InvalidPromptError(f"messages.{n}.role: must be user or assistant")
        if not isinstance(content, str | list):
            raise InvalidPromptError(f"messages.{n}.content: must be a text or a list of content blocks")
        if isinstance(content, list) and not all(isinstance(block, dict) for block in content):
            raise InvalidPromptError(f"messages.{n}.content: each block must be an object")
        # Only a last assistant message may be empty.
        if not content and not (role == "assistant" and n == len(messages) - 1):
            raise InvalidPromptError(f"messages.{n}.content: must not be empty")
