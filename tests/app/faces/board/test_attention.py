"""What the board asks a person for, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from app.faces.board.attention import attention
from tests.harness.boards import made_up as board

Shown = dict[str, Any]


def told(shown: Shown) -> list[tuple[str, str, str]]:
    return [(need["level"], need["about"], need["what"]) for need in attention(shown)]


@pytest.mark.parametrize("well", [board.empty, board.calm, board.unknown])
def test_nothing_is_asked_for_where_all_is_well(well: Any) -> None:
    assert attention(well()) == []


def test_a_killed_worker_is_urgent_until_its_streams_have_homes_and_forgotten_when_it_is() -> None:
    assert told(board.dead_worker(adrift=8)) == [("now", "workers", "A worker is gone")]
    [need] = attention(board.dead_worker(adrift=8))
    assert need["do"].startswith(f"{board.WORKERS[2]} died. 8 streams wait for another;")
    assert told(board.dead_worker()) == [("soon", "workers", "A worker is gone")]
    assert "Others have its streams" in attention(board.dead_worker())[0]["do"]


def test_a_worker_that_was_started_again_needs_nobody_and_its_streams_do_until_they_have_homes() -> None:
    fresh = {**board.worker(board.WORKERS[4], 0), "started_seconds": 5.0}
    for adrift, needs in ((0, []), (2, [("now", "workers", "A worker is gone")])):
        shown = board.dead_worker(adrift)
        shown["workers"] = [{**one, "renewed_seconds": 11.0} for one in shown["workers"]]
        assert told({**shown, "workers": [*shown["workers"], fresh]}) == needs
    twice = board.dead_worker()
    twice["workers"] += [board.worker("another", 0, state="gone", renewed=8.0), fresh]
    assert "another" in attention(twice)[0]["do"], "one came for two"
    shown = board.calm()
    shown["fronts"][1] |= {"state": "gone", "renewed_seconds": 9.0}
    assert told(shown) == [("soon", "fronts", "A front is gone")]
    shown["fronts"].append({**board.front("front-c", 0), "started_seconds": 3.0})
    assert told(shown) == []


def test_what_a_silent_worker_holds_is_told_with_it() -> None:
    shown = _with(board.dead_worker(), streams={"adrift": 7})
    shown["workers"][2] |= {"state": "silent", "renewed_seconds": 6.0, "streams": 7}
    assert told(shown) == [("now", "workers", "A worker says nothing"), ("soon", "workers", "A worker is gone")]


def test_of_streams_that_lost_a_worker_nobody_knows_it_is_told_too() -> None:
    assert told(_with(board.calm(), streams={"adrift": 1})) == [("now", "workers", "1 stream has no worker")]


def test_a_worker_that_hangs_and_a_front_that_does_are_named() -> None:
    shown = board.calm()
    shown["workers"][0] |= {"state": "silent", "renewed_seconds": 6.0}
    shown["fronts"][1] |= {"state": "silent", "renewed_seconds": 7.0}
    assert told(shown) == [("now", "workers", "A worker says nothing"), ("now", "fronts", "A front says nothing")]
    assert f"{board.WORKERS[0]} was last heard 6 s ago, with 9 streams" in attention(shown)[0]["do"]


def test_a_line_that_moves_is_no_matter_and_one_that_stands_is() -> None:
    shown = board.calm()
    for oldest, levels in ((9.0, []), (10.0, ["soon"]), (30.0, ["now"])):
        shown["queue"] = {"waiting": 500, "oldest_seconds": oldest, "held": []}
        assert [need["level"] for need in attention(shown)] == levels
    assert "Every worker is full" in attention(shown)[0]["do"]
    shown["queue"]["held"] = ["claude-x"]
    assert "more workers would not help" in attention(shown)[0]["do"]
    shown["queue"] = {"waiting": 1, "oldest_seconds": 1.0, "held": ["claude-x"]}
    assert told(shown) == [("soon", "queue", "The Claude API's limits are reached")]


@pytest.mark.parametrize("state", ["none", "draining", "silent", "gone", "unsure", "live"])
def test_prompts_that_nobody_takes_are_told_and_that_nobody_does_where_none_wait_is_not(state: str) -> None:
    """A deployment may go to zero workers and back; and after Redis was away nobody knows yet who is there."""
    shown = board.empty()
    shown["workers"] = [] if state == "none" else [board.worker(board.WORKERS[0], 0, state=state)]
    missing = ("now", "workers", "No worker takes prompts")
    assert missing not in told(shown)
    shown["queue"] = {"waiting": 2, "oldest_seconds": 3.0, "held": []}
    assert (missing in told(shown)) == (state not in ("unsure", "live"))


def test_redis_that_is_away_is_all_that_is_known() -> None:
    shown = _with(board.redis_away(), redis={"refused_writes": 3})
    assert told(shown)[0] == ("now", "redis", "Redis is away for 7 s")
    assert {need["about"] for need in attention(shown)} == {"redis"}


def test_numbers_that_are_old_say_so() -> None:
    assert told({**board.calm(), "stale_seconds": 2.0}) == []
    assert told({**board.calm(), "stale_seconds": 4.0}) == [("now", "redis", "These numbers are 4 s old")]


def test_a_redis_that_fills_up_or_refuses() -> None:
    for used, levels in ((0.74, []), (0.75, ["soon"]), (0.9, ["now"])):
        shown = _with(board.calm(), redis={"used_bytes": int(used * 2e9)})
        assert [need["level"] for need in attention(shown)] == levels
    assert told(_with(board.calm(), redis={"used_bytes": 10**12, "max_bytes": 0})) == []
    assert told(_with(board.calm(), redis={"refused_writes": 1})) == [("now", "redis", "Redis refused 1 write")]


def test_failed_answers_count_by_their_share_of_the_last_minutes() -> None:
    shown = board.calm()
    shown["charts"] |= {"ended": [9] * 60 + [1] * 30, "failed": [9] * 60 + [0] * 28 + [1, 0]}
    assert told(shown) == []
    shown["charts"]["failed"][-2:] = [1, 1]
    assert told(shown) == [("now", "ended", "2 of 30 answers failed")]
    shown["charts"]["ended"] = [0] * 80 + [1] * 10
    assert told(shown) == [], "of so few a share says nothing"


def test_late_readers_slow_first_words_and_many_take_overs() -> None:
    shown = board.calm()
    shown["fronts"][0]["lag_ms"] = 1200.0
    shown["charts"]["first_content_p99"] = [40.0] * 84 + [1.0, None, 11.0, 1.0, None, 1.0]
    shown["charts"]["takeovers"] = [0] * 89 + [20]
    assert told(shown) == [
        ("now", "fronts", "Readers are 1.2 s late"),
        ("soon", "takeovers", "20 take-overs in 5 minutes"),
        ("soon", "first_content", "First content takes 11 s"),
    ]
    shown["charts"]["first_content_p99"] = [40.0] * 84 + [1.0] * 6
    assert ("soon", "first_content") not in [need[:2] for need in told(shown)], "it is over"


def test_a_front_that_is_not_live_has_no_lag() -> None:
    shown = board.calm()
    shown["fronts"] = [board.front("a", 0, state="gone", lag=5000.0), board.front("b", 0, state="draining", lag=5000.0)]
    assert told(shown) == [("soon", "fronts", "A front is gone")]


def test_what_was_never_measured_is_no_trouble() -> None:
    shown = board.empty()
    shown["queue"]["oldest_seconds"] = None
    shown["redis"] |= {"used_bytes": None, "max_bytes": None}
    shown["charts"] |= {name: [None] * 90 for name in ("ended", "failed", "takeovers")}
    shown["fronts"][0]["lag_ms"] = None
    assert attention(shown) == []


def _with(shown: Shown, **parts: Shown) -> Shown:
    for name, part in parts.items():
        shown[name] |= part
    return shown
