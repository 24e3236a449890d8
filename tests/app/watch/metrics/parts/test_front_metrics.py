"""What a front counts."""

from __future__ import annotations

from app.watch.events import of_fronts, of_streams
from app.watch.events.subjects import NOBODY
from app.watch.metrics.table import Of
from tests.app.watch.metrics.made import OF, after


def test_readers_are_counted_by_how_they_came_and_went() -> None:
    found = after(
        Of.FRONT,
        of_fronts.ReaderJoined(OF, "native", resumed=False, readers=1),
        of_fronts.ReaderJoined(OF, "native", resumed=True, readers=2),
        of_fronts.ReaderServed(OF, "chat", resumed=False),
        of_fronts.ReaderTurnedAway(OF, "native", "limited"),
        of_fronts.ReaderLeft(OF, "native", "left", 1.0, 0, resumed=False),
        of_fronts.ReaderReset(OF, 2, "history_lost", 5),
        of_fronts.TailRepaired(OF, "gap", 1, 0.1),
        of_fronts.TailRepaired(OF, "opened", 1, 0.1),
    )
    assert found["reader_opens_total{face=native,kind=new}"] == 1
    assert found["reader_opens_total{face=native,kind=resume}"] == 1
    assert found["reader_opens_total{face=native,kind=refused}"] == 1
    assert found["reader_opens_total{face=chat,kind=new}"] == 1
    assert found["reader_closed_total{reason=left}"] == 1
    assert found["reader_closed_total{reason=ended}"] == 1
    assert found["reader_resets_total{reason=history_lost}"] == 5
    assert found["repairs_total{cause=gap}"] == 1
    assert "repairs_total{cause=opened}" not in found
    assert (found["readers"], found["tails"], found["sent_bytes_total"]) == (7, 2, 99)


ROUTES = (("/v1/streams/{id}", 200), ("/v1/streams/{id}", 200), ("", 404), ("", 0))


def test_requests_are_counted_by_their_route_and_what_they_got() -> None:
    found = after(Of.FRONT, *(of_fronts.RequestServed(NOBODY, "GET", route, code, 0.1) for route, code in ROUTES))
    assert found["http_requests_total{route=/v1/streams/{id},status=200}"] == 2
    assert found["http_requests_total{route=other,status=404}"] == 1
    assert found["http_requests_total{route=other,status=none}"] == 1


def test_who_is_not_let_in_is_counted_by_why() -> None:
    found = after(
        Of.FRONT,
        of_streams.Refused(OF, "m", 0.1, "QueueFullError"),
        of_fronts.CallerRefused("unknown_key"),
        of_streams.Submitted(OF, "m", 0.002, repeated=False),
    )
    assert found["refused_total{reason=queue_full}"] == 1
    assert found["refused_total{reason=unknown_key}"] == 1
    assert found["submit_seconds_bucket{le=0.0025}"] == found["submit_seconds_count"] == 1


def test_a_rating_is_counted_by_whose_answer_it_is_and_how_that_was_shown() -> None:
    def rated(rating: int, kind: str, delivery: str = "progressive") -> of_fronts.AnswerRated:
        return of_fronts.AnswerRated(OF, "claude-x", delivery, rating, kind, noted=kind == "noted")

    found = after(
        Of.FRONT,
        rated(1, "new"),
        rated(-1, "changed"),
        rated(-1, "noted"),
        rated(1, "new", "final"),
        rated(1, "new", "by a client"),
    )
    assert {name: value for name, value in found.items() if name.startswith("feedback_total{")} == {
        "feedback_total{delivery=progressive,model=claude-x,rating=1}": 1,
        "feedback_total{delivery=progressive,model=claude-x,rating=-1}": 1,
        "feedback_total{delivery=final,model=claude-x,rating=1}": 1,
        "feedback_total{delivery=other,model=claude-x,rating=1}": 1,
    }
