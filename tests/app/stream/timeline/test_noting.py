"""Who writes asks whoever keeps timelines, and nobody where nobody does."""

from __future__ import annotations

from app.stream.timeline import noting
from app.watch.events.of_streams import CallStarted
from app.watch.events.subjects import Subject
from app.watch.timeline.keeper import Timelines


def test_nothing_is_noted_where_no_timelines_are_kept() -> None:
    assert (noting.note("x"), noting.noted("st_1"), noting.crowds(1)) == ((), (), ())


def test_what_waits_is_handed_out_once_and_by_the_innermost() -> None:
    outer, inner = Timelines("worker"), Timelines("worker")
    for keeper in (outer, inner):
        keeper.told(CallStarted(Subject("st_1"), 1, "m"))
    with noting.keeping(outer):
        with noting.keeping(inner):
            assert len(noting.noted("st_1")) == 1
            assert noting.noted("st_1") == ()
        assert len(noting.noted("st_1")) == 1
    assert noting.noted("st_1") == ()
