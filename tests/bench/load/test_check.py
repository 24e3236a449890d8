from __future__ import annotations

import pytest

from app.stream.endings import Outcome, end_data
from app.stream.frames import Position, encode, encode_json, origin, unlogged
from tests.bench.load.check import body, broken_log, received, wrong_order
from tests.bench.load.live import quantiles

STREAM = "st_bench"
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
OPENING = b"retry: 1000\n: stream st_bench\n\n"
SENT = 1_700_000_000_000_000_000


def a_log(tokens: int) -> list[bytes]:
    frames, position = [], origin(STREAM)
    for n in range(tokens):
        data = b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"%d; %d"}}' % (SENT + n, n)
        frame, *after = encode(b"content_block_delta", data, *position)
        frames.append(frame)
        position = Position(*after)
    ending, _ = encode_json("relay.end", end_data(Outcome.COMPLETED, attempts=1), position)
    return [*frames, ending]


def answer(pieces: list[bytes]) -> bytes:
    return HEAD + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [OPENING, *pieces])


def numbers_in(pieces: list[bytes]) -> list[int]:
    raw = answer(pieces)
    return received([raw], [0]).numbers


def test_a_whole_stream_is_as_it_should_be() -> None:
    log = a_log(20)
    assert wrong_order(numbers_in(log), 20) is None
    assert broken_log(answer(log), STREAM, whole=True) is None


def test_what_a_front_says_beside_the_log_is_left_out() -> None:
    log = a_log(5)
    aside = [unlogged("relay.status", {"state": "queued", "position": 1}), b": ping\n\n"]
    assert broken_log(answer([aside[0], *log[:2], aside[1], *log[2:]]), STREAM, whole=True) is None


def test_a_gap_is_noticed() -> None:
    log = a_log(20)
    del log[7]
    assert wrong_order(numbers_in(log), None) == "a token is missing"
    assert broken_log(answer(log), STREAM, whole=False) == "the ids do not follow"


def test_a_double_is_noticed() -> None:
    log = a_log(20)
    log.insert(8, log[7])
    assert wrong_order(numbers_in(log), None) == "a token came twice"
    assert broken_log(answer(log), STREAM, whole=False) == "the ids do not follow"


def test_a_reorder_is_noticed() -> None:
    log = a_log(20)
    log[7], log[8] = log[8], log[7]
    assert wrong_order(numbers_in(log), None) == "tokens came out of order"
    assert broken_log(answer(log), STREAM, whole=False) == "the ids do not follow"


def test_another_streams_log_is_noticed() -> None:
    assert broken_log(answer(a_log(3)), "st_other", whole=False) == "the ids do not follow"


def test_a_byte_that_changed_is_noticed() -> None:
    log = a_log(20)
    log[7] = log[7].replace(b"content_block", b"content_black", 1)
    assert broken_log(answer(log), STREAM, whole=False) == "the ids do not follow"


def test_an_early_end_is_noticed_where_the_whole_is_wanted() -> None:
    log = a_log(20)[:-1]
    assert broken_log(answer(log), STREAM, whole=True) == "the stream did not complete"
    assert broken_log(answer(log), STREAM, whole=False) is None
    assert wrong_order(numbers_in(log[:12]), 20) == "12 of 20 tokens came"
    assert wrong_order(numbers_in(log[:12]), None) is None


@pytest.mark.parametrize("cut", [1, 40, 60, 200, 333])
def test_an_answer_cut_anywhere_is_read_as_far_as_whole_frames_go(cut: int) -> None:
    raw = answer(a_log(20))[:-cut]
    assert broken_log(raw, STREAM, whole=False) is None
    assert answer(a_log(20)).startswith(raw)


def test_a_body_without_chunks_is_taken_as_it_is() -> None:
    assert body(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello") == b"hello"


def test_each_token_is_seen_when_the_read_that_ended_it_came() -> None:
    raw = answer(a_log(3))
    third = raw.index(b'; 2"') + 2
    got = received([raw[:third], raw[third:]], [SENT + 10, SENT + 20])
    assert got.sent == [SENT, SENT + 1, SENT + 2]
    assert got.seen == [SENT + 10, SENT + 10, SENT + 20]


def test_what_never_came_is_later_than_all_that_came() -> None:
    late = [1_000_000] * 90
    assert quantiles(late, 90)["99"] == 1.0
    assert quantiles(late, 100)["50"] == 1.0
    assert quantiles(late, 100)["95"] is None
