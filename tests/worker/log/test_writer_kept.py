"""How much a writer keeps of what it wrote, and how much it may write."""

from __future__ import annotations

import pytest

from app.stream import frames
from app.stream.log import Appended, Status
from tests.worker.log.by_hand import Redis, data_of, ends, made
from worker.log.writer import END_BYTES, FullLogError


def test_of_what_stands_no_more_is_kept_than_redis_may_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.log.writer.KEPT_BYTES", 1000)
    redis = Redis()
    writer, committer, watcher = made(redis)
    for number in range(200):
        writer.frame(b"a", b"%d" % number)
        writer.mark({"n": number})
        committer.carry_all()
        assert min(1000, writer.offset) <= writer.kept_bytes < 1100
    whole = redis.log
    redis.log = whole[: next(place for place in ends(whole) if place >= len(whole) - 1000)]
    writer.frame(b"a", b"200")
    committer.carry_all()
    assert redis.log.startswith(whole)
    assert (watcher.refusals, redis.meta["n"]) == ([], 199)
    redis.log = whole[: ends(whole)[100]]
    writer.frame(b"a", b"201")
    committer.carry_all()
    assert (watcher.refusals, writer.kept_bytes) == ([Status.SHORT], 0)


def test_what_redis_has_not_taken_is_kept_however_much_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.log.writer.KEPT_BYTES", 100)
    redis = Redis()
    writer, committer, _ = made(redis)
    writer.frame(b"a", b"first")
    assert writer.take() is not None
    for number in range(100):
        writer.frame(b"a", b"%d" % number)
    assert writer.kept_bytes == writer.offset
    writer.settle(Appended(Status.SHORT, 0, cancelled=False))
    committer.carry_all()
    assert len(redis.log) == writer.offset
    assert data_of(redis.log) == [b"first", *(b"%d" % number for number in range(100))]


def test_what_waits_to_be_sent_takes_nothing_from_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.log.writer.KEPT_BYTES", 300)
    redis = Redis()
    writer, committer, watcher = made(redis)
    for number in range(20):
        writer.frame(b"a", b"%d" % number)
        committer.carry_all()
    writer.frame(b"a", b"20")
    committer.waiting.clear()
    append = writer.take()
    assert append is not None
    for number in range(21, 100):
        writer.frame(b"a", b"%d" % number)
    writer.settle(redis.append(append))
    redis.log = redis.log[: ends(redis.log)[-5]]
    committer.carry_all()
    assert watcher.refusals == []
    assert data_of(redis.log) == [b"%d" % number for number in range(100)]


def test_the_log_never_exceeds_its_limit_and_keeps_room_for_its_ending() -> None:
    redis = Redis()
    limit = 4096
    writer, committer, _ = made(redis, limit)
    for _ in range(limit // 200 - END_BYTES // 200):
        writer.frame(b"a", b"x" * (200 - len(b"event: a\ndata: \n") - frames.PROOF_LENGTH))
    with pytest.raises(FullLogError):
        writer.frame(b"a", b"x" * 200)
    committer.carry_all()
    assert limit - END_BYTES - 200 < len(redis.log) <= limit - END_BYTES
    assert writer.room == limit - END_BYTES - len(redis.log)
    writer.last("relay.end", b'{"x":"%b"}' % (b"y" * 1500))
    writer.mark({"outcome": "failed"}, life_ms=1)
    committer.carry_all()
    assert redis.ended
    assert len(redis.log) <= limit
    assert len(data_of(redis.log)) > 1


def test_an_ending_has_room_in_a_log_that_is_longer_than_its_limit() -> None:
    redis = Redis()
    writer, committer, _ = made(redis)
    writer.frame(b"a", b"x" * 5000)
    committer.carry_all()
    writer, committer, _ = made(redis, limit=4096)
    with pytest.raises(FullLogError):
        writer.own("relay.retry", {})
    writer.last("relay.end", b"{}")
    writer.mark({"outcome": "failed"}, life_ms=1)
    committer.carry_all()
    assert redis.ended
    assert data_of(redis.log)[-1] == b"{}"
