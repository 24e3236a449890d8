"""The log as a Durable Stream: messages, events, offsets, and what a cache may make of an answer. Pure."""

from __future__ import annotations

import orjson
import pytest

from app.faces.durable import view
from app.faces.durable.view import EPOCH, INTERVAL_SECONDS, Answered
from app.http.origins import STREAM_HEADERS
from app.stream.frames import Position, encode, encode_json, origin

ORIGIN = origin("st_1")
END = Position(412, 0x9F3A1C22)


def logged(*events: tuple[str | None, bytes]) -> bytes:
    data, position = b"", tuple(ORIGIN)
    for name, value in events:
        frame, *position = encode(None if name is None else name.encode(), value, *position)  # type: ignore[assignment]
        data += frame
    return data


def lines_of(event: bytes) -> tuple[str, bytes]:
    """Name and data of one event, as a client reads it."""
    assert event.endswith(b"\n\n")
    first, *rest = event[:-2].split(b"\n")
    assert all(line.startswith(b"data:") for line in rest)
    return first.removeprefix(b"event: ").decode(), b"\n".join(line[5:].removeprefix(b" ") for line in rest)


class TestMessages:
    def test_the_upstream_s_are_its_bytes(self) -> None:
        theirs = b'{"type": "content_block_delta",  "delta":{"text":"\xc3\xbc \\n"}}'
        assert view.messages(logged(("content_block_delta", theirs), (None, b"[1]"))) == [theirs, b"[1]"]
        wide = b'{"data: ":\n"event: relay.end",\n "id: ": 1}'
        assert view.messages(logged((None, wide), ("a data: b", wide))) == [wide, wide]

    def test_ours_say_what_they_are_called(self) -> None:
        frame, _ = encode_json("relay.reset", {"attempt": 2, "reason": "worker_lost"}, ORIGIN)
        assert view.messages(frame) == [b'{"type":"relay.reset","attempt":2,"reason":"worker_lost"}']
        assert view.messages(logged(("relay.end", b"{}"))) == [b'{"type":"relay.end"}']

    @pytest.mark.parametrize("size", [0, 1, 3])
    def test_are_an_array(self, size: int) -> None:
        found = view.messages(logged(*[("told", b'{"n":%d}' % n) for n in range(size)]))
        assert orjson.loads(b"".join(view.array(found))) == [{"n": n} for n in range(size)]


class TestEvents:
    def test_no_line_of_a_message_ends_its_event(self) -> None:
        name, data = lines_of(view.data_event(view.messages(logged(("a", b'{"x":\n"event: control"}'), ("b", b"2")))))
        assert (name, orjson.loads(data)) == ("data", [{"x": "event: control"}, 2])

    @pytest.mark.parametrize("value", [b'{"text":"%b"}' % (b"long " * 20), b'{"x":\n[1,\n2]}'])
    def test_a_large_frame_is_one_event_wherever_it_is_cut(self, value: bytes) -> None:
        frame = logged(("content_block_delta", value))
        head = frame.index(b"data: ") + len(b"data: ")
        for cut in range(head, len(frame) - 23):
            first = view.data_part(frame[:cut], first=True, last=False)
            event = first + view.data_part(frame[cut:], first=False, last=True)
            assert lines_of(event) == ("data", b"[%b\n]" % value)

    def test_control_says_where_one_goes_on_and_how_it_stands(self) -> None:
        def told(**how: bool) -> dict[str, object]:
            name, data = lines_of(view.control_event(END, "7", **how))
            assert name == "control"
            found: dict[str, object] = orjson.loads(data)
            return found

        assert told() == {"streamNextOffset": END.id, "streamCursor": "7"}
        assert told(up_to_date=True) == {"streamNextOffset": END.id, "streamCursor": "7", "upToDate": True}
        assert told(closed=True) == {"streamNextOffset": END.id, "upToDate": True, "streamClosed": True}


class TestCursors:
    NOW = EPOCH + 1000 * INTERVAL_SECONDS + 3

    @pytest.mark.parametrize("asked", [None, "", "999", "-5", "x", "1" * 400, "١٢"])
    def test_who_has_none_that_is_ahead_gets_the_interval_s(self, asked: str | None) -> None:
        assert view.cursor_of(asked, self.NOW, 0.5) == "1000"

    @pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
    def test_one_that_is_not_behind_goes_on_and_never_back(self, jitter: float) -> None:
        assert 1001 <= int(view.cursor_of("1000", self.NOW, jitter)) <= 1000 + 3600 // INTERVAL_SECONDS
        assert int(view.cursor_of("5000", self.NOW, jitter)) > 5000


class TestCaching:
    def answered(self, *, start: Position = ORIGIN, closed: bool = False) -> Answered:
        return Answered("st_1", start, END, up_to_date=True, closed=closed)

    def test_a_tag_says_from_where_to_where_and_whether_that_is_all(self) -> None:
        tags = {self.answered().etag, self.answered(closed=True).etag, self.answered(start=END).etag}
        assert len(tags) == 3

    def test_what_has_an_end_of_its_own_is_kept_by_whoever_may_have_it(self) -> None:
        assert view.cache_of(self.answered(), by_ticket=False, now=False) == view.PRIVATE
        assert view.cache_of(self.answered(), by_ticket=True, now=False).startswith("public")
        assert "vary" in view.headers_of(self.answered(), view.PRIVATE)

    def test_what_is_said_of_an_open_end_is_kept_by_nobody(self) -> None:
        at_end = self.answered(start=END)
        assert view.cache_of(at_end, by_ticket=True, now=False) == view.NO_STORE
        assert view.cache_of(self.answered(), by_ticket=True, now=True) == view.NO_STORE
        assert view.cache_of(self.answered(start=END, closed=True), by_ticket=True, now=False) != view.NO_STORE

    def test_a_cursor_is_for_who_goes_on_waiting(self) -> None:
        assert view.headers_of(self.answered(), view.PRIVATE, "7")["stream-cursor"] == "7"
        assert "stream-cursor" not in view.headers_of(self.answered(closed=True), view.PRIVATE, "7")

    @pytest.mark.parametrize(("sent", "known"), [('"a"', True), ('W/"a", "b"', True), ("*", True), ('"b"', False)])
    def test_what_a_client_has_already(self, sent: str, known: bool) -> None:  # noqa: FBT001
        assert view.matches(sent, '"a"') is known


def test_pages_of_other_origins_may_read_where_they_stand() -> None:
    assert {view.NEXT_OFFSET, view.UP_TO_DATE, view.CURSOR, view.CLOSED} == set(STREAM_HEADERS)
