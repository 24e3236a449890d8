"""What comes next in a stream's life: the one place that decides how often the upstream is called.

Everything that leads from what happened (a take-over, an answer, a failure, a drain) to what is done about it must live
here. The rule: where a stream goes from here stands in the table of its stages; what is decided here is which of the
table's conditions are met, and what the step takes. Pure: nothing awaits, no clock and no chance but those handed in.
Knows nothing of Redis, HTTP or the SDK.

    before any content   Retry, with back-off; what the upstream says about waiting is honoured
    after content        Restart from scratch, or End, as the stream's `on_interrupt` says; never glued together
    a call not taken     Refused: again when the gate lets it, and it was no call; whatever is used up
    attempts used up     End
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from app.stream.endings import Outcome
from app.stream.stages import Cause, Stage, Tells, Way, When, way
from worker.life.calling.backoff import JITTER_SECONDS_MAX, wait_after
from worker.life.steps import (
    AwaitPerson,
    BeginAgain,
    End,
    Error,
    HandOver,
    NextCall,
    Park,
    Refused,
    Restart,
    Retry,
    RunTools,
    Start,
    Step,
    failed,
)
from worker.upstream.failure import SILENT, Failure

# A silence that is too long comes again at the same place, and each one is paid: a third is not asked for.
SILENCES_MAX = 2

# So many workers in a row may not offer a tool, each for a moment: while a fleet changes its version, others do.
MISPLACED_MAX = 40

TOO_MANY_REQUESTS = 429

_OUTCOME_OF_STOP_REASON = {
    "max_tokens": Outcome.TRUNCATED,
    "model_context_window_exceeded": Outcome.TRUNCATED,
    "refusal": Outcome.REFUSED,
}


class OnInterrupt(StrEnum):
    """What a stream wants when it breaks after content."""

    RESTART = "restart"
    FAIL = "fail"


class Reason(StrEnum):
    """Why a stream is begun by a new holder, or anew by the same one."""

    WORKER_LOST = "worker_lost"
    WORKER_DRAINED = "worker_drained"
    LOG_LOST = "log_lost"
    HELD = "held"


_SENTENCES = {
    Reason.WORKER_LOST: "the worker that ran it was lost",
    Reason.WORKER_DRAINED: "the worker that ran it was shut down",
    Reason.LOG_LOST: "its log was lost",
    Reason.HELD: "it waited for the upstream",
}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the settings allow a stream. (A limit is what the upstream lets through.)"""

    attempts: int
    wait_max: float
    seconds_max: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stream is: `attempts` were begun, of which `free` do not count against the limit, and `before` were
    made for the turns before this one.

    `content`: whether an upstream frame of the newest attempt stands in the log; `silences`: how many calls brought
    nothing but pings for too long; `stalls`: how many were lost to a worker that stood still.
    """

    attempts: int
    free: int
    content: bool
    on_interrupt: OnInterrupt
    silences: int = 0
    stalls: int = 0
    before: int = 0

    @property
    def charged(self) -> int:
        return self.attempts - self.free


class Decision(NamedTuple):
    """The way that is to be gone, and what is to be done for it."""

    way: Way
    step: Step


CANCELLED = End(Outcome.CANCELLED)
TOOL_INTERRUPTED = End(
    Outcome.FAILED, Error("tool_interrupted", "a tool that must not run twice was running when its worker was lost")
)
EXPIRED = End(Outcome.EXPIRED, Error("timeout_error", "the stream took longer than STREAM_SECONDS_MAX"))


def on_begin(
    stage: Stage,
    progress: Progress,
    allowed: Allowance,
    *,
    times: int,
    elapsed: float,
    cancelled: bool,
    wait: float = 0.0,
    reason: Reason = Reason.WORKER_LOST,
    tools: frozenset[When] = frozenset(),
) -> Decision:
    """A holder finds a stream. `times` it was claimed, `elapsed` seconds since it was made.

    `wait` seconds are left of those that its last holder had to wait before the next call. `tools`: what of them was
    running.
    """
    if cancelled:
        return on_end(stage, Cause.CANCEL, CANCELLED)
    if elapsed >= allowed.seconds_max:
        return on_end(stage, Cause.EXPIRY, EXPIRED)
    met = _met(progress, allowed) | ({When.SPENT} if times > allowed.attempts else set()) | tools
    found = way(stage, Cause.BEGIN, met)
    if found.to is Stage.TOOLS:
        return Decision(found, RunTools())
    if found.to is Stage.ENDED:
        if found.when is When.KEPT:
            return Decision(found, _interrupted(reason))
        if found.when is When.BROKEN:
            return Decision(found, TOOL_INTERRUPTED)
        message = f"gave up after {max(progress.attempts, times - 1)} attempts: {_SENTENCES[reason]}"
        return Decision(found, failed(message, exhausted=True))
    wait = min(wait, allowed.wait_max + JITTER_SECONDS_MAX)  # the clock may have been set back
    return Decision(found, _next_call(found, reason, wait))


def spared(progress: Progress, allowed: Allowance) -> Progress:
    """The call of a worker that stands still did not fail, and does not count.

    Up to a bound: it may be the stream itself that makes one worker after the other stand still.
    """
    if When.SPARED not in (met := _met(progress, allowed)):
        return progress
    found = way(Stage.LOST, Cause.STOOD_STILL, met)
    return replace(progress, free=progress.free - found.charge, stalls=progress.stalls - found.charge)


def on_misplaced(stage: Stage, progress: Progress, tries: int, missing: str) -> Decision:
    """A tool that the stream asks for is not offered here, nor was it by `tries` workers before."""
    if tries >= MISPLACED_MAX:
        return on_fault(stage, f"no worker offers the tool {missing!r} any more")
    return Decision(way(stage, Cause.MISPLACED), HandOver(progress.free))


def on_hold(stage: Stage, wait: float, model: str) -> Decision:
    """The gate lets no call of `model` be made for so long that the stream gives its slot to another."""
    return Decision(way(stage, Cause.HOLD), Park(wait, model))


def on_person(stage: Stage) -> Decision:
    """All that is left to be done is for a person to allow."""
    return Decision(way(stage, Cause.PERSON), AwaitPerson())


def on_failure(stage: Stage, progress: Progress, allowed: Allowance, failure: Failure, jitter: float) -> Decision:
    """A call has failed. `jitter` is a number from 0 up to 1."""
    wait = wait_after(failure, progress.charged, allowed.wait_max, jitter)
    passes = failure.is_passing and wait is not None
    if failure.status == TOO_MANY_REQUESTS and stage is Stage.CALLING and passes:
        return Decision(way(stage, Cause.REFUSAL), Refused(failure.reason, wait or 0.0))
    met = _met(progress, allowed)
    if failure == SILENT and progress.silences >= SILENCES_MAX:
        met.add(When.SPENT)
    if not passes:
        met.add(When.LASTING)
    found = way(stage, Cause.FAILURE, met)
    if found.to is Stage.ENDED:
        exhausted = When.SPENT in met and failure.is_passing
        return Decision(found, End(Outcome.FAILED, Error(failure.type, failure.message), failure, exhausted))
    return Decision(found, _next_call(found, failure.reason, wait or 0.0))


def on_message(stage: Stage, stop_reason: str | None, *, goes_on: bool = False) -> Decision:
    """The upstream's `message_stop` has come; `goes_on`: something of ours follows it."""
    found = way(stage, Cause.MESSAGE, {When.CALLS} if goes_on else ())
    return Decision(found, RunTools() if found.to is Stage.TOOLS else complete(stop_reason))


def on_misfit(stage: Stage, why: Error, *, repairs_left: int) -> Decision:
    """A whole Message does not fit its schema."""
    found = way(stage, Cause.INVALID, () if repairs_left > 0 else {When.MENDED})
    return Decision(found, End(Outcome.FAILED, why) if found.to is Stage.ENDED else Restart(why.type, 0.0))


def on_results(stage: Stage, turn: int, turns_max: int, *, theirs: bool, stop_reason: str | None) -> Decision:
    """All results of a turn are there; `theirs`: but those that the client is to bring."""
    met = {When.THEIRS: theirs, When.TURNS: turn >= turns_max}
    found = way(stage, Cause.RESULTS, [when for when, is_met in met.items() if is_met])
    if found.when is When.THEIRS:
        return Decision(found, complete(stop_reason))
    if found.when is When.TURNS:
        message = f"the model called tools in each of {turns_max} turns (max_turns), and wants another one"
        return Decision(found, End(Outcome.FAILED, Error("max_turns_error", message)))
    return Decision(found, Start())


def on_drain(stage: Stage, progress: Progress) -> Decision:
    """The worker drains. A call that is under way does not count."""
    found = way(stage, Cause.DRAIN, _met(progress))
    if found.to is Stage.ENDED:
        return Decision(found, _interrupted(Reason.WORKER_DRAINED))
    return Decision(found, HandOver(progress.free - found.charge))


def on_log_lost(stage: Stage) -> Decision:
    return Decision(way(stage, Cause.LOG_LOST), BeginAgain())


def on_full(stage: Stage, limit: int) -> Decision:
    """The log has no room for more."""
    return on_end(stage, Cause.FULL, failed(f"the stream is longer than MAX_LOG_BYTES ({limit})"))


def on_budget(stage: Stage, limit: str) -> Decision:
    """The owner's budget of this name has no room for another call."""
    message = f"{limit}: the budget has no room for another call of this stream; what it has said so far is kept"
    return on_end(stage, Cause.BUDGET, End(Outcome.FAILED, Error("billing_error", message)))


def on_fault(stage: Stage, what: str) -> Decision:
    """Our own fault."""
    return on_end(stage, Cause.FAULT, failed(what))


def on_end(stage: Stage, cause: Cause, end: End) -> Decision:
    """What ends a stream wherever it is."""
    return Decision(way(stage, cause), end)


def complete(stop_reason: str | None) -> End:
    """The ending of a whole message."""
    return End(_OUTCOME_OF_STOP_REASON.get(stop_reason or "", Outcome.COMPLETED))


def _met(progress: Progress, allowed: Allowance | None = None) -> set[When]:
    """The conditions that a stream meets so far; without `allowed`, those that need none."""
    conditions = {
        When.KEPT: progress.content and progress.on_interrupt is OnInterrupt.FAIL,
        When.SEEN: progress.content,
        When.CALLED: progress.attempts > progress.before,
        When.SPENT: allowed is not None and progress.charged >= allowed.attempts,
        When.SPARED: allowed is not None and progress.charged > 0 and progress.stalls < allowed.attempts,
    }
    return {when for when, is_met in conditions.items() if is_met}


def _next_call(found: Way, reason: str, wait: float) -> NextCall:
    match found.tells:
        case Tells.RETRY:
            return Retry(reason, wait)
        case Tells.RESET:
            return Restart(reason, wait)
        case Tells.NOTHING:
            return Start()


def _interrupted(reason: Reason) -> End:
    return failed(f"the stream was interrupted: {_SENTENCES[reason]}")
