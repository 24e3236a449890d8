"""The log as the Messages API's own stream: the upstream's events, byte for byte, and nothing else.

Pure. The law: a client is shown one message, from its `message_start` to its `message_stop`, without our ids and our
`relay.*` events; whatever prevents that is told, and is never an end that looks like a whole answer (the SDKs glue a
second `message_start` to the first answer, and take any clean end for a complete one). Knows no statuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app import surrogates
from app.stream.frames import PROOF_LENGTH

PING = b'event: ping\ndata: {"type": "ping"}\n\n'

_OURS = b"event: relay."
_END = b"event: relay.end\ndata: "
_RESET = b"event: relay.reset\n"
_STOP = b"event: message_stop\n"


@dataclass(frozen=True, slots=True)
class Complete:
    """The whole message was given."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What was given is void, because another attempt has begun or the log was lost."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The stream has ended; `data` is that of its `relay.end`."""

    data: Mapping[str, Any]


Over = Complete | Broken | Ended


class MessagesView:
    """One client's view. `shown`: it was given an event; `over`: how it ends, once nothing more can be given."""

    __slots__ = ("over", "shown")

    def __init__(self, *, shown: bool = False) -> None:
        self.shown = shown
        self.over: Over | None = None

    def take(self, frames: bytes) -> bytes:
        """What whole frames of the log are in this dialect."""
        parts: list[bytes] = []
        start, total = 0, len(frames)
        while start < total and self.over is None:
            end = frames.find(b"\n\n", start) + 2
            if frames.startswith(_OURS, start):
                self._take_ours(frames[start : end - PROOF_LENGTH], parts)
            else:
                # The id is the last line: what stands before it and the blank line is the event as it came.
                parts += (frames[start : end - PROOF_LENGTH], b"\n")
                if frames.startswith(_STOP, start):
                    self.over = Complete()
            start = end
        if parts:
            self.shown = True
        return b"".join(parts)

    def take_part(self, data: bytes, *, first: bool, last: bool) -> bytes:
        """Of one large event, which is none of ours and not the last of the message, what comes next."""
        if first:
            self.shown = True
        return data[:-PROOF_LENGTH] + b"\n" if last else data

    def reset(self) -> None:
        """The log told another history than the one that was given."""
        if self.shown:
            self.over = Broken()

    def _take_ours(self, lines: bytes, parts: list[bytes]) -> None:
        if lines.startswith(_RESET):
            parts.clear()  # not given yet, so there is nothing to take back
            self.reset()
        elif lines.startswith(_END):
            self.over = Ended(surrogates.loads(lines[len(_END) :]))


def error_event(body: bytes) -> bytes:
    """The last event of a stream that failed; `body` is that of the answer which a failure before the head would be."""
    return b"event: error\ndata: %b\n\n" % body
