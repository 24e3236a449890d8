"""What readings saw of a stream, small enough to be kept: of each event its id, its name, and a digest of what it said.
Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from app.terminal.probe.promises import Breach
from app.terminal.probe.seen.sse_blocks import Block

# Of all readings together, about 300 bytes each; one with a long id counts for several.
EVENTS_MAX = 200_000
ID_CHARS = 256
ID_CHARS_MAX = 8192
NAME_CHARS_MAX = 256
_DIGEST_BYTES = 12


class Seen(NamedTuple):
    """An event. `id` is None where it has none of its own."""

    id: str | None
    name: str
    digest: bytes


@dataclass(slots=True)
class Stretch:
    """What came in one go behind the event `after`; None: where a reader without an id begins. `ended`: the ending
    came; `unchained`: what the ids say for themselves.
    """

    after: str | None
    seen: list[Seen] = field(default_factory=list)
    ended: bool = False
    unchained: Breach | None = None

    @property
    def last_id(self) -> str | None:
        return next((one.id for one in reversed(self.seen) if one.id is not None), self.after)


def weight_of(block: Block) -> int:
    """For how many events it counts."""
    return 1 + len(block.id or "") // ID_CHARS


def seen_of(block: Block) -> Seen:
    """A block that has data, as it is kept."""
    said = block.data or b""
    return Seen(block.id or None, block.name[:NAME_CHARS_MAX], blake2b(said, digest_size=_DIGEST_BYTES).digest())
