"""What a front says beside a log's own frames to those who read it as it is. Pure, but for the jitter.

None of it has an id, so none of it moves a client's place.
"""

from __future__ import annotations

import random

from app.stream.frames import unlogged

RETRY_MS = 1000
# When whoever comes in a bad moment comes back: not all together.
AWAY_MS = (700, 1300)


def opening(stream_id: str, retry_ms: int = RETRY_MS) -> bytes:
    """How every answer begins: one block, because some clients see an event in a `retry:` of its own."""
    return b"retry: %d\n: stream %b\n\n" % (retry_ms, stream_id.encode())


def reset_event(reason: str, attempt: int) -> bytes:
    return unlogged("relay.reset", {"attempt": attempt, "reason": reason})


def leave_block(retry_ms: int) -> bytes:
    """What a reader is left with that is to come back: when, and a comment; one block, no blank line between."""
    return b"retry: %d\n: come back\n\n" % retry_ms


def away() -> bytes:
    """The whole answer to a reader who comes while Redis is away, or the front drains."""
    return leave_block(random.randrange(*AWAY_MS))  # noqa: S311 - jitter, not a secret
