"""Whatever a channel does to its messages, what is shown is the log: a prefix of one history at every moment, never two
spliced, and all of it once the log was read (G1)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fanout import splice
from app.fanout.splice import Splice
from app.stream.frames import PROOF_LENGTH, Position, encode, origin

STREAM = "st_splice"
# Small enough for a few frames to fill it.
WINDOW = 400


@pytest.fixture(autouse=True, scope="module")
def small_window() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splice, "WINDOW_BYTES", WINDOW)
        yield


class History:
    """The frames of one log."""

    def __init__(self, texts: list[str], stream: str = STREAM) -> None:
        self.ends = [origin(stream)]
        self.log = b""
        for text in texts:
            raw, *after = encode(b"e", text.encode(), *self.ends[-1])
            self.log += raw
            self.ends.append(Position(*after))

    def between(self, first: int, last: int) -> bytes:
        return self.log[self.ends[first].offset : self.ends[last].offset]


class Shown:
    """What a reader of a tail sees. Takes messages and reads of the log as the tail does, one step at a time."""

    def __init__(self) -> None:
        self.splice = Splice(origin(STREAM))
        self.bytes = b""
        self.stash: list[tuple[int, bytes]] = []
        self.asked: tuple[Position, bytes, bool] | None = None

    def message(self, start: int, data: bytes) -> None:
        added = self.splice.offer(start, data)
        if added is None:
            self.stash.append((start, data))
        else:
            self.bytes += added

    def ask(self, log: bytes, most: int) -> None:
        """The log is asked, and answers; the answer is on its way."""
        end = self.splice.end
        proven = end.offset <= len(log) and (not end.offset or log[: end.offset].endswith(end.proof))
        answer = log[end.offset :] if proven else log
        whole = answer.rfind(b"\n\n", 0, most) + 2 if len(answer) > most else len(answer)
        # At least one frame, as `Tail.read` makes sure.
        self.asked = (end, answer[: max(whole, answer.find(b"\n\n") + 2)], proven)

    def answer(self) -> None:
        if self.asked is None:
            return
        (asked, data, proven), self.asked = self.asked, None
        if proven:
            self.bytes += self.splice.offer(asked.offset, data) or b""
        elif self.splice.end == asked:
            self.splice = Splice(origin(STREAM))
            self.bytes = b""
            assert self.splice.offer(0, data) == data
            self.bytes = data
        stash, self.stash = self.stash, []
        for start, late in stash:
            self.bytes += self.splice.offer(start, late) or b""

    def read(self, log: bytes) -> None:
        """Reads the log until it brings nothing more."""
        for _ in range(2 + len(log)):
            self.ask(log, 300)
            self.answer()
            if self.splice.end.offset == len(log) and self.bytes == log:
                return


texts = st.lists(st.text(st.sampled_from("abc\n"), max_size=40), min_size=1, max_size=12)


@given(texts, texts, texts, st.data())
def test_what_is_shown_is_always_the_log(
    one: list[str], mine: list[str], theirs: list[str], data: st.DataObject
) -> None:
    """A failover may have made a second history out of the same beginning; messages of both, and of another stream
    altogether, come early, late, twice, cut, overlapping or never, while the log is being read."""
    histories = [History(one + mine), History(one + theirs), History(one + mine, "st_another")]
    log = histories[0].log
    shown = Shown()
    for _ in range(data.draw(st.integers(0, 25))):
        match data.draw(st.sampled_from(["message", "message", "message", "cut", "moved", "ask", "answer"])):
            case "ask":
                standing = data.draw(st.sampled_from(histories[0].ends)).offset
                shown.ask(log[: max(standing, shown.splice.end.offset)], data.draw(st.integers(1, 500)))
            case "answer":
                shown.answer()
            case kind:
                history = data.draw(st.sampled_from(histories))
                first = data.draw(st.integers(0, len(history.ends) - 1))
                last = data.draw(st.integers(first, len(history.ends) - 1))
                start, message = history.ends[first].offset, history.between(first, last)
                if kind == "cut":
                    message = message[: data.draw(st.integers(0, len(message)))]
                elif kind == "moved":
                    start = data.draw(st.integers(0, 2 * len(log)))
                shown.message(start, message)
        assert shown.bytes in (shown.bytes[:0], *(history.log[: len(shown.bytes)] for history in histories[:2]))
        assert shown.splice.end.offset == len(shown.bytes)
    shown.read(log)
    assert shown.bytes == log


@given(texts, st.data())
def test_messages_in_order_need_no_read(told: list[str], data: st.DataObject) -> None:
    history = History(told)
    end, at = Splice(origin(STREAM)), 0
    while at < len(told):
        to = data.draw(st.integers(at + 1, len(told)))
        again = data.draw(st.integers(0, at))
        start, new = history.ends[again].offset, history.between(at, to)
        # What comes twice, alone or together with what is new, brings only what is new, as far as is remembered.
        remembered = start >= end.end.offset - sum(map(len, end._pieces))
        assert end.offer(start, history.between(again, to)) == (new if remembered else None)
        if not remembered:
            assert end.offer(history.ends[at].offset, new) == new
        at = to
    assert end.end == history.ends[-1]


def test_what_starts_beyond_the_end_proves_nothing() -> None:
    history = History(["a", "b"])
    end = Splice(origin(STREAM))
    assert end.offer(history.ends[1].offset, history.between(1, 2)) is None
    assert end.end == origin(STREAM)


def test_what_is_known_otherwise_proves_nothing() -> None:
    history, other = History(["a", "b"]), History(["x", "b"])
    end = Splice(origin(STREAM))
    end.offer(0, history.log)
    assert end.offer(0, history.log) == b""
    assert end.offer(0, other.log) is None
    assert end.offer(0, other.between(0, 1)) is None
    assert end.end == history.ends[-1]


@given(texts, st.data())
def test_the_window_is_bounded_and_is_the_logs_end(told: list[str], data: st.DataObject) -> None:
    history = History(told)
    end, at, longest = Splice(origin(STREAM)), 0, 0
    while at < len(told):
        to = data.draw(st.integers(at + 1, len(told)))
        longest = max(longest, len(history.between(at, to)))
        end.offer(history.ends[at].offset, history.between(at, to))
        at = to
        kept = b"".join(end._pieces)
        assert min(history.ends[at].offset, WINDOW - longest) <= len(kept) <= WINDOW
        assert history.log[: history.ends[at].offset].endswith(kept)


@given(texts, st.data())
def test_only_a_proven_place_is_gone_on_from(told: list[str], data: st.DataObject) -> None:
    """Each place of the log brings what follows it as far as the window reaches; no other place brings anything."""
    history = History(told)
    begin = data.draw(st.integers(0, len(told) - 1))
    end = Splice(history.ends[begin])
    for at in range(begin, len(told)):
        assert end.offer(history.ends[at].offset, history.between(at, at + 1)) is not None
    reach = end.end.offset - sum(map(len, end._pieces))
    for place in history.ends:
        follows = history.log[place.offset :]
        if place == end.end or place.offset - PROOF_LENGTH >= reach or reach == 0:
            assert end.after(place) == follows
        else:
            assert end.after(place) is None
        assert end.since(place.offset) == (follows if place.offset >= reach else None)
        if place.offset:
            assert end.after(Position(place.offset, place.crc ^ 1)) is None
            assert end.after(Position(place.offset - 1, place.crc)) is None
    assert end.after(Position(end.end.offset + 1, end.end.crc)) is None
    assert end.since(end.end.offset + 1) is None


def test_the_start_of_a_window_in_the_middle_of_a_log_is_not_proven() -> None:
    """A tail that began there knows only that it was told so."""
    history = History(["a", "b", "c"])
    end = Splice(history.ends[1])
    end.offer(history.ends[1].offset, history.between(1, 3))
    assert end.after(history.ends[1]) is None
    assert end.after(history.ends[2]) == history.between(2, 3)
    assert end.after(origin(STREAM)) is None
    assert Splice(history.ends[1]).after(history.ends[1]) == b""
