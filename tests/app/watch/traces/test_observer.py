from __future__ import annotations

import asyncio

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import StatusCode

from app.stream.observing import Event
from app.watch.events import of_fronts, of_streams
from app.watch.events.subjects import NO_TRACE, Subject, Trace
from tests.app.watch.traces.spans import Traced, parent, span_id, trace_id
from tests.app.watch.vocabulary import example, kinds

STREAM = "st_" + "5c" * 16
OWN = STREAM.removeprefix("st_")
THEIRS, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CAME = Trace(f"00-{THEIRS}-{PARENT}-01", "vendor=value")
MODEL = "a-model"


def submitted(traced: Traced, came: Trace = NO_TRACE) -> Subject:
    """A stream that was submitted, as its worker knows it."""
    of = Subject(STREAM, "me", trace=traced.observer.begun(STREAM, came))
    traced.passes(0.01)
    traced.observer.told(of_streams.Submitted(of, MODEL, 0.01, repeated=False))
    return of


def told(traced: Traced, *events: Event) -> None:
    for event in events:
        traced.passes(1)
        traced.observer.told(event)


def test_a_life_is_one_trace_under_its_submit() -> None:
    traced = Traced()
    of = submitted(traced)
    told(
        traced,
        of_streams.Claimed(of, 0, MODEL, 1.0, 1, from_gate=False),
        of_streams.Held(of, 1, MODEL, 1.0, parked=False),
        of_streams.CallStarted(of, 1, MODEL),
        of_streams.CallEnded(of, 1, MODEL, 529, "overloaded_error", 1.0, "req_1"),
        of_streams.Retried(of, 2, "overloaded_error", 1.0, 529),
        of_streams.CallStarted(of, 2, MODEL),
        of_streams.FirstContent(of, 2, MODEL, 6.0, 5.0, 1.0),
        of_streams.Silent(of, 2, 15.0),
        of_streams.ToolRan(of, 2, "look_up", 0.5, failed=True),
        of_streams.CallEnded(of, 2, MODEL, 200, "", 3.0, "req_2"),
        of_streams.Ended(of, MODEL, "completed", "", "", "end_turn", 2, 10, 20, 3, 4, 0.5, 11.0),
    )
    names = ["submit", "wait", "wait", "attempt 1", "wait", "tool look_up", "attempt 2", "end"]
    assert traced.names == names
    submit, line, gate, first, again, tool, second, end = traced.spans
    assert {trace_id(span) for span in traced.spans} == {OWN}
    assert {parent(span) for span in traced.spans} == {"", span_id(submit)}
    assert [span.attributes["keepstream.wait.for"] for span in (line, gate, again)] == ["turn", "gate", "retry"]
    assert [span.end_time - span.start_time for span in (line, gate, first, again)] == [10**9] * 4
    assert tool.end_time - tool.start_time == 5 * 10**8
    assert [span.status.status_code for span in (first, tool)] == [StatusCode.ERROR] * 2
    assert [event.name for event in second.events] == ["first_content", "silent"]
    assert second.attributes["gen_ai.response.time_to_first_chunk"] == 1.0
    assert end.attributes["gen_ai.usage.input_tokens"] == 17
    assert end.start_time == second.end_time
    assert end.status.status_code is StatusCode.UNSET


def test_a_clients_trace_goes_on_with_all_that_others_say_in_it() -> None:
    traced = Traced()
    of = submitted(traced, CAME)
    assert of.trace.parent.startswith(f"00-{THEIRS}-")
    assert of.trace.state == "vendor=value"
    told(traced, of_streams.Claimed(of, 0, MODEL, 0.0, 1, from_gate=False))
    submit, wait = traced.spans
    assert (trace_id(submit), parent(submit)) == (THEIRS, PARENT)
    assert (trace_id(wait), parent(wait)) == (THEIRS, span_id(submit))


@pytest.mark.parametrize(
    "parent_header",
    [
        "",
        "nonsense",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{THEIRS}-{'0' * 16}-01",
        f"ff-{THEIRS}-{PARENT}-01",
        f"00-{THEIRS.upper()}-{PARENT}-01",
        f"00-{THEIRS}-{PARENT}-01-more",
        f"00-{THEIRS}-{PARENT}-01\n00",
        f"00-{THEIRS}-{PARENT}-xx",
        f"00-{'٣' * 32}-{PARENT}-01",
        f"01-{THEIRS}-{PARENT}-01-{'x' * 10_000}",
    ],
)
def test_what_is_no_place_in_a_trace_begins_one_of_its_own(parent_header: str) -> None:
    traced = Traced()
    submitted(traced, Trace(parent_header, "vendor=value"))
    [submit] = traced.spans
    assert (trace_id(submit), parent(submit)) == (OWN, "")
    assert not submit.context.trace_state


@pytest.mark.parametrize(
    "state",
    [
        "a=1,a=2",
        "A=1",
        "a=\x00",
        "a=naïve",
        f"a={'x' * 600}",
        ",".join(f"k{n}=1" for n in range(33)),
        "no member",
    ],
)
def test_what_is_no_state_is_left_out(state: str) -> None:
    traced = Traced()
    of = submitted(traced, Trace(CAME.parent, state))
    assert trace_id(traced.spans[0]) == THEIRS
    assert of.trace.state == ""


def test_who_samples_is_asked_where_the_stream_begins_and_nowhere_else() -> None:
    unseen, seen = Traced(ParentBased(ALWAYS_OFF)), Traced(ParentBased(ALWAYS_OFF))
    for traced, came in ((unseen, NO_TRACE), (seen, CAME)):
        of = submitted(traced, came)
        told(traced, of_streams.Claimed(of, 0, MODEL, 0.0, 1, from_gate=False))
        told(traced, of_fronts.ReaderLeft(of, "native", "ended", 1.0, 0, resumed=True))
    assert (unseen.names, seen.names) == ([], ["submit", "wait", "resume"])


def test_what_a_library_does_in_a_call_lies_beneath_its_attempt_and_nothing_else_does() -> None:
    traced = Traced()
    library = traced.provider.get_tracer("another")
    of = submitted(traced)

    async def life() -> None:
        told(traced, of_streams.CallStarted(of, 1, MODEL))
        await asyncio.sleep(0)
        library.start_span("within").end()
        told(traced, of_streams.CallEnded(of, 1, MODEL, 200, "", 1.0, ""))
        library.start_span("behind").end()

    async def both() -> None:
        task = asyncio.create_task(life())
        await asyncio.sleep(0)
        library.start_span("beside").end()
        await task

    asyncio.run(both())
    made = {span.name: span for span in traced.spans}
    assert parent(made["within"]) == span_id(made["attempt 1"])
    assert parent(made["behind"]) == parent(made["beside"]) == ""
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_who_takes_over_goes_on_and_says_why() -> None:
    traced = Traced()
    of = submitted(traced)
    told(
        traced,
        of_streams.Claimed(of, 1, MODEL, 9.0, 2, from_gate=False),
        of_streams.TakenOver(of, 1, "worker_lost", content=True),
        of_streams.Restarted(of, 2, "worker_lost", 0.0, 0),
        of_streams.CallStarted(of, 2, MODEL),
        of_streams.CallEnded(of, 2, MODEL, 0, "cancelled", 1.0, ""),
        of_streams.Ended(of, MODEL, "cancelled", "", "", "", 2),
    )
    assert traced.names == ["submit", "attempt 2", "end"]
    attempt = traced.spans[1].attributes
    assert attempt is not None
    assert (attempt["keepstream.taken_over.cause"], attempt["keepstream.claims"]) == ("worker_lost", 2)
    assert attempt["error.type"] == "cancelled"


def test_what_was_parked_at_the_gate_is_told_by_who_takes_it_from_there() -> None:
    traced = Traced()
    of = submitted(traced)
    told(traced, of_streams.Claimed(of, 1, MODEL, 60.0, 2, from_gate=True, held_seconds=20.0))
    wait = traced.spans[-1]
    assert (wait.name, wait.end_time - wait.start_time) == ("wait", 20 * 10**9)
    assert wait.attributes["keepstream.wait.for"] == "gate"


def test_a_stream_of_which_no_front_has_begun_a_trace_has_one_all_the_same() -> None:
    traced, of = Traced(), Subject(STREAM, "me")
    told(traced, of_streams.Claimed(of, 0, MODEL, 1.0, 1, from_gate=False), of_streams.CallStarted(of, 1, MODEL))
    told(traced, of_streams.CallEnded(of, 1, MODEL, 200, "", 1.0, ""))
    assert {trace_id(span) for span in traced.spans} == {OWN}


def test_a_front_that_ends_a_waiting_stream_tells_its_wait() -> None:
    traced = Traced()
    of = submitted(traced)
    told(traced, of_streams.Ended(of, MODEL, "cancelled", "", "", "", 0, seconds=3.0))
    assert traced.names == ["submit", "wait", "end"]
    assert traced.spans[1].end_time - traced.spans[1].start_time == 3 * 10**9


def test_a_refused_submit_says_so() -> None:
    traced = Traced()
    of = Subject(owner="me", trace=traced.observer.begun(STREAM, NO_TRACE))
    told(traced, of_streams.Refused(of, MODEL, 0.1, "QueueFullError"))
    told(traced, of_streams.Refused(of, MODEL, 0.1, "Screened"))  # of a prompt that never came to a submit
    [submit] = traced.spans
    assert submit.attributes["error.type"] == "QueueFullError"


def test_a_reader_that_comes_back_is_linked_to_the_stream_and_in_a_trace_of_its_own() -> None:
    traced = Traced()
    of = submitted(traced)
    told(
        traced,
        of_fronts.ReaderLeft(of, "native", "left", 2.0, 0, resumed=False),
        of_fronts.ReaderLeft(of, "native", "left", 2.0, 0, resumed=True),
        of_fronts.ReaderServed(of, "native", resumed=True),
    )
    submit, stayed, served = traced.spans
    assert (stayed.name, served.name) == ("resume", "resume")
    assert stayed.end_time - stayed.start_time == 2 * 10**9
    assert {trace_id(stayed), trace_id(served), OWN} == {trace_id(span) for span in traced.spans}
    for span in (stayed, served):
        assert [span_id(link) for link in span.links] == [span_id(submit)]


@pytest.mark.parametrize("kind", kinds())
def test_whatever_is_told_at_any_time_is_taken(kind: type[Event]) -> None:
    Traced().observer.told(example(kind))
