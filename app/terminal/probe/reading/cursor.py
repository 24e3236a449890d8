"""One reader of a stream whose events have ids: where it stands, and what it saw on each of its connections.

The rule: it goes on as an EventSource does, from the last id of what was whole, and forgets where it stood when it is
told to. It judges nothing but what a single answer shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import orjson

from app.terminal.probe.promises import Breach, Promise
from app.terminal.probe.reading.connecting import Go, How, Reading, read
from app.terminal.probe.seen.compared import RESET
from app.terminal.probe.seen.id_chain import unchained
from app.terminal.probe.seen.sightings import EVENTS_MAX, Seen, Stretch, seen_of, weight_of
from app.terminal.probe.seen.sse_blocks import Block
from app.terminal.probe.targets import KEEPSTREAM, Target, sendable


def says_why(reset: Block) -> bool:
    """Whether a reset has a reason."""
    try:
        reason = orjson.loads(reset.data or b"")["reason"]
    except (ValueError, LookupError, TypeError):
        return False
    return isinstance(reason, str) and bool(reason)


@dataclass(slots=True)
class Tally:
    """What all readers of a probe have together: events held, bytes read, and what went wrong."""

    breaches: list[Breach] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    held: int = 0
    cuts: int = 0
    resets: int = 0
    honoured: int = 0

    def broke(self, promise: Promise, what: str) -> None:
        self.breaches.append(Breach(promise, what))


class Cursor:
    """`over`: the ending came, or there is nothing more for it. `target` may be another address of the same stream each
    time. `listen` is told each event that is whole.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        target: Target,
        tally: Tally,
        *,
        listen: Callable[[Block], None] = lambda _: None,
    ) -> None:
        self._http = http
        self.target = target
        self._tally = tally
        self._listen = listen
        self.stretches: list[Stretch] = []
        self.over = False
        self.last_id: str | None = None
        self.bytes = 0  # that came on all connections

    @property
    def seen(self) -> list[Seen]:
        """All of it since it was last told to begin again."""
        fresh = max((place for place, one in enumerate(self.stretches) if one.after is None), default=0)
        return [seen for stretch in self.stretches[fresh:] for seen in stretch.seen]

    async def go(self, *, until: float, cut: int | None = None, on_head: Callable[[], None] = lambda: None) -> Reading:
        """One connection."""
        self.stretches.append(Stretch(self.last_id))
        asked = self.target.asked(self.last_id)
        reading = await read(
            self._http, asked, self._take, until=until, silence=self.target.silence, cut=cut, on_head=on_head
        )
        self._tally.readings.append(reading)
        self.bytes += reading.bytes
        self._tally.cuts += reading.how is How.CUT
        stretch = self.stretches[-1]
        self._tally.honoured += stretch.after is not None and any(one.id for one in stretch.seen)
        stretch.ended = stretch.ended or reading.how is How.NOTHING
        self.over = stretch.ended
        return reading

    def _take(self, block: Block) -> Go:
        stretch, target = self.stretches[-1], self.target
        if block.data is None:
            return Go.ON
        if stretch.ended:
            self._tally.broke(Promise.ENDING, "something follows the ending")
            return Go.STOP
        self._listen(block)
        if target.dialect == KEEPSTREAM and self._beside_the_log(block):
            return Go.ON
        if block.id and not sendable(block.id):
            self._tally.broke(Promise.IDS, f"an id of {len(block.id)} characters that no header can carry")
            return Go.STOP
        if self._tally.held >= EVENTS_MAX:
            return Go.STOP
        self._tally.held += weight_of(block)
        if block.id and target.stream_id and stretch.unchained is None:
            stretch.unchained = unchained(target.stream_id, self.last_id, block.raw, block.id)
        return self._stands(block, stretch)

    def _beside_the_log(self, block: Block) -> bool:
        """Whether a front said it by itself."""
        reset = block.name == RESET
        if reset and not says_why(block):
            self._tally.broke(Promise.IDS, "a reader was told to begin again, and not why")
        if block.id is not None or not block.name.startswith("relay."):
            return False
        if reset:
            self._tally.resets += 1
            self.last_id = None
            self.stretches.append(Stretch(None))
        return True

    def _stands(self, block: Block, stretch: Stretch) -> Go:
        """Where it stands behind an event, and whether it is the last."""
        ends = self.target.ends(block)
        if block.id or not ends:  # an ending needs no id: nobody comes back from it
            stretch.seen.append(seen_of(block))
        if block.id == "" and not ends:
            self._tally.broke(Promise.IDS, "an empty id: whoever is cut off behind it comes back without its place")
        self.last_id = self.last_id if block.id is None else block.id or None
        if not ends:
            return Go.ON
        stretch.ended = True
        return Go.ENDED if self.target.dialect == KEEPSTREAM else Go.STOP
