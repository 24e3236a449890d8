"""The ledger of a stream: a line for each call of the upstream, as the meta keeps them in its field `calls`.

Pure. The law: a call is opened before it is made and closed once, by whoever has the stream then; so at most one is
open, and whoever finds it open closes it. Lines that are closed never change. There are at most `LINES_MAX` of them;
what is left out was counted all the same: sums are over all calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec
import orjson

from app.stream.accounts import NANO, Bill
from app.stream.ledger.usage import NOTHING, Brought, Cost, Counts, paid_by, parts_of, values

# The meta is written whole with each call: a stream that is refused for half an hour must not grow by each of them.
LINES_MAX = 64
# What an upstream may say of a call's use before only its counts are kept; and how deep that may be nested.
USAGE_BYTES = 2048
NESTED_MAX = 64
NAME_CHARACTERS = 200

_NULL = msgspec.Raw(b"null")

# What a use of a model cost: the model, and the use in the Messages API's shape.
Pricing = Callable[[str, Mapping[str, Any]], Cost]


class CallState(StrEnum):
    """How a call ended. `CUT`: after its message had begun, or by us; `REFUSED`: nobody worked on it."""

    COMPLETE = "complete"
    CUT = "cut"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Line:
    """A call that is over. `usage` is JSON; null where nothing was used, as far as anybody told."""

    n: int
    request_id: str | None
    model: str
    state: CallState
    usage: msgspec.Raw
    cost_usd: float | None
    estimated: bool

    @property
    def used(self) -> bool:
        return self.usage != _NULL


@dataclass(frozen=True, slots=True)
class Open:
    """A call that was about to be made, or is under way; without an id until the head of its answer is there."""

    model: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """Over all calls. `unpriced` are those that used something of which nobody knows the price."""

    nano: int = 0
    saved_nano: int = 0
    unpriced: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def plus(self, used: Counts, cost: Cost) -> Sums:
        return Sums(
            self.nano + (cost.nano or 0),
            self.saved_nano + cost.saved,
            self.unpriced + (cost.nano is None),
            self.input + used.input,
            self.output + used.output,
            self.cache_read + used.cache_read,
            self.cache_write + used.cache_write,
        )


@dataclass(frozen=True, slots=True)
class Calls:
    """`made` calls of a stream, of which one may be `open`."""

    made: int = 0
    sums: Sums = Sums()
    open: Open | None = None
    lines: tuple[Line, ...] = ()

    # --- a call's way

    def opened(self, model: str) -> Calls:
        """Another call is about to be made."""
        if self.open is not None:
            raise AssertionError("a call is open")
        return replace(self, made=self.made + 1, open=Open(_clip(model)))

    def unmade(self) -> Calls:
        """The call that was about to be made was not."""
        return self if self.open is None else replace(self, made=self.made - 1, open=None)

    def answered(self, request_id: str | None) -> Calls:
        """The upstream has named the call."""
        if self.open is None or not request_id:
            return self
        return replace(self, open=replace(self.open, request_id=_clip(request_id)))

    def closed(self, state: CallState, brought: Brought, pricing: Pricing) -> Calls:
        """The call is over. Where none is open it was closed before, and nothing is changed.

        `state` is what is known without looking at what it brought.
        """
        if self.open is None:
            return self
        model, estimated = _clip(brought.model or self.open.model), brought.estimated
        usage, cost, used = _NULL, Cost(), NOTHING
        if brought.begun:
            state = CallState.COMPLETE if brought.whole else CallState.CUT
        if brought.free:
            state, estimated = CallState.REFUSED, False
        elif brought.usage is not None:
            told = values(brought.used)
            cost = pricing(model, told)
            for part in parts_of(told):
                used += part.counts
            usage = kept(brought.used)
        usd = None if cost.nano is None else cost.nano / NANO
        line = Line(self.made, self.open.request_id, model, state, usage, usd, estimated)
        return replace(self, open=None, sums=self.sums.plus(used, cost), lines=_bounded((*self.lines, line)))

    def saving(self, nano: int) -> Calls:
        """A call was not made, which would have cost so much."""
        return replace(self, sums=replace(self.sums, saved_nano=self.sums.saved_nano + nano))

    # --- what it comes to

    @property
    def cost_usd(self) -> float | None:
        """The sum over all calls that are over; None where one that used something has no known price."""
        return None if self.sums.unpriced else self.sums.nano / NANO

    def bill(self, owner: str, model: str) -> Bill:
        """What the stream did cost, as far as the price is known; `model` is the one that was asked for."""
        sums = self.sums
        used = [line.model for line in self.lines if line.used]
        return Bill(
            nano=sums.nano,
            unpriced=sums.unpriced,
            calls=self.made,
            input_tokens=sums.input,
            output_tokens=sums.output,
            cache_read_tokens=sums.cache_read,
            cache_write_tokens=sums.cache_write,
            saved_nano=sums.saved_nano,
            model=used[-1] if used else model,
            owner=owner,
        )

    def shown(self) -> bytes:
        """The lines as JSON, as they are shown."""
        return _encoder.encode(self.lines)

    def encode(self) -> bytes:
        """The meta's field."""
        return _encoder.encode(self)


def calls_of(field: bytes | None, attempts: int, model: str) -> Calls:
    """The ledger as a holder finds it, from the meta's field. `attempts` were counted by those before it.

    The first call of a stream is counted before anybody writes its ledger: it may have been made.
    """
    try:
        found = _decoder.decode(field) if field else Calls()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        found = Calls()
    return found.opened(model) if attempts and not found.made else found


def bill_of(meta: Mapping[str, bytes | str | int]) -> Bill:
    """What a stream that has ended did cost, by the fields of its meta `calls`, `owner` and `model`."""
    field, owner, model = (_bytes(meta.get(name)) for name in ("calls", "owner", "model"))
    return calls_of(field, 0, "").bill(owner.decode("utf-8", "replace"), model.decode("utf-8", "replace"))


def _bounded(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Without the oldest of those that cost nothing, or else without the oldest."""
    if len(lines) <= LINES_MAX:
        return lines
    out = next((n for n, line in enumerate(lines) if not line.used), 0)
    return lines[:out] + lines[out + 1 :]


def kept(usage: bytes | None, most: int = USAGE_BYTES) -> msgspec.Raw:
    """The use as it was told, if everybody can read it and it has no more bytes; else its counts."""
    told, usage = values(usage), usage or b""
    if told and len(usage) <= most and usage.count(b"{") + usage.count(b"[") <= NESTED_MAX:
        return msgspec.Raw(usage)
    return msgspec.Raw(orjson.dumps(paid_by(told)))


def _clip(name: str) -> str:
    """Of a name that may be anybody's word. Halves of surrogate pairs, which nobody can write, are question marks."""
    return name[:NAME_CHARACTERS].encode(errors="replace").decode()


def _bytes(value: bytes | str | int | None) -> bytes:
    return value if isinstance(value, bytes) else str(value or "").encode()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Calls)
