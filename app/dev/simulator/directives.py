"""What a prompt may ask of the simulator: `[[sim: key=value key ...]]`, anywhere in the text of the last user message.

The dataclass below is the grammar, the documentation and the parsed value at once, so that the three cannot differ.
A prompt is its own configuration: tests that run side by side against one simulator do not disturb each other.
A directive that is not understood is an error, never ignored: a fault that is silently not injected proves nothing.
Pure; knows nothing of HTTP or of what the keys do.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

from app.dev.simulator import values

_OPENING = "[[sim:"
# A quoted value may hold anything, also the closing brackets. Each character has one way to match: linear time.
_DIRECTIVE = re.compile(r'\[\[sim:((?:"(?:[^"\\]|\\.)*"|[^"\]]|\](?!\]))*)\]\]', re.DOTALL)
_PAIR = re.compile(r'\s*([A-Za-z][\w-]*)(?:=("(?:[^"\\]|\\.)*"|[^\s"]+))?(?=\s|$)', re.DOTALL)


class DirectiveError(ValueError):
    """The prompt's author wrote a directive that says nothing; the message tells what to write."""


def _key(
    read: Callable[[str | None], Any], help_text: str, example: str, *, default: Any = None, fault: bool = False
) -> Any:
    return field(default=default, metadata={"read": read, "help": help_text, "example": example, "fault": fault})


@dataclass(frozen=True, slots=True, kw_only=True)
class Directives:
    """What one prompt asks for. `None`, `False` and absent are the same: nothing unusual."""

    # The answer.
    tokens: int | None = _key(values.count, "an answer of exactly N tokens", "tokens=2000")
    text: str | None = _key(values.text, "answer exactly this text (a JSON string if quoted)", 'text="one\\ntwo"')
    echo: bool = _key(
        values.flag, "answer with a JSON code block of the request's headers and body", "echo", default=False
    )
    hostile: bool = _key(
        values.flag,
        "text full of markup, script links, U+2028, NUL and lone surrogate escapes, SSE look-alikes, RTL overrides",
        "hostile",
        default=False,
    )
    big_delta: int | None = _key(values.count, "the first text delta has this many bytes", "big-delta=10000000")
    stamp: bool = _key(
        values.flag,
        "each text delta begins with `<time.time_ns() at sending>;` (streaming only)",
        "stamp",
        default=False,
    )
    thinking: bool = _key(values.flag, "a thinking block with its signature comes first", "thinking", default=False)
    redacted_thinking: bool = _key(
        values.flag, "a redacted thinking block comes first", "redacted-thinking", default=False
    )
    citations: bool = _key(values.flag, "the text carries a citation of a document", "citations", default=False)
    tool: str | None = _key(
        values.optional_text,
        "call the request's first tool, or the named one (several: a,b); the tool_result is answered with text",
        "tool=get_weather",
    )
    tool_input: Mapping[str, Any] | None = _key(
        values.json_object,
        "the input of that call as quoted JSON (else made up from its schema)",
        'tool-input="{\\"a\\":1}"',
    )
    tool_rounds: int | None = _key(
        values.count, "call the tool so many times in a row, each after the result of the last", "tool tool-rounds=3"
    )
    # Pace, framing and bookkeeping.
    rate: float | None = _key(values.rate, "tokens per second; 0 is as fast as possible", "rate=0")
    first: float | None = _key(values.seconds, "seconds to the first token", "first=2.5")
    split: bool = _key(
        values.flag, "dribble each event in small writes, cut inside multi-byte characters", "split", default=False
    )
    crlf: bool = _key(values.flag, "lines end in CRLF", "crlf", default=False)
    ping: float | None = _key(values.seconds, "seconds from ping to ping, where there is nothing else", "ping=10")
    tag: str | None = _key(values.text, "count this call under a name in GET /_sim/calls", "tag=mine")
    remaining: int | None = _key(
        values.count, "what anthropic-ratelimit-requests-remaining says", "remaining=0 reset=2"
    )
    reset: float | None = _key(values.seconds, "seconds to what the anthropic-ratelimit-*-reset headers say", "reset=2")
    # Faults of the answer's head.
    status: int | None = _key(
        values.status,
        "fail with this status: 400 401 403 404 413 429 500 503 529 ...",
        "status=529 times=2",
        fault=True,
    )
    error_type: str | None = _key(
        values.text, "the error's type, with status= or error-after=", "status=400 error-type=billing_error", fault=True
    )
    message: str | None = _key(values.text, "the error's message", 'status=400 message="no"', fault=True)
    retry_after: float | None = _key(
        values.seconds, "header retry-after, seconds", "status=429 retry-after=3", fault=True
    )
    retry_after_ms: int | None = _key(
        values.count, "header retry-after-ms, milliseconds", "status=429 retry-after-ms=50", fault=True
    )
    should_retry: bool | None = _key(values.truth, "header x-should-retry", "status=500 should-retry=false", fault=True)
    slow_head: float | None = _key(values.seconds, "the head comes after so many seconds", "slow-head=3", fault=True)
    cut_head: bool = _key(values.flag, "close the connection before any byte", "cut-head", default=False, fault=True)
    # Faults of the stream: after N tokens; 0 is after message_start, before any content block.
    error_after: int | None = _key(
        values.count, "event: error (overloaded_error or error-type=) after N tokens", "error-after=5", fault=True
    )
    stall_after: int | None = _key(values.count, "silence for ever, connection open", "stall-after=10", fault=True)
    pings_after: int | None = _key(values.count, "nothing but pings for ever", "pings-after=10", fault=True)
    think: float | None = _key(
        values.seconds, "nothing but pings for so long, then on; after think-after= tokens", "think=40", fault=True
    )
    think_after: int | None = _key(
        values.count, "where think= is; 0 if not given", "think=40 think-after=3", fault=True
    )
    mute: float | None = _key(
        values.seconds, "no byte at all for so long, then on; after mute-after= tokens", "mute=2", fault=True
    )
    mute_after: int | None = _key(values.count, "where mute= is; else 0", "mute=2 mute-after=3", fault=True)
    buffer_tool: float | None = _key(
        values.seconds,
        "the input of a tool is held back behind so many seconds of pings, then comes at once",
        "tool=write_file buffer-tool=40",
        fault=True,
    )
    end_after: int | None = _key(
        values.count, "the body ends cleanly, without message_stop", "end-after=10", fault=True
    )
    cut_after: int | None = _key(values.count, "the connection is reset (RST)", "cut-after=10 times=1", fault=True)
    bad_json_after: int | None = _key(
        values.count, "one event whose data is cut-off JSON, then on", "bad-json-after=10", fault=True
    )
    bad_utf8_after: int | None = _key(
        values.count, "one event whose data is not UTF-8, then on", "bad-utf8-after=10", fault=True
    )
    forged_after: int | None = _key(
        values.count, "one event that is named relay.end, as only a relay's is, then on", "forged-after=10", fault=True
    )
    unknown_events: bool = _key(
        values.flag,
        "unknown named, unnamed and multi-line events, comments and id: lines mixed in, one after message_stop",
        "unknown-events",
        default=False,
        fault=True,
    )
    no_blank_at_end: bool = _key(
        values.flag,
        "the body ends with message_stop's data, without its blank line",
        "no-blank-at-end",
        default=False,
        fault=True,
    )
    # Unusual endings.
    refusal: bool = _key(
        values.flag, "stop_reason refusal, no text (unless tokens= or text=)", "refusal", default=False, fault=True
    )
    pause_turn: bool = _key(values.flag, "stop_reason pause_turn", "pause-turn", default=False, fault=True)
    context_window: bool = _key(
        values.flag, "stop_reason model_context_window_exceeded", "context-window", default=False, fault=True
    )
    max_tokens: bool = _key(values.flag, "stop_reason max_tokens", "max-tokens", default=False, fault=True)


_KEYS: dict[str, Field[Any]] = {item.name: item for item in fields(Directives)}
_SCOPES = ("times", "call")


def parse(text: str, call: int = 1) -> Directives:
    """The directives of a prompt at its `call`-th call (from 1). A later directive overrides an earlier one's keys."""
    found: dict[str, Any] = {}
    for body in _bodies(text):
        pairs = dict(_pairs(body))
        scope = {name: _read(name, values.count, pairs.pop(name)) for name in _SCOPES if name in pairs}
        faults_on = call <= scope.get("times", call) and call == scope.get("call", call)
        for name, raw in pairs.items():
            if name not in _KEYS:
                raise DirectiveError(
                    f"[[sim: {name.replace('_', '-')}]] is not known; `keepstream simulate --help` lists the keys"
                )
            value = _read(name, _KEYS[name].metadata["read"], raw)
            if faults_on or not _KEYS[name].metadata["fault"]:
                found[name] = value
    return Directives(**found)


def without(text: str) -> str:
    """The prompt as it would be without its directives."""
    return _DIRECTIVE.sub("", text).strip() if _OPENING in text else text.strip()


def document() -> str:
    """Every key with its meaning and an example, for `--help`."""
    lines = []
    for item in _KEYS.values():
        key = item.name.replace("_", "-") + values.FORMS[item.metadata["read"]]
        lines.append(f"  {key:<24} {item.metadata['help']}")
        lines.append(f"  {'':<24}   [[sim: {item.metadata['example']}]]")
    return "\n".join(lines)


def _bodies(text: str) -> Iterator[str]:
    if _OPENING not in text:
        return
    found = _DIRECTIVE.findall(text)
    if _OPENING in _DIRECTIVE.sub("", text):
        raise DirectiveError("a [[sim: ...]] directive is not closed, or a quote in it is not")
    yield from found


def _pairs(body: str) -> Iterator[tuple[str, str | None]]:
    body, at = body.rstrip(), 0
    while at < len(body):
        match = _PAIR.match(body, at)
        if match is None:
            raise DirectiveError(f"[[sim:{body}]]: cannot read from {body[at : at + 40].strip()!r} on")
        name, value = match.groups()
        yield name.replace("-", "_").lower(), _unquoted(value) if value else None
        at = match.end()


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value, strict=False))
    except ValueError as error:
        raise DirectiveError(f"[[sim: ...]]: {value[:40]} is not a JSON string") from error


def _read(name: str, read: Callable[[str | None], Any], raw: str | None) -> Any:
    try:
        return read(raw)
    except ValueError as error:
        raise DirectiveError(f"[[sim: {name.replace('_', '-')}]] {values.number_error(error)}") from error
