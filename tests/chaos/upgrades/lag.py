"""How long readers take to be where the log was: looked at every so often, of all of them. Pure, but for the clock that
it is handed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.harness.reader import Sight


@dataclass
class Behind:
    """Of one reader: how long a log was, and since when, up to which it has not read yet."""

    sight: Sight
    due: deque[tuple[float, int]] = field(default_factory=deque)


class Lag:
    """`seconds` holds, for each look at each reader, for how long the oldest byte it had not read had been there;
    `first` the same of those that have read nothing yet.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.first: list[float] = []
        self.worst = 0.0
        self._readers: dict[str, list[Behind]] = {}

    def watch(self, stream_id: str, sights: Sequence[Sight]) -> None:
        self._readers[stream_id] = [Behind(sight) for sight in sights]

    def forget(self, stream_id: str) -> None:
        self._readers.pop(stream_id, None)

    @property
    def watched(self) -> list[str]:
        return list(self._readers)

    def look(self, lengths: Mapping[str, int], now: float) -> None:
        """The logs are so long at `now`, and at least so long from then on."""
        for stream_id, length in lengths.items():
            for reader in self._readers.get(stream_id, ()):
                reader.due.append((now, length))
                self._add(reader, now)

    def _add(self, reader: Behind, now: float) -> None:
        stands = reader.sight.position.offset if reader.sight.position is not None else 0
        while reader.due and (reader.due[0][1] <= stands or reader.sight.end is not None):
            reader.due.popleft()
        late = now - reader.due[0][0] if reader.due else 0.0
        if not reader.sight.frames:
            self.first.append(late)
            return
        self.seconds.append(late)
        self.worst = max(self.worst, late)
