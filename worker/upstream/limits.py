"""What an answer's head says of the upstream's limits: the `anthropic-ratelimit-*` headers as values.

Pure. What cannot be read is left out.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from app.stream.workers.gates import Limit

_REMAINING = re.compile(r"anthropic-ratelimit-(.+)-remaining")
# Longer than any limit's window; a clock that is wrong must not stop a model.
RESET_SECONDS_MAX = 3600


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
