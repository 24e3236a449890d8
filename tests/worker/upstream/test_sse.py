from __future__ import annotations

from itertools import pairwise
from sys import getsizeof

import pytest
from anthropic._streaming import SSEDecoder
from hypothesis import example, given
from hypothesis import strategies as st

from worker.upstream.sse import Event, Parser

USUAL = b'event: a\ndata: {"n":1}\n\n'


def parsed(body: bytes, cuts: list[int] | None = None) -> list[Event]:
    """The events of a body that arrives in pieces cut at these places."""
    parser = Parser()
    events: list[Event] = []
    places = [0, *sorted({cut % (len(body) + 1) for cut in cuts or []}), len(body)]
    for start, end in pairwise(places):
        events += parser.feed(body[start:end])
    return events + parser.end()


def by_the_sdk(body: bytes) -> list[Event]:
    """As the SDK's own decoder sees the body. It needs the last blank line, and gives out events without data."""
    events = SSEDecoder().iter_bytes(iter([body + b"\n\n"]))
    return [(event.event.encode() if event.event else None, event.data.encode()) for event in events if event.data]


lines = st.one_of(
    st.sampled_from(
        [
            b"",
            b"data",
            b"data:",
            b"data: ",
            b"data:  two spaces",
            b'data: {"a":1}',
            b'data:{"b":2}',
            b"data: [1,",
            b"data: 2]",
            b"event: ping",
            b"event:message_stop",
            b"event",
            b"event: ",
            b": comment",
            b":",
            b"id: 7",
            b"id",
            b"retry: 5",
            b"retry: x",
            b"unknown: field",
            b" data: not a field",
            "data: żółw 🐢".encode(),
            "event: żółw".encode(),
        ]
    ),
    st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=12).map(str.encode),
)
bodies = st.lists(st.tuples(lines, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=24).map(
    lambda parts: b"".join(line + end for line, end in parts)
)
usual_bodies = st.lists(
    st.one_of(st.just(USUAL), st.just(b'event: content_block_delta\ndata: {"x":"y"}\n\n'), bodies), max_size=8
).map(b"".join)


@given(st.one_of(bodies, usual_bodies), st.lists(st.integers(0, 400), max_size=8))
@example(USUAL * 3, [1, 30, 31])
@example(b"data: 1\r\n\r\ndata: 2\r\r", [8, 9, 10])
@example(b'event: a\ndata: {}\n\n\ndata: {"b":1}\n\n', [])
def test_any_body_in_any_pieces_has_the_events_that_the_sdk_sees(body: bytes, cuts: list[int]) -> None:
    if body.startswith(b"\xef\xbb\xbf"):
        return  # the SDK keeps a byte order mark, the standard does not: see below
    assert parsed(body, cuts) == by_the_sdk(body)


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_where_the_pieces_are_cut_never_matters(body: bytes, cuts: list[int]) -> None:
    assert parsed(body, cuts) == parsed(body)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_may_end_in_all_three_ways(end: bytes) -> None:
    assert parsed(USUAL.replace(b"\n", end), list(range(40))) == [(b"a", b'{"n":1}')]


def test_one_byte_order_mark_at_the_start_is_skipped_and_only_there() -> None:
    mark = b"\xef\xbb\xbf"
    assert parsed(mark + b"data: 1\n\n", [1, 2]) == [(None, b"1")]
    assert parsed(mark + USUAL) == [(b"a", b'{"n":1}')]
    assert parsed(mark + mark + b"data: 1\n\n") == []
    assert parsed(USUAL + mark + b"data: 1\n\n") == [(b"a", b'{"n":1}')]


def test_the_end_of_the_body_completes_an_event() -> None:
    assert parsed(b"data: 1") == [(None, b"1")]
    assert parsed(b"data: 1\n") == [(None, b"1")]
    assert parsed(b"event: a\ndata: 1\r") == [(b"a", b"1")]
    assert parsed(b"event: a\n") == []


def test_an_event_without_data_is_none_and_leaves_nothing_behind() -> None:
    assert parsed(b"event: a\n\ndata: 1\n\nevent: b\ndata:\n\n") == [(None, b"1")]


def test_bytes_stay_bytes() -> None:
    assert parsed(b"event: a\ndata: \xff\x00\n\n") == [(b"a", b"\xff\x00")]


def test_pending_counts_what_waits_for_its_end() -> None:
    parser = Parser()
    parser.feed(b"data: 12345\ndata: 67")
    assert parser.pending >= 7
    parser.feed(b"\n\n")
    assert parser.pending == 0


@pytest.mark.parametrize("line", [b"data", b"data:", b"data: x", b"data:xy"])
def test_pending_counts_what_many_small_lines_take(line: bytes) -> None:
    parser = Parser()
    parser.feed((line + b"\n") * 1000)
    assert parser.pending >= sum(map(getsizeof, parser._data))


def test_a_large_event_in_small_pieces_costs_time_in_proportion() -> None:
    body = b"data: " + b"x" * 4_000_000 + b"\n\n"
    parser = Parser()
    events = [event for at in range(0, len(body), 1000) for event in parser.feed(body[at : at + 1000])]
    assert [len(data) for _, data in events] == [4_000_000]
