"""An answer that is shown whole or not at all: what a front knows of it until then.

Pure. The law: no byte of it is kept, so that whatever a front does it has nothing to show; and what a log has not said
to be shown as it comes is under seal. Of what is heard there remain how far the log goes, and about how much it says:
tokens are nobody's to count before the upstream has, so they are told by the bytes of what was said.
"""

from __future__ import annotations

from app.stream.asides import Running
from app.stream.frames import encode, position_at_end
from app.stream.ledger.usage import BYTES_PER_TOKEN
from app.stream.log import Sealed
from app.stream.readback.restarts import OURS

_DELTA = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}'
# What stands around each piece of a text.
FRAME_BYTES = len(encode(b"content_block_delta", _DELTA, 0, 0)[0])
# How much of a log is text at the least, for what was not heard, where too little was heard to tell: what is told never
# becomes less again.
TEXT_PART = 0.03
ENOUGH_BYTES = 4096
_START = b"event: message_start\n"
_APPROVAL = b"event: relay.approval\n"


class Seal:
    """Of one stream, on one front. Times are the loop's.

    `known`: a log has said that it is under seal. `asks`: a person was asked something of it.
    """

    __slots__ = ("_attempt", "_before", "_end", "_heard", "_running_since", "_said", "_tokens", "asks", "known")

    def __init__(self) -> None:
        self.known = self.asks = False
        self._end = self._attempt = 0
        self._running_since: float | None = None
        self._before = self._heard = self._said = self._tokens = 0

    def hear(self, start: int, data: bytes) -> bool:
        """Frames came that stand at `start`. Whether the log must be asked: it begins anew, ends, runs at last."""
        self._end = max(self._end, start + len(data))
        self._heard += len(data)
        self._said += max(0, len(data) - data.count(b"\n\n") * FRAME_BYTES - _head(data))
        self.asks = self.asks or _APPROVAL in data
        return self._running_since is None or data.startswith(OURS) or b"\n\n" + OURS in data

    def stands(self, sealed: Sealed, attempt: int, now: float) -> None:
        """What the log says of it."""
        self.known = True
        if attempt != self._attempt:
            self._attempt = attempt
            self._before = self._heard = self._said = self._tokens = 0
        self._end = sealed.length
        self._before = max(0, sealed.length - sealed.base - self._heard)
        self._running_since = None if sealed.ran_ms < 0 else now - sealed.ran_ms / 1000

    def heard_all(self, last: bytes) -> bool:
        """Whether all was heard of a log that ends with these bytes."""
        position = position_at_end(last)
        return self.known and self._end == (0 if position is None else position.offset)

    def says(self, now: float) -> Running | None:
        """What its readers are told; None where it does not run, as far as is known."""
        if self._running_since is None:
            return None
        part = self._said / self._heard if self._heard >= ENOUGH_BYTES else TEXT_PART
        tokens = int(self._said + self._before * part) // BYTES_PER_TOKEN
        self._tokens = max(self._tokens, tokens)  # of one attempt there is never less than before
        return Running(int((now - self._running_since) * 1000), self._tokens)


def _head(data: bytes) -> int:
    """What a message's start takes beyond a frame's share: it says nothing."""
    return max(0, data.find(b"\n\n") + 2 - FRAME_BYTES) if data.startswith(_START) else 0
