from __future__ import annotations

import pytest

from app.stream.observing import RedisAwaited, RedisBack, RedisRefused, RedisUnbounded
from app.stream.redis.refusals import Kind
from app.watch.logs.outages import SAID_AGAIN_SECONDS, Outages


def refused(asker: str, kind: Kind, code: str = "E") -> RedisRefused:
    return RedisRefused(asker, kind, code, "words", "Error")


AWAY = refused("claims", Kind.AWAY)


def test_an_outage_is_a_line_whoever_asks_and_one_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    outages, now = Outages(), 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    told = [AWAY, refused("leases", Kind.AWAY, "ConnectionError"), RedisAwaited("away", "words", "E", still=False)]
    assert [outages.keeps_quiet(one) for one in told * 9] == [False] + [True] * 26
    now += SAID_AGAIN_SECONDS
    assert [outages.keeps_quiet(one) for one in told] == [False, True, True]


def test_that_it_is_over_is_said_where_it_was_said() -> None:
    outages = Outages()
    assert outages.keeps_quiet(RedisBack(0.1))  # a connection came back before anybody asked
    assert not outages.keeps_quiet(AWAY)
    assert not outages.keeps_quiet(RedisBack(0.1))
    assert outages.keeps_quiet(AWAY)
    assert outages.keeps_quiet(RedisBack(0.1))


def test_what_is_to_be_mended_is_said_for_each_who_asked() -> None:
    outages = Outages()
    told = [refused(asker, kind, "ERR") for kind in (Kind.BUG, Kind.UNFIT) for asker in ("claims", "leases", "claims")]
    assert [outages.keeps_quiet(one) for one in told] == [False, False, True] * 2
    told = [refused(asker, Kind.FOR_NOW, code) for code in ("OOM", "BUSY") for asker in ("claims", "leases")]
    assert [outages.keeps_quiet(one) for one in told] == [False, True] * 2


def test_of_all_else_nothing_is_kept_quiet() -> None:
    outages = Outages()
    assert [outages.keeps_quiet(RedisUnbounded()) for _ in range(2)] == [False, False]
