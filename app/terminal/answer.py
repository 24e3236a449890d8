"""An answer as far as it has come: what a person is shown of a stream's events.

Pure. The rule: it shows the newest attempt alone (of a turn that begins again the newest, with the turns before it), it
says what is being waited for, and nothing in it can steer a terminal. Knows no terminal and no network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.clients.python.keepstream import Event
from app.terminal.talking.tool_lines import called, gave

# C0 and C1 but for line ends and tabs: escape sequences begin with these. And what turns the order of letters around.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_REASONS = {"rate_limit_error": "the limit of the Claude API is reached", "overloaded_error": "Claude is overloaded"}
# Of a shorter time nobody wants to know a rate.
RATE_SECONDS = 0.5
# Of what was broken off, nobody knows the final figures.
_COUNTED = frozenset({"completed", "truncated", "refused"})


def clean(text: str) -> str:
    """Text that a terminal shows and never obeys."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))


def clean_json(text: str) -> str:
    """The same JSON value in a text that a terminal never obeys: JSON itself leaves DEL and C1 as they are."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@dataclass(slots=True)
class Answer:
    """`status` is what is waited for; `wait` the seconds it takes from the event that said so, 0 where nobody knows.

    `attempt` rises when what came so far is void, but for the first `kept` characters. `asked`: the calls that wait for
    a person's word, by their ids, each in a line. `end` is the data of `relay.end`.
    """

    status: str = "waiting"
    wait: float = 0.0
    attempt: int = 1
    reason: str = ""
    end: dict[str, Any] | None = None
    kept: int = 0
    asked: dict[str, str] = field(default_factory=dict)
    _starts: list[int] = field(default_factory=list)
    _call: tuple[str, list[str]] | None = None
    _parts: list[str] = field(default_factory=list)
    _joined: str = ""
    _apart: bool = False

    @property
    def text(self) -> str:
        """The answer's Markdown."""
        if self._parts:
            self._joined += "".join(self._parts)
            self._parts.clear()
        return self._joined

    def take(self, event: Event) -> None:
        """The next event."""
        data = event.data if isinstance(event.data, dict) else {}
        match event.type:
            case "content_block_delta":
                self._delta(data.get("delta"))
            case "content_block_start":
                self._block(data.get("content_block"))
            case "content_block_stop":
                self._called()
            case "message_start":
                self._starts.append(len(self.text))
                self._apart = bool(self.text)
                self._say("thinking")
            case _:
                self._relayed(event.type, data)

    def _relayed(self, kind: str, data: dict[str, Any]) -> None:
        match kind:
            case "relay.status":
                self._wait_for(data)
            case "relay.retry":
                reason = str(data.get("reason"))
                self._say(_REASONS.get(reason, f"the Claude API failed ({reason})") + "; trying again")
                self.wait = float(data.get("retry_in_ms") or 0) / 1000
            case "relay.reset":
                self._reset(str(data.get("reason")), data.get("turn"))
            case "relay.approval":
                self.asked[str(data.get("tool_use_id"))] = called(data.get("name"), data.get("input"))
                self._say("waiting for approval")
            case "relay.tool":
                self.asked.pop(str(data.get("tool_use_id")), None)
                failed, took = bool(data.get("is_error")), data.get("elapsed_ms")
                self._note(gave(data.get("name"), data.get("content"), failed=failed, milliseconds=took))
                self._say("thinking")
            case "relay.end":
                self.end = data
                self._say("")

    def _wait_for(self, status: dict[str, Any]) -> None:
        """What is said beside the log; a state of a later version leaves what is shown as it is."""
        match status:
            case {"state": "queued", "position": position}:
                self._say(f"in the line, place {position}")
            case {"state": "thinking", "silent_ms": int(silent)}:
                self._say(f"thinking, silent for {silent // 1000} s")
            case {"state": "held", "retry_in_ms": int(wait)}:
                self._say(_REASONS["rate_limit_error"])
                self.wait = wait / 1000
            case {"state": "running", "output_tokens": int(tokens)}:
                self._say(f"writing, {tokens} tokens")
            case {"state": "waiting"}:
                self._say("waiting for approval")
            case _:
                pass

    def _delta(self, delta: Any) -> None:
        match delta:
            case {"type": "text_delta", "text": str(text)}:
                if self._apart and text:
                    self._parts.append("\n\n")
                    self._apart = False
                self._parts.append(text)
                self._say("")
            case {"type": "thinking_delta"}:
                self._say("thinking")
            case {"type": "input_json_delta", "partial_json": str(more)} if self._call is not None:
                self._call[1].append(more)
            case _:
                pass

    def _block(self, block: Any) -> None:
        match block:
            case {"type": "text", "text": str(text)} if text:
                self._delta({"type": "text_delta", "text": text})
            case {"type": "tool_use" | "server_tool_use" | "mcp_tool_use", "name": name}:
                self._call = str(name), []
                self._say(f"calling {clean(str(name))}")
            case _:
                pass

    def _called(self) -> None:
        """A call is whole: what it is given is seen only now."""
        if self._call is None:
            return
        name, parts = self._call
        self._call = None
        text = "".join(parts)
        try:
            given = json.loads(text) if text else ""
        except (ValueError, RecursionError):
            given = text  # it was cut off
        self._note(called(name, given))

    def _note(self, line: str) -> None:
        """A line of its own between texts."""
        self._parts.append(("\n\n" if self._joined or self._parts else "") + line)
        self._apart = True

    def _reset(self, reason: str, turn: Any) -> None:
        self.attempt += 1
        self.reason = reason
        turns = turn - 1 if isinstance(turn, int) and 0 < turn <= len(self._starts) else 0
        self.kept = self._starts[turns] if turns else 0
        self._joined = self.text[: self.kept]
        del self._starts[turns:]
        self._apart = bool(self._joined)
        self._call = None
        self.asked.clear()
        self._say("beginning again")

    def _say(self, status: str) -> None:
        self.status, self.wait = status, 0.0


def verdict(end: Mapping[str, Any]) -> str:
    """What is to be said of an ending, in words of what one can do; nothing for a whole answer."""
    match end.get("outcome"):
        case "completed":
            return ""
        case "truncated":
            return "the answer was cut at its limit"
        case "refused":
            return "the model refused to answer; say it differently"
        case "cancelled":
            return "stopped"
        case outcome:
            error = end.get("error") or {}
            return clean(f"{outcome}: {error.get('message') or 'no answer'}")


def resumed(times: int) -> str:
    """That the connection was lost so often, and that nothing else was."""
    match times:
        case 0:
            return ""
        case 1:
            return "resumed after a lost connection"
        case _:
            return f"resumed after {times} lost connections"


def first_token(seconds: float | None) -> str:
    """How long it took to begin, where that was seen."""
    return "" if seconds is None else f"first token in {seconds:.{1 if seconds >= 1 else 2}f}s"


def figures(end: dict[str, Any], seconds: float | None) -> str:
    """Tokens, their rate over `seconds`, and the price, as far as they are known."""
    if end.get("outcome") not in _COUNTED:
        return ""
    found = []
    tokens = (end.get("usage") or {}).get("output_tokens")
    if isinstance(tokens, int) and tokens > 0:
        found.append(f"{tokens} tokens")
        if seconds and seconds >= RATE_SECONDS:
            found.append(f"{tokens / seconds:.0f}/s")
    if cost := end.get("cost_usd"):
        found.append(f"${cost:.4f}")
    return " · ".join(found)
