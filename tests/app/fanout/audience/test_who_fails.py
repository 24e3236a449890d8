"""Whatever one reader does when it is called, the others get what is theirs; who fails is sent away."""

from __future__ import annotations

from app.fanout.audience import COME_BACK_MS, PIECE_BYTES, PING, Audience, Piece, Ping
from app.stream.asides import Said
from app.stream.frames import Position, origin

START = origin("st_1")


class Heard:
    """A reader that notes what it is told, and fails where it is to."""

    face, resumed, position = "test", False, START

    def __init__(self, *fails: str) -> None:
        self._fails = fails
        self.heard: list[str] = []
        self.retry_ms = 0

    def _hears(self, what: str, told: str) -> None:
        if what in self._fails:
            raise RuntimeError(what)
        self.heard.append(told)

    def feed(self, piece: Piece) -> None:
        self._hears("feed", piece.data.decode())

    def reset(self, reason: str, attempt: int, position: Position) -> None:  # noqa: ARG002
        self._hears("reset", reason)

    def aside(self, said: Said | Ping) -> None:
        self._hears("aside", "ping" if said is PING else "said")

    def lost(self) -> None:
        self._hears("lost", "lost")

    def leave(self, retry_ms: int) -> None:
        self.retry_ms = retry_ms
        self._hears("leave", "leave")

    def finish(self) -> None:
        self._hears("finish", "finish")


async def audience(*readers: Heard) -> Audience:
    made = Audience("st_1")
    for reader in readers:
        made.add(reader)
        made.live[reader] = None
    return made


async def test_who_fails_is_sent_away_and_the_others_notice_nothing() -> None:
    before, fails, after = Heard(), Heard("feed"), Heard()
    made = await audience(before, fails, after)
    made.feed(b"a")
    made.feed(b"b")
    assert before.heard == after.heard == ["a", "b"]
    assert fails.heard == ["leave"]
    assert COME_BACK_MS[0] <= fails.retry_ms < COME_BACK_MS[1]
    assert fails not in made.live
    assert fails in made.readers  # until it has left


async def test_who_cannot_even_be_sent_away_is_forgotten() -> None:
    fails, other = Heard("aside", "leave"), Heard()
    made = await audience(fails, other)
    made.aside(PING)
    assert other.heard == ["ping"]
    assert list(made.readers) == [other]


async def test_who_leaves_while_it_is_called_takes_nobody_s_turn() -> None:
    first, second, third = (Heard() for _ in range(3))
    made = await audience(first, second, third)
    made.each(made.readers, lambda reader: made.remove(reader) if reader is first else reader.finish())
    assert (first.heard, second.heard, third.heard) == ([], ["finish"], ["finish"])


async def test_only_who_is_live_is_fed() -> None:
    live, behind = Heard(), Heard()
    made = await audience(live, behind)
    del made.live[behind]
    made.feed(b"a")
    made.aside(PING)
    assert (live.heard, behind.heard) == (["a", "ping"], ["ping"])


def test_a_piece_is_framed_once_unless_it_is_taken_in_parts() -> None:
    assert Piece(b"a" * 17).chunk == b"11\r\n" + b"a" * 17 + b"\r\n"
    large = Piece(b"a" * (PIECE_BYTES + 1), START)
    assert (large.large, large.chunk) == (True, b"")
    assert not Piece(b"a" * PIECE_BYTES, START).large
    assert not Piece(b"a" * (PIECE_BYTES + 1)).large  # from no place known, it cannot be taken from there
