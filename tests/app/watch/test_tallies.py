"""What a process counts, and how it is handed out: once, whatever is lost."""

from __future__ import annotations

import threading

import pytest

from app.stream.board.counting import class_of
from app.stream.keys import SEEN_LENGTH
from app.stream.observing import Event, RedisRefused
from app.watch.events import of_fronts, of_processes, of_streams
from app.watch.events.subjects import Subject
from app.watch.tallies import SEEN_AGAIN_SECONDS, Batch, Tallies

OF = Subject("st_1", "me")
REFUSED = RedisRefused("jobs", "refuses for now", "OOM", "OOM full", "OutOfMemoryError")


@pytest.mark.parametrize(
    ("event", "counted"),
    [
        (of_streams.FirstContent(OF, 1, "m", 0.7, 0.5, 0.4), {f"first:{class_of(0.7)}": 1}),
        (of_streams.Retried(OF, 2, "overloaded", 1.0, 529), {"retries": 1}),
        (of_streams.Restarted(OF, 2, "cut", 1.0, 200), {"retries": 1}),
        (of_streams.TakenOver(OF, 1, "lost", content=True), {"takeovers": 1}),
        (of_streams.Refused(OF, "m", 0.1, "QueueFullError"), {"refused": 1}),
        (of_fronts.ReaderJoined(OF, "native", resumed=False, readers=1), {"joined": 1}),
        (of_fronts.ReaderReset(OF, 2, "history_lost", 40), {"resets": 40}),
        (REFUSED, {"refused_writes": 1}),
        (RedisRefused("jobs", "away", "ConnectionError", "gone", "ConnectionError"), {}),
        (of_streams.Submitted(OF, "m", 0.1, repeated=False), {}),
    ],
)
def test_what_is_counted(event: Event, counted: dict[str, int]) -> None:
    tallies = Tallies("w")
    tallies.told(event)
    assert tallies.batch().counts == counted


def test_what_is_told_in_the_midst_of_another_event_holds_nobody_up() -> None:
    """By a finalizer: memory is collected wherever something is made, and what nobody awaited is told there."""

    def clock() -> float:
        tallies.told(of_streams.Retried(OF, 2, "overloaded", 1.0, 529))
        return 0.0

    tallies = Tallies("w", clock)
    telling = threading.Thread(target=tallies.told, args=(REFUSED,), daemon=True)
    telling.start()
    telling.join(30)
    assert not telling.is_alive()
    assert tallies.batch().counts == {"refused_writes": 1, "retries": 1}


def test_a_batch_stays_as_it_is_until_it_is_known_to_be_left() -> None:
    tallies = Tallies("w")
    tallies.told(of_streams.Retried(OF, 2, "cut", 1.0, 0))
    first = tallies.batch()
    tallies.told(of_streams.Retried(OF, 3, "cut", 1.0, 0))
    assert tallies.batch() is first
    assert (first.number, first.counts) == (1, {"retries": 1})
    tallies.is_left(Batch())  # another one
    assert tallies.batch() is first
    tallies.is_left(first)
    second = tallies.batch()
    assert (second.number, second.counts) == (2, {"retries": 1})
    tallies.is_left(second)
    nothing = tallies.batch()
    assert (nothing.number, nothing.counts, nothing.seen) == (2, {}, ())
    tallies.is_left(nothing)
    tallies.told(of_streams.Retried(OF, 4, "cut", 1.0, 0))
    assert tallies.batch().number == 3


def test_what_an_operator_should_see() -> None:
    tallies = Tallies("w")
    tallies.see("joined")
    tallies.told(of_processes.WorkerGone("dead", 4))
    tallies.told(of_processes.Draining(streams=3))
    tallies.told(of_processes.Draining(readers=7))
    for cause in ("lost", "lost", "drained"):
        tallies.told(of_streams.TakenOver(OF, 1, cause, content=False))
    assert tallies.batch().seen == (
        {"kind": "joined", "name": "w", "count": 0},
        {"kind": "worker_gone", "name": "dead", "count": 4},
        {"kind": "draining", "name": "w", "count": 3},
        {"kind": "draining", "name": "w", "count": 7},
        {"kind": "taken_over", "name": "w", "count": 2, "cause": "lost"},
        {"kind": "taken_over", "name": "w", "count": 1, "cause": "drained"},
    )


def test_what_stays_so_is_seen_now_and_then_and_counted_each_time() -> None:
    now = 0.0
    tallies = Tallies("w", lambda: now)
    for _ in range(5):
        tallies.told(REFUSED)
    batch = tallies.batch()
    assert (batch.counts, len(batch.seen)) == ({"refused_writes": 5}, 1)
    tallies.is_left(batch)
    now = SEEN_AGAIN_SECONDS
    tallies.told(REFUSED)
    assert len(tallies.batch().seen) == 1


def ended(stream_id: str, output_bytes: int, tokens: int | None) -> of_streams.Ended:
    of = Subject(stream_id, "me")
    return of_streams.Ended(
        of, "m", "completed", "", "", "end_turn", 1, output_tokens=tokens, output_bytes=output_bytes
    )


def test_what_answers_say_is_counted_as_they_say_it_and_once() -> None:
    tallies = Tallies("w")
    tallies.sample({"a": 100, "b": 10})
    tallies.sample({"a": 150, "b": 4})  # a call that was made anew
    tallies.told(ended("a", 170, 40))
    tallies.sample({"a": 170, "b": 4})  # it is released in a moment
    tallies.told(ended("c", 30, None))  # nobody saw it run
    tallies.sample({"b": 4})
    assert tallies.batch().counts == {"said": 170 + 14 + 30, "said_ended": 170, "said_tokens": 40}


def test_an_outage_costs_no_memory() -> None:
    tallies = Tallies("w")
    tallies.batch()
    for _ in range(10 * SEEN_LENGTH):
        tallies.told(of_processes.WorkerGone("dead", 1))
    tallies.is_left(tallies.batch())
    assert len(tallies.batch().seen) == SEEN_LENGTH
