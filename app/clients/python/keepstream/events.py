"""The events of a stream, typed. Pure.

The rule: an event is what came over the wire, unchanged; those that Keepstream adds have classes with names for what
is in them, and whatever this version does not know is a plain `Event`.

    for event in client.events(stream_id):
        match event:
            case Reset():            # another attempt begins: forget the text
                ...
            case End(outcome=outcome):
                ...
            case _:
                print(event.text, end="")
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from .errors import InvalidAnswerError

Outcome = Literal["completed", "truncated", "refused", "failed", "cancelled", "expired"]


@dataclass(frozen=True, slots=True)
class Event:
    """`type`: its name on the wire (`content_block_delta`, `relay.end`). `data`: its JSON, parsed.

    `id`: the place behind the event, to go on from (`after=`); empty where the event does not move the place.
    """

    type: str
    data: Any
    id: str = ""

    @property
    def text(self) -> str:
        """What this event adds to the answer's text; empty for every other event."""
        match self.data:
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}}:
                return text
            case {"type": "content_block_start", "content_block": {"type": "text", "text": str(text)}}:
                return text
            case _:
                return ""

    @property
    def thinking(self) -> str:
        """What this event adds to the model's thinking; empty for every other event."""
        match self.data:
            case {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": str(text)}}:
                return text
            case _:
                return ""

    def _get(self, name: str, default: Any = None) -> Any:
        return self.data.get(name, default) if isinstance(self.data, dict) else default


@dataclass(frozen=True, slots=True)
class Reset(Event):
    """`relay.reset`: forget everything so far; what follows is the newest attempt from its start.

    With a `turn` forget that turn alone: it begins again, and the turns before it stand.
    """

    @property
    def turn(self) -> int | None:
        """Which turn begins again, counted from 1; None where all of it does."""
        turn: int | None = self._get("turn")
        return turn

    @property
    def attempt(self) -> int:
        """The number of the attempt that follows."""
        return int(self._get("attempt") or 0)

    @property
    def reason(self) -> str:
        return str(self._get("reason", ""))


@dataclass(frozen=True, slots=True)
class Retry(Event):
    """`relay.retry`: the upstream failed before any content and is called again; there is nothing to forget."""

    @property
    def attempt(self) -> int:
        """The number of the attempt that comes next."""
        return int(self._get("attempt") or 0)

    @property
    def reason(self) -> str:
        return str(self._get("reason", ""))

    @property
    def retry_in(self) -> float:
        """Seconds until then."""
        return float(self._get("retry_in_ms") or 0) / 1000


@dataclass(frozen=True, slots=True)
class Status(Event):
    """`relay.status`: what the stream waits for. It is not part of the log, so it has no id."""

    @property
    def state(self) -> str:
        """`queued`, `thinking` (the upstream sends pings alone), `held` (at the upstream's limit), `waiting` (for a
        person to approve a tool), or `running`, where nothing is shown before it is whole (`delivery` is `final`).
        """
        return str(self._get("state", ""))

    @property
    def position(self) -> int | None:
        """The place in the line, 1 for the next; where it is `queued`."""
        position: int | None = self._get("position")
        return position

    @property
    def silent(self) -> float | None:
        """For how many seconds nothing came; where it is `thinking`."""
        return _seconds(self._get("silent_ms"))

    @property
    def retry_in(self) -> float | None:
        """In how many seconds the call is made; where it is `held`."""
        return _seconds(self._get("retry_in_ms"))

    @property
    def elapsed(self) -> float | None:
        """For how many seconds it is written; where it is `running`."""
        return _seconds(self._get("elapsed_ms"))

    @property
    def output_tokens(self) -> int | None:
        """How many were written; where it is `running`."""
        tokens: int | None = self._get("output_tokens")
        return tokens


@dataclass(frozen=True, slots=True)
class Partial(Event):
    """`relay.partial`: what there is so far of JSON that is being written. It is not part of the log."""

    @property
    def index(self) -> int:
        """The block's, in its turn."""
        return int(self._get("index") or 0)

    @property
    def value(self) -> Any:
        return self._get("value")


@dataclass(frozen=True, slots=True)
class Approval(Event):
    """`relay.approval`: a person has to say whether this call may be made (`Client.approve`)."""

    @property
    def tool_use_id(self) -> str:
        return str(self._get("tool_use_id", ""))

    @property
    def name(self) -> str:
        return str(self._get("name", ""))

    @property
    def input(self) -> Any:
        return self._get("input")


@dataclass(frozen=True, slots=True)
class ToolResult(Event):
    """`relay.tool`: the result of a tool that the worker ran."""

    @property
    def tool_use_id(self) -> str:
        return str(self._get("tool_use_id", ""))

    @property
    def name(self) -> str:
        return str(self._get("name", ""))

    @property
    def content(self) -> Any:
        """As the model is told it: a text, or content blocks."""
        return self._get("content")

    @property
    def is_error(self) -> bool:
        return bool(self._get("is_error"))

    @property
    def elapsed(self) -> float:
        """How many seconds it took."""
        return float(self._get("elapsed_ms") or 0) / 1000


@dataclass(frozen=True, slots=True)
class End(Event):
    """`relay.end`: the stream's one ending, always its last event."""

    @property
    def outcome(self) -> Outcome:
        """`completed` alone is a whole answer; `truncated` was cut at a limit, `refused` by the model."""
        outcome: Outcome = self._get("outcome", "failed")
        return outcome

    @property
    def stop_reason(self) -> str | None:
        stop_reason: str | None = self._get("stop_reason")
        return stop_reason

    @property
    def usage(self) -> dict[str, Any] | None:
        """The newest message's tokens, as the Claude API counts them."""
        usage: dict[str, Any] | None = self._get("usage")
        return usage

    @property
    def cost_usd(self) -> float | None:
        """US dollars of all calls; None where one of them used a model without a known price."""
        cost: float | None = self._get("cost_usd")
        return cost

    @property
    def attempts(self) -> int:
        """How many calls of the upstream there were."""
        return int(self._get("attempts") or 0)

    @property
    def turns(self) -> int | None:
        """How often the model answered, where a worker ran tools."""
        turns: int | None = self._get("turns")
        return turns

    @property
    def error(self) -> dict[str, Any] | None:
        """`{"type", "message"}` where it `failed` or `expired`."""
        error: dict[str, Any] | None = self._get("error")
        return error


_KINDS: dict[str, type[Event]] = {
    "relay.reset": Reset,
    "relay.retry": Retry,
    "relay.status": Status,
    "relay.partial": Partial,
    "relay.approval": Approval,
    "relay.tool": ToolResult,
    "relay.end": End,
}


def event_of(name: str, data: str, event_id: str) -> Event:
    """The event of these fields. Raises `InvalidAnswerError` where `data` is no JSON."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidAnswerError(f"an event named {name!r} came without JSON in it") from None
    return _KINDS.get(name, Event)(name, value, event_id)


def _seconds(milliseconds: Any) -> float | None:
    return None if milliseconds is None else float(milliseconds) / 1000
