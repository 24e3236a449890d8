"""Whether a stream's ledger is what the upstream would bill: to the token where it told, by the estimate elsewhere.

Pure. A call whose worker died before its first append has a line without a name, and may be metered without anybody
knowing; any other call of the meter is on a ledger, and on one only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.stream import frames
from app.stream.ledger.lines import Calls, CallState, Line
from app.stream.ledger.usage import BYTES_PER_TOKEN, counts_of, values

# By request id: what a call would be billed, `{"tag", "input_tokens", "output_tokens"}`.
Meter = Mapping[str, Mapping[str, Any]]

LEAST_USD = 1e-9
_SAID = ("text", "thinking", "partial_json")


@dataclass(frozen=True)
class Costs:
    """What a stream says of its calls: its ledger, the cost in `relay.end`, and how many bytes each attempt said."""

    calls: Calls
    told_usd: float | None
    said_bytes: tuple[int, ...]

    @classmethod
    def of(cls, calls: Calls, log: bytes) -> Costs:
        said, told = [0], None
        for frame in frames.split(log):
            if frame.name == "relay.reset" or (frame.name == "message_start" and said[-1]):
                said.append(0)
            elif frame.name == "relay.end":
                told = json.loads(frame.data)["cost_usd"]
            elif frame.name == "content_block_delta":
                delta = json.loads(frame.data).get("delta", {})
                texts = (delta[name] for name in _SAID if isinstance(delta.get(name), str))
                said[-1] += sum(len(text.encode(errors="surrogatepass")) for text in texts)
        return cls(calls, told, tuple(said))

    def judge(self, meter: Meter, tag: str, disturbances: int) -> list[str]:
        """Sentences of what is wrong."""
        calls, lines = self.calls, self.calls.lines
        wrong = []
        if calls.open is not None:
            wrong.append("a call is open after the ending")
        if [line.n for line in lines] != list(range(1, calls.made + 1)):
            wrong.append(f"{calls.made} calls, but lines {[line.n for line in lines]}")
        if (
            calls.cost_usd != self.told_usd
            or abs(sum(line.cost_usd or 0 for line in lines) - (self.told_usd or 0)) > 1e-9
        ):
            wrong.append(f"told {self.told_usd}, sum {calls.cost_usd}, lines {[line.cost_usd for line in lines]}")
        for line in lines:
            wrong += self._judge_line(line, meter, disturbances)
        named = {line.request_id for line in lines}
        unknown = [request_id for request_id, one in meter.items() if one["tag"] == tag and request_id not in named]
        nameless = sum(line.request_id is None for line in lines)
        if len(unknown) > nameless + disturbances:
            wrong.append(f"paid {len(unknown)} calls that are on no ledger, {nameless} lines without a name")
        return wrong

    def _judge_line(self, line: Line, meter: Meter, disturbances: int) -> list[str]:
        if line.request_id is None:
            return [] if disturbances or line.state is CallState.FAILED else [f"line {line.n} has no name: {line}"]
        if line.request_id not in meter:
            return [f"line {line.n} is of a call that nobody made: {line}"]
        ours, theirs = counts_of(values(bytes(line.usage))), meter[line.request_id]
        billed = theirs["input_tokens"], theirs["output_tokens"]
        if line.state is CallState.COMPLETE or not line.estimated:
            # What was cut before its first event told us nothing, whatever was on its way.
            lost = line.state in (CallState.CUT, CallState.FAILED) and not line.used and disturbances
            return [] if lost or (ours.input, ours.output) == billed else [f"line {line.n}: {line}, metered {billed}"]
        if ours.input != billed[0]:
            return [f"line {line.n} of {ours.input} tokens read, metered {billed[0]}"]
        estimates = {1, *(-(-said // BYTES_PER_TOKEN) for said in self.said_bytes)}
        if not disturbances and ours.output not in estimates:
            return [f"line {line.n} of {ours.output} tokens said, not one of {sorted(estimates)}"]
        return []


@dataclass
class Sums:
    """Over all streams: tokens read and said, as the ledgers and as the meter have them."""

    told: tuple[int, int] = (0, 0)
    estimated: tuple[int, int] = (0, 0)
    metered: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, all_costs: Iterable[Costs], meter: Meter) -> Sums:
        sums = cls()
        for costs in all_costs:
            for line in costs.calls.lines:
                counts = counts_of(values(bytes(line.usage)))
                used = counts.input, counts.output
                if line.estimated:
                    sums.estimated = _plus(sums.estimated, used)
                else:
                    sums.told = _plus(sums.told, used)
        for one in meter.values():
            sums.metered = _plus(sums.metered, (one["input_tokens"], one["output_tokens"]))
        return sums

    def text(self) -> str:
        told, estimated, metered = (f"{read} + {said}" for read, said in (self.told, self.estimated, self.metered))
        return f"tokens read + said: {told} told, {estimated} estimated, the upstream's meter has {metered}"


def _plus(one: tuple[int, int], two: tuple[int, int]) -> tuple[int, int]:
    return one[0] + two[0], one[1] + two[1]
