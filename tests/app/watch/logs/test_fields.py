from __future__ import annotations

import pytest

from app.stream.observing import Event, RedisRefused
from app.stream.redis.refusals import Kind
from app.watch.events import of_processes, of_streams
from app.watch.events.subjects import Subject
from app.watch.logs.fields import LETTERS, fields_of
from tests.app.watch.vocabulary import example, kinds

WHO = {"stream_id": "st_1", "owner": "me", "request_id": "req_1", "client_request_id": "theirs"}


@pytest.mark.parametrize("kind", kinds())
def test_a_field_is_a_word_or_a_number(kind: type[Event]) -> None:
    assert {type(value) for value in fields_of(example(kind)).values()} <= {str, int, float, bool}


def test_of_whom_it_is_comes_first_and_what_is_not_known_is_left_out() -> None:
    event = of_streams.Held(Subject("st_1", "me", "req_1", "theirs"), 2, "", 0.5, parked=False)
    assert list(fields_of(event).items()) == [*WHO.items(), ("attempt", 2), ("seconds", 0.5), ("parked", False)]
    fault = of_processes.Fault("sweep", "KeyError", "f (a.py:1)", Subject("st_1"))
    assert next(iter(fields_of(fault))) == "stream_id"


def test_a_stream_s_end_tells_its_whole_story() -> None:
    ended = of_streams.Ended(
        *(Subject("st_1"), "claude", "completed", "", "", "end_turn", 2, 10, 30, 4, 0, 0.0000000017),
        *(3.00000049, 0.25, 1.0, 2.0, 90),
    )
    assert fields_of(ended) == {
        "stream_id": "st_1",
        "model": "claude",
        "outcome": "completed",
        "stop_reason": "end_turn",
        "attempts": 2,
        "input_tokens": 10,
        "output_tokens": 30,
        "cache_read_tokens": 4,
        "cache_write_tokens": 0,
        "cost_usd": 0.000000002,
        "seconds": 3.0,
        "waited_seconds": 0.25,
        "first_content_seconds": 1.0,
        "writing_seconds": 2.0,
        "output_bytes": 90,
        "tokens_per_second": 15.0,
    }


def test_a_text_is_no_longer_than_it_can_be_read_and_an_enumeration_is_its_word() -> None:
    fields = fields_of(RedisRefused("claims", Kind.AWAY, "E", "x" * 1000, "E"))
    assert fields["words"] == "x" * LETTERS + "…"
    assert (fields["kind"], type(fields["kind"])) == ("away", str)
