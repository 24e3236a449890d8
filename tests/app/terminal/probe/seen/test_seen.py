"""What was seen, byte by byte and event by event, with nothing that reads."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stream import frames
from app.terminal.probe.promises import Promise
from app.terminal.probe.seen import sse_blocks
from app.terminal.probe.seen.arrivals import Arrivals, held_back
from app.terminal.probe.seen.compared import Reference
from app.terminal.probe.seen.id_chain import MADE_UP, unchained
from app.terminal.probe.seen.sightings import Seen, Stretch, seen_of
from app.terminal.probe.seen.sse_blocks import Block, Blocks, TooLargeError
from app.terminal.probe.seen.ui_chunks import Message, compare

STREAM = "st_" + 32 * "7"


def blocks_of(body: bytes, *cuts: int) -> tuple[list[Block], bool]:
    """The blocks of a body that comes in these pieces, and whether it ends amid one."""
    blocks, found, start = Blocks(), [], 0
    for cut in (*sorted(cuts), len(body)):
        found += blocks.feed(body[start:cut]) if cut > start else []
        start = max(start, cut)
    return found + blocks.end(), blocks.amid


class TestBlocks:
    ONE, OTHERS = "event: a\ndata: 1\ndata:2\nid: 7\n\n", "id\n\nunknown: x\ndata\n\ndata: ü\u2028語\n\n"
    BODY = f"\ufeffretry: 10\n: hi\n\n{ONE}{OTHERS}".encode()

    @given(st.lists(st.integers(0, 100), max_size=8), st.sampled_from([b"\n", b"\r\n", b"\r"]))
    def test_they_are_the_same_in_whatever_pieces_and_with_whatever_line_ends(
        self, cuts: list[int], line_end: bytes
    ) -> None:
        found, amid = blocks_of(self.BODY.replace(b"\n", line_end), *cuts)
        assert not amid
        assert [(block.name, block.data, block.id, block.retry) for block in found] == [
            ("", None, None, True),
            ("a", b"1\n2", "7", False),
            ("", None, "", False),
            ("", b"", None, False),
            ("", "ü\u2028語".encode(), None, False),
        ]
        assert b"".join(block.raw for block in found) == self.BODY.replace(b"\n", line_end).removeprefix(
            b"\xef\xbb\xbf"
        )

    @pytest.mark.parametrize("rest", [b"data: x", b"data: x\n", b"data: x\r"])
    def test_an_end_amid_one_is_seen(self, rest: bytes) -> None:
        assert blocks_of(b"data: 1\n\n" + rest)[1]

    def test_an_end_behind_a_comment_is_amid_nothing(self) -> None:
        assert not blocks_of(b"data: 1\n\n: bye")[1]
        assert not blocks_of(b"data: 1\n\n: bye\n: bye\r")[1]
        assert blocks_of(b": bye\nid: 7\n: bye\n")[1]

    def test_none_is_larger_than_its_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sse_blocks, "BLOCK_BYTES", 100)
        blocks = Blocks()
        for _ in range(5):
            assert blocks.feed(b"data: 1\n" + 80 * b"x" + b"\n\n")
        blocks.feed(100 * b"x")
        with pytest.raises(TooLargeError):
            blocks.feed(b"x")
        monkeypatch.setattr(sse_blocks, "BLOCK_LINES", 3)
        with pytest.raises(TooLargeError):
            Blocks().feed(5 * b":\n")


def log_of(*texts: str) -> list[tuple[str, bytes]]:
    made, place = [], frames.origin(STREAM)
    for text in texts:
        raw, place = frames.encode_json("content_block_delta", text, place)
        made.append((place.id, raw))
    return made


class TestIdChain:
    LOG = log_of("one", "two", "three")

    def test_what_follows_follows(self) -> None:
        before = None
        for event_id, raw in self.LOG:
            assert unchained(STREAM, before, raw, event_id) is None
            before = event_id
        event_id, raw = self.LOG[2]
        assert unchained(STREAM, None, raw, event_id) is None, "a reader without an id may begin behind a reset"

    @pytest.mark.parametrize(
        ("before", "number", "promise"),
        [(0, 2, Promise.GAP), (1, 1, Promise.DOUBLED), (2, 0, Promise.DOUBLED)],
    )
    def test_by_its_id_one_sees_what_is_wrong(self, before: int, number: int, promise: Promise) -> None:
        event_id, raw = self.LOG[number]
        breach = unchained(STREAM, self.LOG[before][0], raw, event_id)
        assert breach is not None
        assert breach.promise is promise

    def test_another_history_has_another_checksum(self) -> None:
        event_id, raw = self.LOG[1]
        for breach in (
            unchained("st_" + 32 * "8", None, self.LOG[0][1], self.LOG[0][0]),
            unchained(STREAM, self.LOG[0][0], raw.replace(b"two", b"owt"), event_id),
        ):
            assert breach is not None
            assert breach.promise is Promise.SPLICED

    def test_what_is_no_id_of_ours_is_none(self) -> None:
        for raw, event_id in ((b"data: 1\nid: 7\n\n", "7"), (b"id: " + MADE_UP.encode() + b"\ndata: 1\n\n", MADE_UP)):
            breach = unchained(STREAM, None, raw, event_id)
            assert breach is not None
            assert breach.promise is Promise.IDS


def seen(*ids: int, name: str = "") -> list[Seen]:
    return [seen_of(Block(b"", name, f"said {number}".encode(), str(number))) for number in ids]


def broken(after: int | None, *ids: int, whole: bool = True, ended: bool = False, of: int = 10) -> set[Promise]:
    reference = Reference(seen(*range(of)), whole=whole)
    stretch = Stretch(None if after is None else str(after), seen(*ids), ended)
    return {breach.promise for breach in reference.compare(stretch)}


class TestCompared:
    @pytest.mark.parametrize(
        ("after", "ids"), [(None, range(10)), (None, range(4, 10)), (3, range(4, 7)), (9, ()), (None, ()), (99, (3, 1))]
    )
    def test_what_is_the_same_is(self, after: int | None, ids: tuple[int, ...]) -> None:
        assert broken(after, *ids) == set()

    @pytest.mark.parametrize(
        ("ids", "promises"),
        [
            ((5, 6), {Promise.GAP}),
            ((4, 7, 8), {Promise.GAP}),
            ((3, 4, 5), {Promise.DOUBLED}),
            ((4, 5, 5, 6), {Promise.DOUBLED}),
            ((0, 1, 2, 3, 4, 5), {Promise.DOUBLED}),
            ((5, 4, 6), {Promise.REORDERED}),
            ((6, 5, 4, 7), {Promise.REORDERED}),
            ((7, 5, 4, 8), {Promise.REORDERED, Promise.GAP}),
            ((4, 77, 5), {Promise.SPLICED}),
            ((77,), {Promise.SPLICED}),
        ],
    )
    def test_what_is_not_is_called_by_its_name(self, ids: tuple[int, ...], promises: set[Promise]) -> None:
        assert broken(3, *ids) == promises

    def test_what_an_event_says_is_compared_too(self) -> None:
        [other] = seen(4, name="other")
        [breach] = Reference(seen(*range(10)), whole=True).compare(Stretch("3", [other]))
        assert breach.promise is Promise.SPLICED

    def test_an_ending_before_the_last_event_leaves_something_out(self) -> None:
        assert broken(3, 4, 5, ended=True) == {Promise.GAP}
        assert broken(9, ended=True) == set()

    def test_what_the_uncut_reading_did_not_see_is_not_judged(self) -> None:
        assert broken(8, 9, 77, whole=False) == set()
        assert broken(4, 5, 77, 6, whole=False) == {Promise.SPLICED}, "unless it stands between what it saw"

    def test_an_event_of_a_name_that_never_has_an_id_is_an_aside(self) -> None:
        ping = seen_of(Block(b"", "ping", b"{}"))
        reference = Reference([*seen(0, 1), ping, *seen(2)], whole=True)
        assert not [*reference.by_itself()]
        assert not reference.compare(Stretch("0", [ping, *seen(1, 2)]))

    def test_ids_are_each_its_own(self) -> None:
        bare = seen_of(Block(b"", "", b"x"))
        for events in ([bare], [*seen(1), bare], seen(1, 1)):
            assert {breach.promise for breach in Reference(events, whole=True).by_itself()} == {Promise.IDS}
        assert not [*Reference([], whole=True).by_itself()]


def message(*chunks: object, done: bool = False) -> Message:
    made = Message()
    for chunk in chunks:
        assert made.take(json.dumps(chunk).encode()) is None
    if done:
        assert made.take(b"[DONE]") is None
    return made


def text(delta: str) -> dict[str, str]:
    return {"type": "text-delta", "id": "1", "delta": delta}


START, FINISH = {"type": "start", "messageId": "m"}, {"type": "finish"}
WHOLE = message(START, text("Hello "), text("beautiful "), text("world"), FINISH, done=True)


class TestChunks:
    def test_pieces_may_be_of_any_size_and_what_is_transient_is_left_out(self) -> None:
        for same in (
            message(START, text("Hello beautiful world"), FINISH, done=True),
            message(START, {"type": "data-status", "data": 1, "transient": True}, text("Hello b")),
            message(),
        ):
            assert compare(WHOLE, same, whole=True) is None

    @pytest.mark.parametrize(
        ("other", "promise"),
        [
            (message(START, text("beautiful world"), FINISH, done=True), Promise.GAP),
            (message(START, text("Hello Hello beautiful world")), Promise.DOUBLED),
            (message(START, text("Good evening to all of you")), Promise.SPLICED),
            (message(START, FINISH, done=True), Promise.GAP),
            (message(START, text("Hello beautiful worlds"), FINISH), Promise.SPLICED),
        ],
    )
    def test_what_is_not_the_same_is_called_by_its_name(self, other: Message, promise: Promise) -> None:
        breach = compare(WHOLE, other, whole=True)
        assert breach is not None
        assert breach.promise is promise

    def test_what_goes_further_than_the_uncut_reading_is_not_judged(self) -> None:
        assert compare(message(START, text("Hel")), WHOLE, whole=False) is None

    @pytest.mark.parametrize("data", [b"{", b"[]", b"{}", b"7"])
    def test_a_chunk_is_json_with_a_type(self, data: bytes) -> None:
        breach = Message().take(data)
        assert breach is not None
        assert breach.promise is Promise.SPLICED

    def test_a_chunk_has_as_many_levels_as_can_be_written(self) -> None:
        breach = Message().take(b'{"type":"x","a":%b%b}' % (300 * b"[", 300 * b"]"))
        assert breach is not None
        assert breach.promise is Promise.BOUNDS

    def test_done_ends_what_has_an_end_and_nothing_follows(self) -> None:
        early = message(START).take(b"[DONE]")
        assert early is not None
        assert early.promise is Promise.ENDING
        late = message(FINISH, done=True).take(b"{}")
        assert late is not None
        assert late.promise is Promise.ENDING


def arrived(head: float, first: float, last: float, events: int = 40) -> Arrivals:
    arrivals = Arrivals(100.0, 100.0 + head)
    arrivals.took(100.0 + first, 1)
    arrivals.took(100.0 + last, events - 1)
    return arrivals


class TestArrivals:
    @pytest.mark.parametrize(
        ("arrivals", "greets", "ended"),
        [
            (arrived(0.1, 0.2, 9.0), True, True),
            (arrived(0.1, 0.2, 0.2), True, True),  # a replay
            (arrived(0.1, 8.0, 12.0), False, True),  # it took its time, and then came piece by piece
            (arrived(0.1, 3.0, 3.0), True, False),  # cut off
            (arrived(0.1, 3.0, 3.0, events=2), True, True),
            (Arrivals(100.0), True, False),
        ],
    )
    def test_what_may_be_fair_is_not_judged(self, arrivals: Arrivals, *, greets: bool, ended: bool) -> None:
        assert held_back(arrivals, greets=greets, ended=ended) == ""

    @pytest.mark.parametrize(
        ("arrivals", "greets", "said"),
        [
            (arrived(9.0, 9.0, 9.0), True, "the head"),
            (arrived(0.1, 9.0, 9.5), True, "the first byte"),
            (arrived(0.1, 3.0, 3.0), True, "at once"),
            (arrived(0.1, 3.0, 3.0), False, "at once"),
        ],
    )
    def test_what_was_held_back_is_seen(self, arrivals: Arrivals, said: str, *, greets: bool) -> None:
        assert said in held_back(arrivals, greets=greets, ended=True)
