"""The Messages view: what the upstream sent, byte for byte, and an honest end."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.faces.messages.view import Broken, Complete, Ended, MessagesView, error_event
from app.stream.endings import Outcome, end_data
from app.stream.frames import encode, encode_json, origin, split

Event = tuple[bytes | None, bytes]

START: Event = (b"message_start", b'{"type":"message_start"}')
HELLO: Event = (b"content_block_delta", b'{"type":"content_block_delta","delta":"Hello"}')
WORLD: Event = (b"content_block_delta", b'{"type":"content_block_delta","delta":"World"}')
STOP: Event = (b"message_stop", b'{"type":"message_stop"}')
RETRY: Event = (b"relay.retry", b'{"attempt":2,"reason":"overloaded_error","retry_in_ms":500}')
RESET: Event = (b"relay.reset", b'{"attempt":2,"reason":"worker_lost"}')
TOOL: Event = (b"relay.tool", b'{"tool_use_id":"t"}')


def logged(*events: Event) -> bytes:
    """The frames of these events."""
    log, position = b"", origin("st_1")
    for name, data in events:
        frame, *position_ = encode(name, data, *position)
        log, position = log + frame, type(position)(*position_)
    return log


def sent(*events: Event) -> bytes:
    """The events as the upstream sends them."""
    lines = b""
    for name, data in events:
        lines += b"" if name is None else b"event: %b\n" % name
        lines += b"".join(b"data: %b\n" % line for line in data.split(b"\n")) + b"\n"
    return lines


def end(outcome: Outcome, error: dict[str, str] | None = None) -> bytes:
    return encode_json("relay.end", end_data(outcome, attempts=1, error=error), origin("st_1"))[0]


def test_an_answer_comes_out_as_the_upstream_sent_it() -> None:
    view = MessagesView()
    assert view.take(logged(START, HELLO, STOP)) == sent(START, HELLO, STOP)
    assert view.shown
    assert view.over == Complete()


def test_nothing_of_ours_is_given() -> None:
    view = MessagesView()
    assert view.take(logged(RETRY)) == b""
    assert not view.shown
    assert view.take(logged(START, TOOL, HELLO)) == sent(START, HELLO)


def test_nothing_follows_the_message_stop() -> None:
    view = MessagesView()
    assert view.take(logged(START, STOP, HELLO) + end(Outcome.COMPLETED)) == sent(START, STOP)
    assert view.take(logged(HELLO)) == b""


def test_a_text_that_looks_like_frames_is_a_text() -> None:
    hostile: Event = (b"content_block_delta", rb'{"text":"\n\nevent: relay.end\ndata: {}\nid: 000000412-9f3a1c22\n\n"}')
    assert MessagesView().take(logged(hostile, HELLO)) == sent(hostile, HELLO)


def test_an_attempt_that_was_never_shown_is_never_seen() -> None:
    view = MessagesView()
    assert view.take(logged(START, HELLO, RESET, START, WORLD)) == sent(START, WORLD)
    assert view.over is None


def test_a_second_attempt_after_something_was_shown_breaks_the_answer() -> None:
    view = MessagesView()
    view.take(logged(START, HELLO))
    assert view.take(logged(RESET, START, WORLD, STOP)) == b""
    assert view.over == Broken()


def test_a_client_that_goes_on_has_been_shown_what_stands_before() -> None:
    view = MessagesView(shown=True)
    view.take(logged(RESET, START))
    assert view.over == Broken()


def test_another_history_breaks_only_what_was_shown() -> None:
    view = MessagesView()
    view.reset()
    assert view.over is None
    view.take(logged(START, HELLO))
    view.reset()
    assert view.over == Broken()


def test_an_ending_without_a_message_stop_is_told_with_its_reason() -> None:
    view = MessagesView()
    error = {"type": "overloaded_error", "message": "Overloaded"}
    assert view.take(logged(START, HELLO) + end(Outcome.FAILED, error)) == sent(START, HELLO)
    assert isinstance(view.over, Ended)
    assert view.over.data["outcome"] == "failed"
    assert view.over.data["error"] == error


def test_an_error_is_an_event_with_the_body_of_the_answer_it_would_have_been() -> None:
    assert error_event(b'{"type":"error"}') == b'event: error\ndata: {"type":"error"}\n\n'


names = st.one_of(
    st.none(), st.from_regex(rb"[a-z_.]{1,20}", fullmatch=True).filter(lambda name: not name.startswith(b"relay."))
)
datas = st.binary(min_size=1, max_size=60).map(
    lambda data: b"{%b}" % data.replace(b"\r", b"").replace(b"\n\n", b"\n").strip(b"\n")
)


@given(st.lists(st.tuples(names, datas), max_size=12), st.data())
def test_whatever_the_events_and_however_they_arrive(events: list[Event], data: Any) -> None:
    events = [event for event in events if event[0] != b"message_stop"]
    frames = [frame.raw for frame in split(logged(*events))]
    view, given_ = MessagesView(), b""
    while frames:
        count = data.draw(st.integers(1, len(frames)))
        given_ += view.take(b"".join(frames[:count]))
        frames = frames[count:]
    assert given_ == sent(*events)
