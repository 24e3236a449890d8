"""The writer against a model of `append.lua`: whatever is lost on the way, the log ends up as it was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.stream import frames
from app.stream.log import Appended, Claim, Status
from worker.log.writer import END_BYTES, Append, Field, FullLogError, Writer

CLAIM = Claim("st_1", 7, "w/1")
LIMIT = 1_000_000


@dataclass
class Redis:
    """One stream's log and meta as `append.lua` treats them, fences aside."""

    log: bytes = b""
    meta: dict[str, object] = field(default_factory=dict)
    ended: bool = False
    cancel: bool = False

    def append(self, append: Append) -> Appended:
        at, data = append.at, append.data
        if at < len(self.log) <= at + len(data):
            stands = self.log[at:]
            if stands == data:
                return Appended(Status.OK, len(self.log), self.cancel)
            if data.startswith(stands):
                at, data = len(self.log), data[len(stands) :]
        if self.ended:
            return Appended(Status.ENDED, len(self.log), self.cancel)
        if len(self.log) < at:
            return Appended(Status.SHORT, len(self.log), self.cancel)
        if len(self.log) > at:
            return Appended(Status.CONFLICT, len(self.log), self.cancel)
        self.log += data
        self.meta |= append.fields
        self.ended = append.life_ms is not None
        return Appended(Status.OK, len(self.log), self.cancel)


@dataclass
class Committer:
    """Carries appends when it is told to; `twice`: the first answer of each is lost."""

    redis: Redis
    waiting: list[Writer] = field(default_factory=list)

    def ready(self, writer: Writer) -> None:
        self.waiting.append(writer)

    def carry(self, *, lose_the_answer: bool = False) -> None:
        waiting, self.waiting = self.waiting, []
        for writer in waiting:
            append = writer.take()
            if append is not None:
                if lose_the_answer:
                    self.redis.append(append)
                writer.settle(self.redis.append(append))

    def carry_all(self) -> None:
        while self.waiting:
            self.carry()


@dataclass
class Watcher:
    refusals: list[Status] = field(default_factory=list)
    cancels: int = 0

    def refused(self, status: Status) -> None:
        self.refusals.append(status)

    def cancel_seen(self) -> None:
        self.cancels += 1


def made(redis: Redis, limit: int = LIMIT) -> tuple[Writer, Committer, Watcher]:
    committer, watcher = Committer(redis), Watcher()
    position = frames.position_at_end(redis.log[-frames.PROOF_LENGTH :]) or frames.origin("st_1")
    return Writer(CLAIM, position, limit, committer, watcher), committer, watcher


def data_of(log: bytes) -> list[bytes]:
    """The data of the log's frames, whose ids must prove themselves."""
    assert frames.follow(log, *frames.origin("st_1")) is not None
    return [frame.data for frame in frames.split(log)]


def ends(log: bytes) -> list[int]:
    """Where frames end, 0 included."""
    places, at = [0], 0
    for frame in frames.split(log):
        at += len(frame.raw)
        places.append(at)
    return places


def test_what_gathers_while_a_call_is_under_way_goes_out_with_the_next() -> None:
    redis = Redis()
    writer, committer, _ = made(redis)
    writer.frame(b"a", b"1")
    writer.frame(None, b"2")
    (first,) = committer.waiting
    append = first.take()
    assert append is not None
    writer.frame(b"a", b"3")
    writer.mark({"x": 1})
    writer.frame(b"a", b"4")
    assert len(committer.waiting) == 1  # nothing more while it is under way
    committer.waiting.clear()
    writer.settle(redis.append(append))
    assert data_of(redis.log) == [b"1", b"2"]
    committer.carry()
    assert data_of(redis.log) == [b"1", b"2", b"3", b"4"]
    assert redis.meta == {"x": 1}
    assert not committer.waiting


@settings(max_examples=300)
@given(
    st.lists(
        st.one_of(
            st.integers(1, 4).map(lambda count: ("frames", count)),
            st.sampled_from([("carry", 0), ("carry and lose the answer", 0), ("mark", 0), ("new attempt", 0)]),
            st.floats(0, 1).map(lambda share: ("lose the tail", share)),
        ),
        max_size=30,
    )
)
def test_the_log_ends_up_as_it_was_written_whatever_is_lost_since_the_attempt_began(
    happenings: list[tuple[str, float]],
) -> None:
    redis = Redis()
    writer, committer, watcher = made(redis)
    written: list[bytes] = []
    marks: dict[str, object] = {}
    kept_from = 0
    for number, (what, much) in enumerate(happenings):
        match what:
            case "frames":
                for _ in range(int(much)):
                    written.append(b"%d" % len(written))
                    writer.frame(b"a", written[-1])
            case "carry":
                committer.carry()
            case "carry and lose the answer":
                committer.carry(lose_the_answer=True)
            case "mark":
                marks[f"m{number}"] = number
                writer.mark({f"m{number}": number})
            case "new attempt":
                writer.mark({"attempt": number})  # is there a loss that nobody has noticed, it is healed here
                committer.carry_all()
                writer.new_attempt()
                kept_from = len(redis.log)
            case "lose the tail":
                places = [place for place in ends(redis.log) if place >= kept_from]
                redis.log = redis.log[: places[int(much * (len(places) - 1))]]
    written.append(b"last")
    writer.last("end", b'"last"')
    writer.mark({"outcome": "completed"}, life_ms=1)
    committer.carry_all()
    assert watcher.refusals == []
    assert data_of(redis.log) == [*written[:-1], b'"last"']
    assert redis.ended
    assert redis.meta["outcome"] == "completed"


@pytest.mark.parametrize("before", [{}, {"attempt": 1}])
def test_what_is_marked_while_an_append_is_under_way_is_none_of_its(before: dict[str, Field]) -> None:
    redis = Redis()
    writer, committer, _ = made(redis)
    writer.frame(b"a", b"1")
    writer.mark(before)
    append = writer.take()
    assert append is not None
    writer.new_attempt()
    writer.own("relay.reset", {})
    writer.mark({"base": writer.offset, "content": "0"}, life_ms=1)
    assert (append.fields, append.life_ms) == (before, None)
    writer.settle(redis.append(append))
    assert (redis.meta, redis.ended) == (before, False)
    committer.carry_all()
    assert (redis.meta, redis.ended) == (before | {"base": writer.offset, "content": "0"}, True)


def test_a_lost_tail_is_written_again_with_its_fields() -> None:
    redis = Redis()
    writer, committer, _ = made(redis)
    writer.frame(b"a", b"1")
    committer.carry_all()
    writer.mark({"attempt": 1})
    writer.frame(b"a", b"2")
    committer.carry_all()
    before = redis.log
    redis.log, redis.meta = redis.log[: ends(redis.log)[1]], {}
    writer.frame(b"a", b"3")
    committer.carry_all()
    assert redis.log.startswith(before)
    assert data_of(redis.log) == [b"1", b"2", b"3"]
    assert redis.meta == {"attempt": 1}


def test_a_loss_behind_the_attempt_s_start_is_told_and_ends_the_writing() -> None:
    redis = Redis()
    writer, committer, watcher = made(redis)
    writer.frame(b"a", b"1")
    committer.carry_all()
    writer.new_attempt()
    writer.frame(b"a", b"2")
    committer.carry_all()
    redis.log = b""
    writer.frame(b"a", b"3")
    committer.carry_all()
    assert (watcher.refusals, redis.log) == ([Status.SHORT], b"")
    writer.frame(b"a", b"4")
    writer.mark({"x": 1})
    assert not committer.waiting


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


def test_another_history_at_our_place_is_never_written_over() -> None:
    redis = Redis()
    writer, committer, watcher = made(redis)
    writer.frame(b"a", b"1")
    committer.carry_all()
    redis.log = b"x" * (len(redis.log) + 10)
    writer.frame(b"a", b"2")
    committer.carry_all()
    assert watcher.refusals == [Status.CONFLICT]
    assert redis.log == b"x" * len(redis.log)


@pytest.mark.parametrize("status", [Status.FENCED, Status.ENDED, Status.GONE])
async def test_a_refusal_is_told_once_and_nothing_more_leaves(status: Status) -> None:
    writer, committer, watcher = made(Redis())
    writer.frame(b"a", b"1")
    writer.take()
    writer.settle(Appended(status, 0, cancelled=False))
    writer.settle(Appended(status, 0, cancelled=False))
    assert watcher.refusals == [status]
    writer.frame(b"a", b"2")
    assert writer.take() is None
    await writer.flush()  # does not hang
    committer.carry_all()


async def test_flush_returns_when_all_of_it_stands() -> None:
    import asyncio  # noqa: PLC0415

    redis = Redis()
    writer, committer, _ = made(redis)
    await writer.flush()
    writer.frame(b"a", b"1")
    flush = asyncio.create_task(writer.flush())
    await asyncio.sleep(0)
    (first,) = committer.waiting
    committer.waiting.clear()
    append = first.take()
    assert append is not None
    writer.frame(b"a", b"2")
    writer.settle(redis.append(append))
    await asyncio.sleep(0)
    assert not flush.done()
    committer.carry_all()
    await flush
    assert data_of(redis.log) == [b"1", b"2"]


def test_a_cancellation_in_a_reply_is_told() -> None:
    redis = Redis(cancel=True)
    writer, committer, watcher = made(redis)
    writer.frame(b"a", b"1")
    committer.carry_all()
    assert watcher.cancels == 1


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


def test_half_a_surrogate_pair_in_a_field_is_no_reason_not_to_store_it() -> None:
    redis = Redis()
    writer, committer, _ = made(redis)
    writer.mark({"stop_reason": "\ud800 ż"})
    committer.carry_all()
    assert redis.meta == {"stop_reason": "? ż".encode()}


def test_the_chain_goes_on_from_where_the_log_ends() -> None:
    redis = Redis()
    writer, committer, _ = made(redis)
    writer.frame(b"a", b"1")
    committer.carry_all()
    writer, committer, _ = made(redis)
    writer.frame(b"a", b"2")
    committer.carry_all()
    assert data_of(redis.log) == [b"1", b"2"]
    assert writer.position.crc != crc32(b"st_1")
