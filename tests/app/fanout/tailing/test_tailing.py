"""What a tail knows besides the bytes of its log; pure. How it uses that is in test_tail.py and its like."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fanout.tailing.last_said import LastSaid
from app.fanout.tailing.regrowth import Regrowth
from app.fanout.tailing.seal import Seal
from app.fanout.tailing.stash import STASH_LIMIT, Stash
from app.stream.asides import Held, Queued, Running, Thinking
from app.stream.frames import Position, encode, encode_json, origin
from app.stream.ledger.usage import BYTES_PER_TOKEN
from app.stream.log import Sealed

NOW = 1000.0
WORD = "12345678"
WORDS = 100
BEGINNING = origin("st_sealed")
UNHEARD = Sealed(0, 0, 0)


def message(words: int, at: Position = BEGINNING) -> tuple[bytes, Position]:
    """A message's start, and so many words of a text, an event each."""
    data, where = encode_json("message_start", {"type": "message_start", "message": {"model": "m" * 500}}, at)
    for _ in range(words):
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": WORD}}
        raw, *after = encode(b"content_block_delta", orjson.dumps(delta), *where)
        data, where = data + raw, Position(*after)
    return data, where


def running(*, known: Sealed = UNHEARD) -> Seal:
    seal = Seal()
    seal.stands(known, 1, NOW)
    return seal


def said(seal: Seal, now: float = NOW) -> Running:
    told = seal.says(now)
    assert told is not None
    return told


def test_who_waits_is_told_for_how_long_and_about_how_much() -> None:
    seal = running(known=Sealed(0, 0, 2_000))
    assert seal.says(NOW) == Running(2_000, 0)
    data, _ = message(WORDS)
    assert not seal.hear(0, data)
    assert seal.says(NOW + 1.5) == Running(3_500, WORDS * len(WORD) // BYTES_PER_TOKEN)


@given(st.lists(st.integers(1, 50), max_size=10))
def test_however_it_comes_it_is_as_much(cuts: list[int]) -> None:
    frames = message(WORDS)[0].split(b"\n\n")[:-1]
    seal, at = running(), 0
    for cut in [*cuts, len(frames)]:
        piece = b"".join(frame + b"\n\n" for frame in frames[:cut])
        frames = frames[cut:]
        if piece:
            seal.hear(at, piece)
            at += len(piece)
    assert said(seal).output_tokens == WORDS * len(WORD) // BYTES_PER_TOKEN


def test_what_was_not_heard_is_taken_to_be_as_the_rest() -> None:
    first, at = message(WORDS)
    second = message(WORDS, at)[0][len(message(0)[0]) :]
    seal = running(known=Sealed(len(first), 0, 0))
    assert said(seal).output_tokens > 0
    seal.hear(len(first), second)
    assert said(seal).output_tokens == pytest.approx(2 * WORDS * len(WORD) / BYTES_PER_TOKEN, rel=0.25)


def test_of_one_attempt_there_is_never_less_than_before_and_another_begins_with_nothing() -> None:
    data, _ = message(WORDS)
    seal = running(known=Sealed(10 * len(data), 0, 0))
    much = said(seal).output_tokens
    seal.stands(Sealed(len(data), 0, 0), 1, NOW)
    assert said(seal).output_tokens == much
    seal.stands(Sealed(len(data), len(data), 0), 2, NOW)
    assert said(seal).output_tokens == 0


def test_the_log_is_asked_where_more_than_text_came() -> None:
    text, after = encode_json("content_block_delta", {"text": "\nevent: relay.end\nevent: relay.reset"}, BEGINNING)
    assert not running().hear(0, text)
    for name in ("relay.end", "relay.reset", "relay.approval"):
        assert running().hear(0, encode_json(name, {}, BEGINNING)[0])
        assert running().hear(0, text + encode_json(name, {}, after)[0])


def test_what_does_not_run_says_nothing_and_is_asked_for_once_it_does() -> None:
    seal = Seal()
    assert seal.says(NOW) is None
    seal.stands(Sealed(0, 0, -1), 0, NOW)
    assert seal.says(NOW) is None
    assert seal.hear(0, message(1)[0])


def test_it_is_known_whether_all_was_heard() -> None:
    data, after = message(1)
    assert not Seal().heard_all(b"")
    seal = running()
    assert seal.heard_all(b"")
    assert not seal.heard_all(after.proof)
    seal.hear(0, data)
    assert seal.heard_all(after.proof)
    assert not seal.heard_all(b"")
    seal.stands(Sealed(0, 0, 0), 1, NOW)
    assert seal.heard_all(b"")


def test_what_was_said_holds_until_something_follows_or_it_is_old() -> None:
    last = LastSaid()
    assert last.said(NOW, queued=False) is None
    last.hear(Thinking(5_000), NOW)
    assert last.said(NOW + 1, queued=False) == Thinking(6_000)
    assert last.said(NOW + 60, queued=False) is None
    assert not last.is_held(NOW)
    last.hear(Held(7_000), NOW)
    assert last.is_held(NOW + 6)
    assert not last.is_held(NOW + 8)
    last.forget()
    assert not last.is_held(NOW)


def test_a_place_in_the_line_is_said_where_it_is_another() -> None:
    last = LastSaid()
    assert last.moves_to(3) == Queued(3)
    assert last.moves_to(3) is None
    assert last.moves_to(2) == Queued(2)
    assert last.said(NOW, queued=True) == Queued(2)
    assert last.said(NOW, queued=False) is None


def test_few_messages_are_kept_and_that_there_were_any_is_known() -> None:
    stash = Stash()
    assert (stash.waits, stash.take()) == (False, [])
    for n in range(STASH_LIMIT + 1):
        stash.put(n, b"x")
    assert stash.waits
    assert stash.take() == [(n, b"x") for n in range(STASH_LIMIT)]
    assert stash.take() == []


def test_a_log_has_its_time_to_grow_again_once_for_each_loss() -> None:
    regrowth = Regrowth()
    assert not regrowth.over()
    assert regrowth.left(NOW, 5.0) == 5.0
    assert regrowth.left(NOW + 3, 5.0) == 2.0
    assert regrowth.under_way
    assert regrowth.over()
    assert regrowth.left(NOW + 4, 5.0) == 5.0
