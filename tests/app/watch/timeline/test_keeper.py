"""Which event is a line in a timeline, what waits for a script, and what is forgotten."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.stream.observing import Event, RedisRefused
from app.stream.timeline.noting import Note
from app.watch.events import of_fronts, of_streams
from app.watch.events.subjects import Subject
from app.watch.logs.lines import LINES
from app.watch.timeline.keeper import FULL_SECONDS, STREAMS_MAX, WAITING_MAX, Timelines
from tests.app.watch.vocabulary import EXAMPLES, kinds, types_of

STREAM = "st_1"
OF = Subject(STREAM, "me", "req_1", "theirs")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(clock: Clock) -> Timelines:
    return Timelines("worker", clock)


def lines(notes: tuple[Note, ...]) -> list[tuple[float, str, dict[str, Any]]]:
    return [(note.at, note.event, orjson.loads(note.fields)) for note in notes]


def example(kind: type[Event]) -> Event:
    return kind(**{name: EXAMPLES[of] for name, of in types_of(kind)})


def test_what_happened_is_noted_when_it_did(worker: Timelines, clock: Clock) -> None:
    worker.told(of_streams.CallStarted(OF, 1, "claude"))
    clock.now += 0.5
    worker.told(of_streams.CallEnded(OF, 1, "claude", 529, "overloaded_error", 0.51234, "req_up"))
    notes = worker.noted(STREAM)
    assert lines(notes) == [
        (100.0, "call.started", {"attempt": 1, "model": "claude"}),
        (
            100.5,
            "call.ended",
            {
                "attempt": 1,
                "status": 529,
                "seconds": 0.512,
                "reason": "overloaded_error",
                "upstream_request_id": "req_up",
            },
        ),
    ]
    assert len({note.id for note in notes}) == 2
    assert worker.noted(STREAM) == ()


@pytest.mark.parametrize("kind", kinds())
def test_no_event_brings_a_name_of_somebody_or_fails(kind: type[Event]) -> None:
    keepers = Timelines("worker"), Timelines("front")
    for keeper in keepers:
        keeper.told(example(kind))
        assert not {"me", "theirs", "req_1"} & {
            word for note in keeper.noted(STREAM) for word in note.fields.split('"')
        }


@pytest.mark.parametrize("kind", kinds())
def test_what_is_told_is_called_as_in_the_log(worker: Timelines, kind: type[Event]) -> None:
    worker.told(example(kind))
    assert [note.event for note in worker.noted(STREAM)] in ([], [LINES[kind].name])


def test_a_front_tells_of_readers_alone(clock: Clock) -> None:
    front = Timelines("front", clock)
    front.told(of_streams.CancelAsked(OF, of_streams.CLIENT))  # which the script has written
    assert front.noted(STREAM) == ()
    for resumed in (False, True, False):
        front.told(of_fronts.ReaderJoined(OF, "native", resumed, 1))
    clock.now += 1
    for reason in ("ended", "left", "somehow"):
        front.told(of_fronts.ReaderLeft(OF, "native", reason, 1.0, 0, resumed=False))
    front.told(of_fronts.ReaderServed(OF, "native", resumed=False))
    front.told(of_fronts.ReaderReset(OF, 2, "history_lost", 4))
    front.told(of_fronts.ReaderJoined(Subject("cv_1"), "conversations", resumed=False, readers=1))
    [crowd] = front.crowds(10)
    assert (crowd.stream_id, crowd.since, crowd.until) == (STREAM, 100.0, 101.0)
    assert dict(crowd.counts) == {"came": 3, "resumed": 1, "ended": 2, "left": 2, "reset": 4}
    assert front.crowds(10) == []


def test_what_is_handed_out_of_readers_is_bounded_and_nobody_is_left_out() -> None:
    front = Timelines("front")
    for n in range(5):
        front.told(of_fronts.ReaderJoined(Subject(f"st_{n}"), "native", resumed=False, readers=1))
    assert [crowd.stream_id for _ in range(3) for crowd in front.crowds(2)] == [f"st_{n}" for n in range(5)]


def test_what_goes_on_is_one_line(worker: Timelines, clock: Clock) -> None:
    for seconds in (5.0, 10.0, 15.0):
        clock.now += 5
        worker.told(of_streams.Silent(OF, 1, seconds))
    worker.told(of_streams.Held(OF, 2, "m", 10.0, parked=False))
    clock.now += 8
    worker.told(of_streams.Held(OF, 2, "m", 30.0, parked=True))
    worker.told(of_streams.Held(OF, 3, "m", 1.0, parked=False))
    assert lines(worker.noted(STREAM)) == [
        (115.0, "stream.silent", {"attempt": 1, "seconds": 15.0}),
        (115.0, "stream.held", {"attempt": 2, "seconds": 38.0, "parked": True}),
        (123.0, "stream.held", {"attempt": 3, "seconds": 1.0, "parked": False}),
    ]


@pytest.mark.parametrize("kind", [of_streams.Claimed, of_streams.Ended, of_streams.LeaseLost])
def test_what_nobody_took_is_forgotten_with_the_claim(worker: Timelines, kind: type[Event]) -> None:
    worker.told(of_streams.CallStarted(OF, 1, "m"))
    worker.told(example(kind))
    assert worker.noted(STREAM) == ()


def test_what_waits_is_bounded(worker: Timelines) -> None:
    for n in range(2 * WAITING_MAX):
        worker.told(of_streams.CallStarted(OF, n, "m"))
    attempts = [fields["attempt"] for _, _, fields in lines(worker.noted(STREAM))]
    assert len(attempts) == WAITING_MAX
    assert (attempts[0], attempts[-1]) == (0, 2 * WAITING_MAX - 1)
    for n in range(STREAMS_MAX + 1):
        worker.told(of_streams.CallStarted(Subject(f"st_{n}"), 1, "m"))
    assert worker.noted("st_0") == ()
    assert worker.noted("st_1") != ()


def test_a_redis_without_room_is_given_nothing_for_a_while(worker: Timelines, clock: Clock) -> None:
    worker.told(of_streams.CallStarted(OF, 1, "m"))
    worker.told(RedisRefused("appends", "refuses for now", "OOM", "OOM", "OutOfMemoryError"))
    assert (worker.noted(STREAM), worker.note("stream.claimed")) == ((), ())
    clock.now += FULL_SECONDS
    assert len(worker.noted(STREAM)) == 1
    assert len(worker.note("stream.claimed", worker="a", times=1)) == 1
