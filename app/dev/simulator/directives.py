"""What a prompt may ask of the simulator: `[[sim: key=value key ...]]`, anywhere in the text of the last user message.

The dataclass below is the grammar, the documentation and the parsed value at once, so that the three cannot differ.
A prompt is its own configuration: tests that run side by side against one simulator do not disturb each other.
Pure; knows nothing of HTTP, of how a prompt is read (`prompts` does) or of what the keys do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.dev.simulator import values


def _key(
    read: Callable[[str | None], Any],
    help_text: str,
    example: str,
    *,
    default: Any = None,
    fault: bool = False,
    kept: bool = False,
) -> Any:
    """`fault`: only at the calls that `times=` and `call=` say. `kept`: in all turns of a loop of tools."""
    told = {"read": read, "help": help_text, "example": example, "fault": fault, "kept": kept}
    return field(default=default, metadata=told)


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
        kept=True,
    )
    thinking: bool = _key(
        values.flag, "a thinking block with its signature comes first", "thinking", default=False, kept=True
    )
    redacted_thinking: bool = _key(
        values.flag,
        "a redacted thinking block comes first",
        "redacted-thinking",
        default=False,
        kept=True,
    )
    citations: bool = _key(values.flag, "the text carries a citation of a document", "citations", default=False)
    tool: str | None = _key(
        values.optional_text,
        "call the request's first tool, or the named one (several: a,b); the tool_result is answered with text",
        "tool=get_weather",
        kept=True,
    )
    tool_input: Mapping[str, Any] | None = _key(
        values.json_object,
        "the input of that call as quoted JSON (else made up from its schema)",
        'tool-input="{\\"a\\":1}"',
        kept=True,
    )
    tool_rounds: int | None = _key(
        values.count,
        "call the tool so many times in a row, each after the result of the last",
        "tool tool-rounds=3",
        kept=True,
    )
    tools: tuple[tuple[values.ToolCall, ...], ...] | None = _key(
        values.tool_turns,
        "call these tools, those between commas at once, those after a ; in the next turn, then tell their results; "
        '`a{"x":1}` has that input (else it is made true to the schema), `a!` one that breaks the schema, `a~` one '
        "whose JSON is cut off, `*` is each tool of the request; text= is said before the calls",
        'tools="clock,calculator{\\"expression\\":\\"6*7\\"};clock"',
        kept=True,
    )
    turns: int | None = _key(
        values.count,
        "so many turns of tools= (its turns again and again), then the text; else each of its turns once",
        "tools=clock turns=5",
        kept=True,
    )
    tell: bool = _key(
        values.flag,
        "after tools, the text is JSON of all results as they were told, in their order: a list of "
        '{"tool_use_id","name","input","content","is_error"}',
        "tools=clock turns=3 tell",
        default=False,
        kept=True,
    )
    input_pieces: int | None = _key(
        values.count,
        "the input of each tool comes in so many deltas at the most; 1: at once, as where it is buffered",
        "tools=clock input-pieces=1",
        kept=True,
    )
    server_tool: bool = _key(
        values.flag,
        "first the API itself searches the web; with pause-turn that is all, and what is sent back then goes on",
        "server-tool pause-turn",
        default=False,
    )
    broken: int | None = _key(
        values.often,
        "where the request has a JSON schema for the text (else it is answered true to it): the first N answers since "
        "this prompt break it; without N all",
        "broken=1",
        kept=True,
    )
    not_json: int | None = _key(values.often, "likewise: the first N answers are cut-off JSON", "not-json=1", kept=True)
    # Pace, framing and bookkeeping.
    rate: float | None = _key(values.rate, "tokens per second; 0 is as fast as possible", "rate=0", kept=True)
    first: float | None = _key(values.seconds, "seconds to the first token", "first=2.5", kept=True)
    split: bool = _key(
        values.flag,
        "dribble each event in small writes, cut inside multi-byte characters",
        "split",
        default=False,
        kept=True,
    )
    crlf: bool = _key(values.flag, "lines end in CRLF", "crlf", default=False, kept=True)
    ping: float | None = _key(
        values.seconds, "seconds from ping to ping, where there is nothing else", "ping=10", kept=True
    )
    tag: str | None = _key(values.text, "count this call under a name in GET /_sim/calls", "tag=mine", kept=True)
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
