"""A stream as its new holder finds it: the meta's fields as values.

Pure. The rule: what other processes wrote is read here and nowhere else in the worker; a field that cannot be read is
missing, and a stream without its request can only end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from app.stream.approvals.approvals import ANSWERED
from app.stream.log import Begun
from app.stream.saved.saved_calls import CACHED_FROM, UNRESERVED, Wanted, wanted_of
from app.stream.stages import Stage
from app.watch.events.subjects import NO_TRACE, Trace
from app.watch.traces.carried import trace_of
from worker.life.asking.asked import Asked, asked_of
from worker.life.asking.repair import Repair, repair_of
from worker.life.decide import OnInterrupt, Progress, Reason
from worker.life.tooling.turns import Turns, turns_of
from worker.upstream.request import Request, is_object


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Times are seconds; `elapsed` is counted by Redis' clock since the stream was made.

    `request` is None where it cannot be read. `handed_over`: its last worker gave it back; `held`: it waited in the
    gate's line, and for `held_seconds`. `wait` is what is left of the time that it had to wait before the next call.
    `progress` is without an attempt that was counted beforehand and is yet to be made. `wanted`: its answer may be one
    that another stream was given; so many of its attempts were `borrowed`, the newest of `cached_from`, and for
    `unreserved` nano-dollars nothing is promised. `turns`: where it stands in them; `claims` of the earlier ones do not
    count any more. `waiting`: a person was asked, and nobody had it since; for people it has `waited_seconds` in all,
    which `elapsed` is without, and they have `answered` so often.
    `misplaced`: so many workers in a row did not offer what it asks for.
    """

    progress: Progress
    owner: str
    client_request_id: str
    request: Request | None
    model: str
    elapsed: float
    cancelled: bool
    handed_over: bool
    held: bool
    wait: float
    abandon_after: float | None
    asked: Asked = field(default_factory=Asked)
    wanted: Wanted | None = None
    borrowed: int = 0
    cached_from: str = ""
    unreserved: int = 0
    held_seconds: float = 0.0
    trace: Trace = NO_TRACE
    turns: Turns = field(default_factory=Turns)
    claims: int = 0
    waiting: bool = False
    misplaced: int = 0
    waited_seconds: float = 0.0
    answered: int = 0
    repair: Repair = field(default_factory=Repair)

    @property
    def stage(self) -> Stage:
        """Where its last holder left it."""
        if self.waiting and self.turns.due:
            return Stage.WAITING_FOR_PERSON
        if self.progress.content:
            return Stage.HANDED_OVER if self.handed_over else Stage.LOST
        if self.held:
            return Stage.HELD
        if self.handed_over:
            return Stage.HANDED_OVER
        return Stage.LOST if self.progress.attempts else Stage.WAITING

    @property
    def reason(self) -> Reason:
        """Why it has a new holder."""
        return _REASONS.get(self.stage, Reason.WORKER_LOST)


_REASONS = {Stage.HELD: Reason.HELD, Stage.HANDED_OVER: Reason.WORKER_DRAINED}


def checkpoint_of(begun: Begun) -> Checkpoint:
    """What `begin` tells."""
    meta, asked = begun.meta, asked_of(begun.meta)
    waiting_since = _whole(meta, "waiting_since", 0)
    waited = _whole(meta, "waited_ms", 0) + (max(begun.now - waiting_since, 0) if waiting_since else 0)
    return Checkpoint(
        progress=Progress(
            attempts=_whole(meta, "attempt", 0) - begun.counted,
            free=_whole(meta, "free", 0),
            content=meta.get("content") == b"1",
            on_interrupt=OnInterrupt.FAIL if meta.get("on_interrupt") == b"fail" else OnInterrupt.RESTART,
            silences=_whole(meta, "silences", 0),
            stalls=_whole(meta, "stalls", 0),
            before=_whole(meta, "before", 0),
        ),
        owner=_text(meta, "owner"),
        client_request_id=_text(meta, "client_request_id"),
        request=_request(meta),
        model=_text(meta, "model"),
        elapsed=max(begun.now - _whole(meta, "created_at", begun.now) - waited, 0) / 1000,
        cancelled=meta.get("cancel") == b"1",
        handed_over=meta.get("handed_over") == b"1",
        held=meta.get("held") == b"1",
        wait=max(_whole(meta, "retry_at", 0) - begun.now, 0) / 1000,
        abandon_after=_seconds(meta, "abandon_after"),
        asked=asked,
        wanted=None if asked.tools or asked.validate else wanted_of(meta),
        borrowed=_whole(meta, "borrowed", 0),
        cached_from=_text(meta, CACHED_FROM),
        unreserved=_whole(meta, UNRESERVED, 0),
        held_seconds=max(begun.now - _whole(meta, "held_at", begun.now), 0) / 1000,
        trace=trace_of(meta),
        turns=turns_of(meta) if asked.tools else Turns(),
        claims=_whole(meta, "claims", 0),
        misplaced=_whole(meta, "misplaced", 0),
        waiting=waiting_since > 0,
        waited_seconds=waited / 1000,
        answered=_whole(meta, ANSWERED, 0),
        repair=repair_of(meta) if asked.validate else Repair(),
    )


def _request(meta: Mapping[str, bytes]) -> Request | None:
    """What to ask. The prompt is not looked into: that was done once, where it was taken."""
    try:
        body, model, headers = meta["request"], meta["model"].decode(), orjson.loads(meta.get("headers") or b"{}")
        query = meta.get("query", b"").decode()
    except (KeyError, ValueError):
        return None
    usable = isinstance(headers, dict) and is_object(body)
    return Request(model, body, headers, query) if usable else None


def _text(meta: Mapping[str, bytes], name: str) -> str:
    return meta.get(name, b"").decode("utf-8", "replace")


def _whole(meta: Mapping[str, bytes], name: str, otherwise: int) -> int:
    try:
        return int(meta[name])
    except (KeyError, ValueError):
        return otherwise


def _seconds(meta: Mapping[str, bytes], name: str) -> float | None:
    try:
        return float(meta[name])
    except (KeyError, ValueError):
        return None
