"""What time it is."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def clock(timezone: str = "UTC") -> str:
    """Tells the current date and time, in ISO 8601 with the weekday.

    Args:
        timezone: An IANA time zone, such as Europe/Berlin. UTC where nothing is said.

    """
    try:
        zone = ZoneInfo(timezone)
    except (LookupError, ValueError, OSError):
        raise ValueError(f"{timezone[:64]!r} is no IANA time zone known here") from None
    now = datetime.now(zone)
    return f"{now.isoformat(timespec='seconds')}, a {now:%A}"
