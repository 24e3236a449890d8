from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stream import frames
from app.stream.endings import Outcome
from app.stream.ledger.lines import Calls, Sums
from app.stream.ledger.usage import Brought
from tests.worker.rawjson.test_json_text import documents, exactly
from worker.life.ending.relay_end import fields, frame_data
from worker.life.steps import End, Error
from worker.log.writer import END_BYTES
from worker.rawjson.codec import dumps, loads
from worker.upstream.failure import Failure
from worker.upstream.message import GatheredMessage

CALLS = Calls(made=1, sums=Sums(nano=500_000_000))


def add(gathered: GatheredMessage, event: dict[str, object]) -> None:
    gathered.add(event, dumps(event))


def message(usage: dict[str, object] | None = None) -> GatheredMessage:
    gathered = GatheredMessage()
    add(gathered, {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3, **(usage or {})}}})
    add(gathered, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}})
    return gathered


def brought(*, whole: bool = True) -> Brought:
    return message().brought(whole=whole)


def bytes_of(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def test_a_completed_stream_has_its_message() -> None:
    end = End(Outcome.COMPLETED)
    assert loads(frame_data(end, 2, brought(), 0.5)) == {
        "outcome": "completed",
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 7},
        "cost_usd": 0.5,
        "attempts": 2,
    }
    stored = fields(end, 2, message(), brought(), CALLS)
    assert loads(bytes_of(stored.pop("message")))["usage"] == {"input_tokens": 3, "output_tokens": 7}
    assert stored == {
        "outcome": "completed",
        "attempts": 2,
        "stop_reason": "end_turn",
        "usage": b'{"input_tokens":3,"output_tokens":7}',
        "calls": CALLS.encode(),
        "cost_usd": b"0.5",
    }


def test_a_cut_answer_has_its_output_estimated_and_says_so() -> None:
    end, gathered = End(Outcome.CANCELLED), GatheredMessage()
    add(gathered, {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}})
    add(gathered, {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    add(gathered, {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "nine more"}})
    cut = gathered.brought(whole=False)
    said = loads(frame_data(end, 1, cut, 0.5))
    assert (said["usage"], said["estimated"]) == ({"input_tokens": 3, "output_tokens": 3}, True)
    stored = fields(end, 1, gathered, cut, CALLS, content=True)
    assert (stored["usage"], stored["estimated"]) == (b'{"input_tokens":3,"output_tokens":3}', "1")


def test_a_cost_that_nobody_knows_is_null() -> None:
    unpriced = Calls(sums=Sums(unpriced=1))
    assert loads(frame_data(End(Outcome.COMPLETED), 1, brought(), unpriced.cost_usd))["cost_usd"] is None
    assert fields(End(Outcome.COMPLETED), 1, None, Brought(), unpriced)["cost_usd"] == b"null"


def test_the_time_of_the_first_content_stands_where_there_was_any() -> None:
    assert fields(End(Outcome.COMPLETED), 1, message(), brought(), CALLS, first_at=1_700)["first_at"] == 1_700
    assert "first_at" not in fields(End(Outcome.COMPLETED), 1, message(), brought(), CALLS)


def test_an_incomplete_stream_has_none() -> None:
    assert "message" not in fields(End(Outcome.CANCELLED), 1, message(), brought(whole=False), CALLS)
    assert fields(End(Outcome.CANCELLED), 0, None, Brought(), Calls()) == {
        "outcome": "cancelled",
        "attempts": 0,
        "calls": Calls().encode(),
        "cost_usd": b"0.0",
    }


def test_the_upstream_s_failure_is_stored_as_it_was_told() -> None:
    told = Failure("overloaded_error", "overloaded_error", "Overloaded", 529, 3.0, None, "req_1")
    end = End(Outcome.FAILED, Error("overloaded_error", "Overloaded"), told, exhausted=True)
    stored = fields(end, 3, None, Brought(), CALLS)
    assert loads(bytes_of(stored["error"])) == {"type": "overloaded_error", "message": "Overloaded"}
    assert loads(bytes_of(stored["failure"])) == {
        "status": 529,
        "type": "overloaded_error",
        "message": "Overloaded",
        "retry_after": 3.0,
        "request_id": "req_1",
        "should_retry": None,
        "exhausted": True,
    }
    assert loads(frame_data(end, 3, Brought(), None))["error"] == {"type": "overloaded_error", "message": "Overloaded"}


@pytest.mark.parametrize("character", ["x", "ż", "🐢", "\0", "\ud800"])
def test_the_frame_fits_into_the_room_that_is_kept_for_it_whatever_the_upstream_said(character: str) -> None:
    long = character * 5000
    gathered = message({f"unknown_{n}": n for n in range(500)})
    add(gathered, {"type": "message_delta", "delta": {"stop_reason": long}})
    end = End(Outcome.FAILED, Error(long, long))
    data = frame_data(end, 99, gathered.brought(whole=True), 1e-9)
    frame, _, _ = frames.encode(b"relay.end", data, *frames.origin("st_1"))
    assert len(frame) <= END_BYTES
    assert len(loads(data)["error"]["message"]) > 100
    told = loads(bytes_of(fields(end, 99, gathered, Brought(), CALLS)["error"]))["message"]
    assert told == long.replace("\ud800", "\ufffd")


def test_of_a_use_that_is_too_long_for_the_frame_its_counts_are_told() -> None:
    gathered = message({f"unknown_{n}": n for n in range(500)} | {"cache_read_input_tokens": 5, "odd": ["x" * 2000]})
    usage = orjson.loads(frame_data(End(Outcome.COMPLETED), 1, gathered.brought(whole=True), 0.5))["usage"]
    assert {
        "input_tokens": 3,
        "output_tokens": 7,
        "cache_read_input_tokens": 5,
        "unknown_0": 0,
    }.items() <= usage.items()
    assert "odd" not in usage
    assert next(iter(usage)) == "input_tokens"


def without_infinity(value: Any) -> Any:
    """What a parser says that takes no number beyond a double."""
    return json.loads(json.dumps(value).replace("Infinity", "0"), parse_int=str)


usages = st.dictionaries(st.text(st.characters(), max_size=5), documents, max_size=6)


@given(usages, st.text(st.characters(), max_size=9))
def test_every_parser_reads_the_frame_and_the_fields_that_are_ours(usage: dict[str, str], text: str) -> None:
    told = "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in usage.items()) + "}"
    gathered = GatheredMessage()
    for data in (f'{{"type":"message_start","message":{{"usage":{told}}}}}', '{"type":"message_delta","delta":{}}'):
        gathered.add(loads(data.encode()), data.encode())
    end = End(Outcome.FAILED, Error(text, text), Failure(text, text, text, 500))
    cut = gathered.brought(whole=False)
    stored = fields(end, 1, gathered, cut, CALLS, content=True)
    for made in (frame_data(end, 1, cut, None), stored["error"], stored["failure"]):
        orjson.dumps(without_infinity(json.loads(bytes_of(made))))  # raises for half of a pair
    assert exactly(bytes_of(stored["message"]))["usage"] == exactly(told)
