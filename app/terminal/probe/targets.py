"""What is asked of each kind of server that gives its events ids, and what an answer of it must be. Pure.

The rule: a key goes to the address that was given and to nobody else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.terminal.probe.reading.connecting import Asked
from app.terminal.probe.seen.sightings import ID_CHARS_MAX
from app.terminal.probe.seen.sse_blocks import Block

KEEPSTREAM, EVENT_SOURCE, AI_SDK = "keepstream", "eventsource", "ai-sdk"
DIALECTS = (KEEPSTREAM, EVENT_SOURCE, AI_SDK)
# What ends a stream where a dialect says so.
ENDS = {KEEPSTREAM: "relay.end", AI_SDK: "[DONE]"}
# A Keepstream pings after 15 s; others as they like.
KEEPSTREAM_SILENCE = 40.0
USUAL_SILENCE = 60.0
# What a header can carry, as it stands.
_SENDABLE = re.compile(r"[^\x00-\x08\x0a-\x20\x7f]([^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x08\x0a-\x20\x7f])?")
_EVENTS_PATH = re.compile(r"(?P<base>.*)/v1/streams/(?P<id>st_[0-9a-f]{32})/events", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """`end`: the name or the data of the event that ends a stream, '' where only its server knows; `paced`: events are
    made one by one while we read, so that they cannot all come at once; `timed`: when bytes come is looked at at all.
    """

    dialect: str
    url: str
    end: str = ""
    paced: bool = True
    timed: bool = True

    @property
    def silence(self) -> float:
        """Seconds in which something has to come."""
        return KEEPSTREAM_SILENCE if self.dialect == KEEPSTREAM else USUAL_SILENCE

    @property
    def greets(self) -> bool:
        """Whether the first byte of each answer is due at once."""
        return self.dialect == KEEPSTREAM

    @property
    def stream_id(self) -> str | None:
        """A Keepstream's stream; None where ids are opaque."""
        match = _EVENTS_PATH.fullmatch(urlsplit(self.url).path) if self.dialect == KEEPSTREAM else None
        return match["id"] if match else None

    def asked(self, last_id: str | None = None) -> Asked:
        return Asked(self.url, headers={"last-event-id": last_id} if last_id else {})

    def ends(self, block: Block) -> bool:
        return bool(self.end) and self.end.encode() in (block.name.encode(), block.data)


def is_events_url(url: str) -> bool:
    return _EVENTS_PATH.fullmatch(urlsplit(url).path) is not None


def sendable(event_id: str) -> bool:
    """Whether a client can send it back."""
    return len(event_id) <= ID_CHARS_MAX and _SENDABLE.fullmatch(event_id) is not None


def bare(url: str) -> str:
    """An address without what may open something: no user, no password, no query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
