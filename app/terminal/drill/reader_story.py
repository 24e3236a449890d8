"""What one reader of a canary was told: the attempts, the text of the newest one, and the endings. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from app.terminal.probe.seen.sse_blocks import Block

# Far above any canary's.
TEXT_CHARS_MAX = 1024 * 1024


@dataclass(slots=True)
class Story:
    """`began`: content came; `again`: how often an attempt was begun anew, or tried again; `end`: its ending's data."""

    text: list[str] = field(default_factory=list)
    chars: int = 0
    began: bool = False
    again: int = 0
    stopped: bool = False
    endings: int = 0
    end: dict[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        return str(self.end.get("outcome", ""))

    def take(self, block: Block) -> None:
        """The next event, whatever is in it."""
        match block.name:
            case "content_block_delta":
                self.began = True
                self._say(_json(block).get("delta"))
            case "message_stop":
                self.stopped = True
            case "relay.reset":
                self.text.clear()
                self.chars, self.stopped = 0, False
                self.again += block.id is not None
            case "relay.retry":
                self.again += 1
            case "relay.end":
                self.endings += 1
                self.end = _json(block)
            case _:
                pass

    def _say(self, delta: object) -> None:
        said = delta.get("text") if isinstance(delta, dict) else None
        if isinstance(said, str) and self.chars < TEXT_CHARS_MAX:
            self.text.append(said)
            self.chars += len(said)


def _json(block: Block) -> dict[str, Any]:
    try:
        found = orjson.loads(block.data or b"")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
