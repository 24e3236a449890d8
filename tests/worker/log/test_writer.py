"""The writer against a model of `append.lua`: whatever is lost on the way, the log ends up as it was written."""

from __future__ import annotations

from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.stream.log import Appended, Status
from tests.worker.log.by_hand import Redis, data_of, ends, made
from worker.log.writer import Field


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
