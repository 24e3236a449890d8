from __future__ import annotations

import pytest

from app.watch.events.of_processes import Fault
from app.watch.events.subjects import NO_TRACE, Trace
from app.watch.traces import carried
from tests.harness.heard import heard

HEADERS = {"traceparent": ["one"], "tracestate": ["a=1", "b=2"]}


class Notes:
    def __init__(self) -> None:
        self.came: list[Trace] = []

    def begun(self, stream_id: str, came: Trace) -> Trace:
        self.came.append(came)
        return Trace(stream_id)


class Fails:
    def begun(self, stream_id: str, came: Trace) -> Trace:
        raise ValueError(f"SECRET {stream_id} {came}")


def asked(headers: dict[str, list[str]]) -> None:
    carried.came(lambda name: headers.get(name, []))


def test_where_traces_are_off_nothing_is_read_or_made() -> None:
    asked(HEADERS)
    assert not carried.is_on()
    assert carried.begun("st_1") is NO_TRACE


def test_what_a_request_brings_is_given_to_who_begins_traces() -> None:
    with carried.carrying(notes := Notes()):
        assert carried.is_on()
        asked(HEADERS)
        assert carried.begun("st_1") == Trace("st_1")
        asked({})
        carried.begun("st_2")
        asked({"traceparent": ["one", "two"], "tracestate": ["a=1"]})
        carried.begun("st_3")
    assert notes.came == [Trace("one", "a=1,b=2"), NO_TRACE, NO_TRACE]
    assert not carried.is_on()


def test_a_stream_goes_on_without_a_trace_that_cannot_be_begun() -> None:
    with carried.carrying(Fails()), heard() as events:
        assert carried.begun("st_1") == NO_TRACE
    [fault] = events
    assert isinstance(fault, Fault)
    assert (fault.error, fault.of.stream_id) == ("ValueError", "st_1")
    assert "SECRET" not in repr(fault)


@pytest.mark.parametrize("trace", [NO_TRACE, Trace("parent"), Trace("parent", "a=1")])
def test_a_meta_keeps_it(trace: Trace) -> None:
    kept = {name: str(value).encode() for name, value in carried.fields_of(trace).items()}
    assert carried.trace_of(kept) == trace


def test_what_others_say_in_a_trace_is_not_shown() -> None:
    assert "SECRET" not in repr(Trace("parent", "a=SECRET"))
