"""After a shake nobody's absence counts, for as long as the slowest needs to come back."""

from __future__ import annotations

from worker.claims.trust import SHAKEN_SECONDS, Trust


def test_an_absence_counts_when_all_had_time_to_come_back() -> None:
    now = 0.0
    trust = Trust(lambda: now)
    assert trust.stands
    trust.shake()
    now += SHAKEN_SECONDS - 1
    assert not trust.stands
    trust.shake()
    now += 1
    assert not trust.stands
    now += SHAKEN_SECONDS - 1
    assert trust.stands
