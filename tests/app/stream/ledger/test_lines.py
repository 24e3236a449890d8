"""The lines of a stream's calls, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stream.accounts import Bill
from app.stream.ledger.lines import LINES_MAX, USAGE_BYTES, Calls, CallState, Open, bill_of, calls_of
from app.stream.ledger.usage import Brought, Cost

NOTHING = Brought()
CUT = Brought("claude-x", b'{"input_tokens":10,"output_tokens":1}', output_bytes=40)
WHOLE = Brought("claude-x", b'{"input_tokens":10,"output_tokens":25}', "end_turn", 90, counted=True, whole=True)


def by_token(_model: str, usage: Mapping[str, Any]) -> Cost:
    return Cost(usage["input_tokens"] + 5 * usage["output_tokens"], saved=3)


def unknown(_model: str, _usage: Mapping[str, Any]) -> Cost:
    return Cost(None)


def test_a_call_is_a_line_when_it_is_over() -> None:
    calls = Calls().opened("claude").answered("req_1")
    assert (calls.made, calls.open, calls.lines) == (1, Open("claude", "req_1"), ())
    calls = calls.closed(CallState.CUT, CUT, by_token)
    assert orjson.loads(calls.shown()) == [
        {
            "n": 1,
            "request_id": "req_1",
            "model": "claude-x",
            "state": "cut",
            "usage": {"input_tokens": 10, "output_tokens": 10},
            "cost_usd": 6e-8,
            "estimated": True,
        }
    ]
    assert calls.cost_usd == 6e-8


def test_what_it_brought_says_how_it_ended() -> None:
    """Whoever closes it may not know: a call that fails after its message had begun was cut."""

    def state(known: CallState, brought: Brought) -> str:
        return Calls().opened("m").closed(known, brought, by_token).lines[0].state

    declined = Brought("m", b'{"input_tokens":9}', "refusal", counted=True, whole=True)
    for known in CallState:
        assert state(known, CUT) == "cut"
        assert state(known, WHOLE) == "complete"
        assert state(known, declined) == "refused"
        assert state(known, NOTHING) == known


def test_what_used_nothing_costs_nothing_whatever_its_model() -> None:
    declined = Brought("m", b'{"input_tokens":9}', "refusal", counted=True, whole=True)
    for brought in (NOTHING, declined):
        calls = Calls().opened("m").closed(CallState.FAILED, brought, unknown)
        assert calls.cost_usd == 0
        assert orjson.loads(calls.shown())[0]["usage"] is None
        assert not calls.lines[0].estimated


def test_a_use_without_a_price_makes_the_sum_unknown() -> None:
    calls = Calls().opened("m").closed(CallState.CUT, CUT, by_token).opened("m").closed(CallState.CUT, CUT, unknown)
    assert calls.cost_usd is None
    assert [line.cost_usd for line in calls.lines] == [6e-8, None]
    bill = calls.bill("alice", "m")
    assert (bill.nano, bill.calls, bill.input_tokens) == (60, 2, 20)  # what is known was spent all the same


def test_a_call_is_closed_once() -> None:
    calls = Calls().opened("m").closed(CallState.CUT, CUT, by_token)
    assert calls.closed(CallState.FAILED, WHOLE, by_token) == calls
    assert calls.answered("late") == calls
    with pytest.raises(AssertionError):
        calls.opened("m").opened("m")


def test_a_call_that_was_not_made_is_none() -> None:
    calls = Calls().opened("m").closed(CallState.CUT, CUT, by_token)
    assert calls.opened("m").unmade() == calls.unmade() == calls


def test_who_finds_an_attempt_without_a_ledger_finds_an_open_call() -> None:
    """The first one is counted before anybody writes: its worker may have died in it."""
    assert calls_of(None, 0, "m") == Calls()
    assert calls_of(None, 1, "m") == Calls().opened("m")
    refused = Calls().opened("m").closed(CallState.REFUSED, NOTHING, by_token)
    assert calls_of(refused.encode(), 1, "m") == refused


def test_the_field_is_read_as_it_was_written() -> None:
    calls = Calls().opened("m").answered("r").closed(CallState.CUT, CUT, by_token).opened("n").answered("s")
    assert calls_of(calls.encode(), 2, "") == calls


@pytest.mark.parametrize("field", [b"", b"{", b"[]", b"null", b'{"lines":3}', b"\xff", b'{"made":"many"}'])
def test_a_field_that_cannot_be_read_is_none(field: bytes) -> None:
    assert calls_of(field, 0, "m") == Calls()


def test_the_lines_are_bounded_and_the_sums_are_not() -> None:
    """Of a stream that was refused for long, those go first that cost nothing."""
    calls = Calls().opened("m").closed(CallState.CUT, CUT, by_token)
    for _ in range(3 * LINES_MAX):
        calls = calls.opened("m").closed(CallState.REFUSED, NOTHING, by_token)
    assert (calls.made, len(calls.lines), calls.lines[0].n) == (1 + 3 * LINES_MAX, LINES_MAX, 1)
    for _ in range(2 * LINES_MAX):
        calls = calls.opened("m").closed(CallState.CUT, CUT, by_token)
    assert len(calls.lines) == LINES_MAX
    assert calls.lines[-1].n == calls.made
    assert calls.sums.nano == (1 + 2 * LINES_MAX) * 60
    assert calls.bill("a", "m").calls == calls.made


@pytest.mark.parametrize(
    "usage",
    [
        b'{"input_tokens":3,"output_tokens":4,"more":"%b"}' % (b"x" * USAGE_BYTES),
        b'{"input_tokens":3,"output_tokens":4,"more":%b}' % (b"[" * 500 + b"]" * 500),
    ],
)
def test_of_a_use_that_is_too_much_only_the_counts_are_kept(usage: bytes) -> None:
    brought = Brought("m" * 5000, usage, "end_turn", 9, counted=True, whole=True)
    calls = Calls().opened("m").closed(CallState.COMPLETE, brought, by_token)
    assert orjson.loads(bytes(calls.lines[0].usage)) == {"input_tokens": 3, "output_tokens": 4}
    assert calls.sums.nano == 23
    assert len(calls.encode()) < 1000


@given(st.text(st.characters(), max_size=20), st.text(st.characters(), max_size=20))
def test_names_may_be_anything(model: str, request_id: str) -> None:
    brought = Brought(model, b'{"input_tokens":1,"output_tokens":1}', counted=True, whole=True)
    calls = Calls().opened(model + "\ud800").answered(request_id).closed(CallState.CUT, brought, by_token)
    assert calls_of(calls.encode(), 1, "") == calls


def test_the_bill_is_what_all_calls_used() -> None:
    calls = Calls().opened("asked").closed(CallState.CUT, CUT, by_token)
    calls = calls.opened("asked").closed(CallState.FAILED, NOTHING, by_token)
    meta = {"calls": calls.encode(), "owner": b"alice", "model": b"asked"}
    assert bill_of(meta) == Bill(
        nano=60, calls=2, input_tokens=10, output_tokens=10, saved_nano=3, model="claude-x", owner="alice"
    )
    assert bill_of({"owner": "alice", "model": "asked"}) == Bill(model="asked", owner="alice")
