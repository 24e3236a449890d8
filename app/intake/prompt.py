"""What a client may submit: the body of a request as a checked value.

Pure. The rule: what we can know to be wrong is refused here, in words that say what to do; every other field of the
Messages API, known or not, passes through untouched, because only the upstream can judge it.

What is stored as `request` is the bytes of one JSON object: the fields of the Messages API, each value byte for byte as
it was sent, without `stream` and `relay`. So who calls the upstream puts `"stream":true,` behind the first brace and
sends it; nobody has to build it. Its `model` stands beside it as a field of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from app.intake.raw_json import (
    Fields,
    InvalidPromptError,
    Raw,
    elements,
    fields_of,
    joined,
    kind_of,
    members,
    minified,
    raw,
    read,
    size,
)
from app.intake.relay import Relay, relay_of

__all__ = ["Defaults", "InvalidPromptError", "Prompt", "digest_of", "fields_of", "prompt_of"]

# Above every model's limit; what lies between a model's own limit and this, the upstream refuses.
MAX_TOKENS_CEILING = 10_000_000
# Sent up as the client sent them (the SDK's own would hide the client's).
FORWARDED_HEADERS = ("anthropic-version", "anthropic-beta")
# What a stream keeps of its request's: those, and what its client calls it.
PASSED_HEADERS = (*FORWARDED_HEADERS, "x-request-id")
_CLIENT_REQUEST_ID = re.compile(r"[ -~]{1,128}", re.ASCII)
# What is read of a body, and built, is small: names, numbers, what is asked of us.
READ_BYTES = 16 * 1024
# Messages are looked at one by one where they are small or few; beyond, the upstream does it.
LOOKED_AT_BYTES = 256 * 1024
LOOKED_AT_COMMAS = 8192
# White space makes no other body, as far as it costs nothing to look.
MINIFIED_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the short form leaves out."""

    model: str
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as it is stored: `body` goes upstream, what `relay` asks for is ours."""

    body: bytes
    model: str
    on_interrupt: str
    digest: str
    relay: Relay = field(default_factory=Relay)

    def fields(self, owner: str, headers: Mapping[str, str], query: str = "") -> dict[str, str | bytes]:
        """The fields of a new stream's meta."""
        fields: dict[str, str | bytes] = {
            "owner": owner,
            "request": self.body,
            "model": self.model,
            "on_interrupt": self.on_interrupt,
            **self.relay.fields(),
        }
        if up := forwarded(headers):
            fields["headers"] = orjson.dumps(up)
        if client_id := client_request_id(headers):
            fields["client_request_id"] = client_id
        if query:
            fields["query"] = query
        return fields


def delivered(prompt: Prompt, *, final: bool, waits: bool) -> Prompt:
    """The prompt of a client whose limits ask for whole answers (`final`), or who waits for the end (`waits`).

    What is held against a schema must not be seen before: it is shown whole. A restart of what is shown whole is seen
    by nobody. Raises `InvalidPromptError`.
    """
    relay = prompt.relay
    if not (final or relay.is_final or (relay.validate and waits)):
        if relay.validate:
            raise InvalidPromptError("relay.validate: needs relay.delivery final, or to be waited for (?wait=SECONDS)")
        return prompt
    relay = replace(relay, delivery="final")
    return replace(prompt, relay=relay, on_interrupt=relay.on_interrupt or "restart")


def forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """What goes up of a request's headers."""
    return {name: headers[name] for name in FORWARDED_HEADERS if name in headers}


def client_request_id(headers: Mapping[str, str]) -> str | None:
    """What a client calls its own request, if that can stand in a line of a log."""
    given = headers.get("x-request-id", "")
    return given if _CLIENT_REQUEST_ID.fullmatch(given) else None


def prompt_of(body: Mapping[str, Any], defaults: Defaults | None, on_interrupt: str = "restart") -> Prompt:
    """The prompt in `body`, in the form of the Messages API or, where there are defaults for it, in the short form.

    Its values are the bytes that were sent (`fields_of`), or values. Raises `InvalidPromptError`.
    """
    fields = {name: raw(value) for name, value in body.items()}
    if "stream" in fields and kind_of(fields.pop("stream")) not in ("true", "false"):
        raise InvalidPromptError("stream: must be true or false")
    digest = digest_of(fields)
    relay = relay_of(_small("relay", fields.pop("relay", Raw(b"null"))))
    if defaults is not None and "prompt" in fields:
        _expand(fields, defaults)
    model = _model(fields.get("model"))
    _check_max_tokens(fields.get("max_tokens"))
    _check_messages(fields.get("messages"))
    return Prompt(
        body=joined(fields),
        model=model,
        on_interrupt=relay.on_interrupt or on_interrupt,
        digest=digest,
        relay=relay,
    )


def asks_for_ticket(fields: Fields) -> bool:
    """Whether a body, as it was sent, wants a ticket in its answer. Raises `InvalidPromptError`."""
    return relay_of(_small("relay", fields.get("relay", Raw(b"null")))).ticket


def digest_of(fields: Fields, *also: str) -> str:
    """The same for bodies with the same fields in any order, where what is `also` meant is the same."""
    small = size(fields.values()) <= MINIFIED_BYTES
    digest = hashlib.sha256("".join(f"{word}," for word in also).encode())
    for name in sorted(fields):
        digest.update(orjson.dumps(name) + b":")
        digest.update(minified(fields[name]) if small else fields[name])
        digest.update(b",")
    return digest.hexdigest()


def _small(name: str, value: Raw) -> Any:
    if size((value,)) > READ_BYTES:
        raise InvalidPromptError(f"{name}: is too large")
    return read(value)


def _expand(fields: Fields, defaults: Defaults) -> None:
    prompt = fields.pop("prompt")
    if "messages" in fields:
        raise InvalidPromptError("give either prompt or messages, not both")
    if kind_of(prompt) != "string" or (size((prompt,)) <= LOOKED_AT_BYTES and not read(prompt).strip()):
        raise InvalidPromptError("prompt: must be a text that is not empty")
    fields["messages"] = Raw(b'[{"role":"user","content":%b}]' % prompt)
    fields.setdefault("model", raw(defaults.model))
    fields.setdefault("max_tokens", raw(defaults.max_tokens))


def _model(value: Raw | None) -> str:
    model = _small("model", value) if value is not None else None
    if not isinstance(model, str) or not model:
        raise InvalidPromptError("model: must be the name of a model")
    return model


def _check_max_tokens(value: Raw | None) -> None:
    tokens = _small("max_tokens", value) if value is not None else None
    if isinstance(tokens, bool) or not isinstance(tokens, int) or not 1 <= tokens <= MAX_TOKENS_CEILING:
        raise InvalidPromptError("max_tokens: must be a whole number of at least 1")


def _check_messages(value: Raw | None) -> None:
    if value is None or kind_of(value) != "array" or not bytes(value)[1:-1].strip():
        raise InvalidPromptError("messages: must be a list with at least one message")
    if size((value,)) > LOOKED_AT_BYTES and bytes(value).count(b",") > LOOKED_AT_COMMAS:
        return
    messages = elements(value)
    for n, message in enumerate(messages):
        if kind_of(message) != "object":
            raise InvalidPromptError(f"messages.{n}: must be an object with role and content")
        _check_message(f"messages.{n}", members(message), is_last=n == len(messages) - 1)


def _check_message(where: str, message: Fields, *, is_last: bool) -> None:
    role, content = message.get("role"), message.get("content")
    if role is None or kind_of(role) != "string" or bytes(role) == b'""':
        raise InvalidPromptError(f"{where}.role: must be user or assistant")
    kind = kind_of(content) if content is not None else None
    if content is None or kind not in ("string", "array"):
        raise InvalidPromptError(f"{where}.content: must be a text or a list of content blocks")
    blocks = elements(content) if kind == "array" else []
    if any(kind_of(block) != "object" for block in blocks):
        raise InvalidPromptError(f"{where}.content: each block must be an object")
    # Only a last assistant message may be empty.
    empty = not blocks if kind == "array" else bytes(content) == b'""'
    if empty and not (bytes(role) == b'"assistant"' and is_last):
        raise InvalidPromptError(f"{where}.content: must not be empty")
