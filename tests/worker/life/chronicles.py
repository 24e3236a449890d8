from __future__ import annotations

from app.stream.log import Begun, Claim, Status
from worker.life.checkpoint import checkpoint_of
from worker.life.chronicle import Chronicle


def chronicle() -> Chronicle:
    """Of a stream of which nothing is known."""
    return Chronicle(Claim("st_1", 1, "w/1"), checkpoint_of(Begun(Status.OK, 0, 0, None, {})), lambda: 0.0)
