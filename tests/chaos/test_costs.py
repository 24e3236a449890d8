"""The checker of the ledgers sees what it is there for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from app.stream import frames
from app.stream.endings import Outcome, end_data
from app.stream.ledger.lines import Calls, CallState
from app.stream.ledger.usage import Brought, Cost
from tests.chaos.costs import Costs, Meter, Sums

STREAM = "st_" + 32 * "0"
SAID = "forty letters, and not a single one more"
CUT = Brought("m", b'{"input_tokens":9,"output_tokens":1}', output_bytes=len(SAID))
WHOLE = Brought("m", b'{"input_tokens":9,"output_tokens":30}', counted=True, whole=True)
METER: dict[str, Any] = {
    "req_1": {"tag": "t", "input_tokens": 9, "output_tokens": 13},
    "req_2": {"tag": "t", "input_tokens": 9, "output_tokens": 30},
    "req_9": {"tag": "another's", "input_tokens": 9, "output_tokens": 30},
}


def price(_model: str, usage: Mapping[str, Any]) -> Cost:
    return Cost(usage["input_tokens"] + usage["output_tokens"])


def ledger(cut: Brought = CUT, whole: Brought = WHOLE, name: str | None = "req_1") -> Calls:
    calls = Calls().opened("m").answered(name).closed(CallState.CUT, cut, price)
    return calls.opened("m").answered("req_2").closed(CallState.COMPLETE, whole, price)


def costs(calls: Calls, told: float | None = None) -> Costs:
    delta = b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"%b"}}' % SAID.encode()
    position, log = frames.origin(STREAM), b""
    for event, data in ((b"content_block_delta", delta), (b"relay.reset", b"{}")):
        frame, *where = frames.encode(event, data, *position)
        position, log = frames.Position(*where), log + frame
    usd = calls.cost_usd if told is None else told
    frame, _ = frames.encode_json("relay.end", end_data(Outcome.COMPLETED, attempts=2, cost_usd=usd), position)
    return Costs.of(calls, log + frame)


def test_what_the_upstream_would_bill_passes() -> None:
    found = costs(ledger())
    assert found.judge(METER, "t", 0) == []
    assert Sums.of([found], METER) == Sums(told=(9, 30), estimated=(9, 10), metered=(27, 73))


@pytest.mark.parametrize(
    ("calls", "told", "meter", "what"),
    [
        (replace(ledger(), made=3), None, METER, "3 calls"),
        (ledger().opened("m"), None, METER, "open"),
        (ledger(), 1.0, METER, "told 1.0"),
        (ledger(whole=replace(WHOLE, usage=b'{"input_tokens":9,"output_tokens":29}')), None, METER, "line 2: "),
        (ledger(cut=replace(CUT, usage=b'{"input_tokens":8,"output_tokens":1}')), None, METER, "8 tokens read"),
        (ledger(cut=replace(CUT, output_bytes=100)), None, METER, "25 tokens said"),
        (ledger(cut=Brought()), None, METER, "line 1: "),
        (ledger(name=None), None, METER, "no name"),
        (ledger(name="req_0"), None, METER, "nobody made"),
        (ledger(), None, METER | {"req_3": METER["req_1"]}, "on no ledger"),
    ],
)
def test_what_differs_is_seen(calls: Calls, told: float | None, meter: Meter, what: str) -> None:
    assert any(what in sentence for sentence in costs(calls, told).judge(meter, "t", 0))


def test_a_worker_that_died_before_it_could_write_explains_one_call_that_nobody_knows() -> None:
    calls = ledger(cut=Brought(), name=None)
    assert costs(calls).judge(METER, "t", 1) == []
    meter = METER | {"req_3": METER["req_1"], "req_4": METER["req_1"]}
    assert any("on no ledger" in sentence for sentence in costs(calls).judge(meter, "t", 1))
