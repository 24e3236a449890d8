from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from worker.tools.builtin.clock import clock


def test_it_tells_the_time_of_a_zone() -> None:
    told, weekday = clock("Europe/Berlin").split(", a ")
    when = datetime.fromisoformat(told)
    assert when.utcoffset() in (timedelta(hours=1), timedelta(hours=2))
    assert abs(datetime.now(UTC) - when) < timedelta(minutes=1)
    assert weekday == f"{when:%A}"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "", "a\0b"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="no IANA time zone"):
        clock(zone)
