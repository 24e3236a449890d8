"""What an answer's head says of the upstream's limits: the `anthropic-ratelimit-*` headers as values.

Pure. What cannot be read is left out; what was said holds until the moment at which, by that same word, all is back.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from app.stream.workers.gates import Limit

_REMAINING = re.compile(r"anthropic-ratelimit-(.+)-remaining")
# Longer than any limit's window; a clock that is wrong must not stop a model.
RESET_SECONDS_MAX = 3600
# So many are known by their names: an upstream may name any.
NAMES_MAX = 20


def read(headers: Mapping[str, str], now: datetime) -> list[Limit]:
    """The limits of which `headers` tell what is left and when all of it is back.

    Counted by the upstream's own clock where it tells the time. `headers` must not mind the case of their names.
    """
    with contextlib.suppress(KeyError, ValueError):
        now = parsedate_to_datetime(headers["date"])
    found = []
    for header, value in headers.items():
        matched = _REMAINING.fullmatch(header.lower())
        if matched is None:
            continue
        try:
            left = int(value)
            most = int(headers.get(f"anthropic-ratelimit-{matched[1]}-limit", max(left, 1)))
            moment = datetime.fromisoformat(headers[f"anthropic-ratelimit-{matched[1]}-reset"])
            seconds = (moment - now).total_seconds()
        except (KeyError, ValueError, TypeError):  # the last: a moment without its zone
            continue
        if 0 <= left <= most and most > 0 and seconds <= RESET_SECONDS_MAX:
            found.append(Limit(matched[1], most, left, max(round(seconds * 1000), 0)))
    return found


class StandingLimits:
    """What was said last of each limit, whatever the model: by the clock that is given."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heard: dict[str, tuple[float, Limit]] = {}

    def hear(self, limits: Iterable[Limit]) -> None:
        for limit in limits:
            if limit.name in self._heard or len(self._heard) < NAMES_MAX:
                self._heard[limit.name] = self._clock() + limit.reset_ms / 1000, limit

    def now(self) -> dict[str, Limit]:
        """By their names; one whose time is over is full again, and is not forgotten: who reads a gauge sees no gap."""
        now = self._clock()
        return {
            name: limit if now < full_at else Limit(name, limit.most, limit.most, 0)
            for name, (full_at, limit) in self._heard.items()
        }
