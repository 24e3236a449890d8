"""What comes next in a stream's life: the one place that decides how often the upstream is called.

Everything that leads from what happened (a take-over, an answer, a failure, a drain) to what is done about it must live
here. Pure: nothing awaits, no clock and no chance but those handed in. Knows nothing of Redis, HTTP or the SDK.

    before any content   Retry, with back-off; what the upstream says about waiting is honoured
    after content        Restart from scratch, or End, as the stream's `on_interrupt` says; never glued together
    a call not taken     Refused: again when the gate lets it, and it was no call; whatever is used up
    calls used up        End
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from app.stream.endings import Outcome
from worker.upstream.failure import SILENT, Failure

BACKOFF_SECONDS = 0.5
BACKOFF_SECONDS_MAX = 8.0
# How much of a wait chance may take off or, where the upstream named the wait, add: so that many do not come as one.
JITTER = 0.25
JITTER_SECONDS_MAX = 1.0

# A silence that is too long comes again at the same place, and each one is paid: a third is not asked for.
SILENCES_MAX = 2

_OUTCOME_OF_STOP_REASON = {
    "max_tokens": Outcome.TRUNCATED,
    "model_context_window_exceeded": Outcome.TRUNCATED,
    "refusal": Outcome.REFUSED,
}


class OnInterrupt(StrEnum):
    """What a stream wants when it breaks after content."""

    RESTART = "restart"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings allow."""

    attempts: int
    wait_max: float
    seconds_max: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stream is: `calls` of the upstream have begun, `free` of them were handed over by a draining worker.

    `content`: whether an upstream frame of the newest attempt stands in the log; `silences`: how many calls brought
    nothing but pings for too long; `stalls`: how many were lost to a worker that stood still.
    """

    calls: int
    free: int
    content: bool
    on_interrupt: OnInterrupt
    silences: int = 0
    stalls: int = 0

    @property
    def used(self) -> int:
        return self.calls - self.free


@dataclass(frozen=True, slots=True)
class Start:
    """The first call: nothing to tell."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Another call after `wait` seconds; there is nothing to forget."""

    reason: str
    wait: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The upstream did not take the call, which therefore was none: again when the gate lets it, in `wait` seconds or
    later.
    """

    reason: str
    wait: float


@dataclass(frozen=True, slots=True)
class Restart:
    """Another call after `wait` seconds; readers forget what they have."""

    reason: str
    wait: float


@dataclass(frozen=True, slots=True)
class Error:
    """In the shape of the API's."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class End:
    """The stream ends. `failure` is the upstream's where that is the reason; `exhausted`: all calls are used up."""

    outcome: Outcome
    error: Error | None = None
    failure: Failure | None = None
    exhausted: bool = False

    @property
    def why(self) -> str:
        """What went wrong; nothing where there is no error. Of the upstream's words none."""
        if self.error is None:
            return ""
        return self.failure.line if self.failure is not None else self.error.message


@dataclass(frozen=True, slots=True)
class HandOver:
    """The stream goes back to the queue; `free` is its new number of calls that do not count."""

    free: int


@dataclass(frozen=True, slots=True)
class Park:
    """No call of `model` may be made for `wait` seconds: the stream goes back to the line, to be woken by the gate."""

    wait: float
    model: str


Step = Start | Retry | Refused | Restart | End

# Why a stream that was parked is found by a new holder.
HELD = "held"
TOO_MANY_REQUESTS = 429

CANCELLED = End(Outcome.CANCELLED)
TIMED_OUT = Error("timeout_error", "the stream took longer than STREAM_SECONDS_MAX")


def on_begin(
    progress: Progress,
    limits: Limits,
    *,
    times: int,
    elapsed: float,
    cancelled: bool,
    wait: float = 0.0,
    reason: str = "worker_lost",
) -> Step:
    """A new holder finds a stream. `times` it was claimed, `elapsed` seconds since it was made.

    `wait` seconds are left of those that its last holder had to wait before the next call.
    """
    if cancelled:
        return CANCELLED
    if elapsed >= limits.seconds_max:
        return expired()
    if progress.content and progress.on_interrupt is OnInterrupt.FAIL:
        return _interrupted(reason)
    if progress.used >= limits.attempts or times > limits.attempts:
        message = f"gave up after {max(progress.calls, times - 1)} attempts: {_SENTENCES[reason]}"
        return End(Outcome.FAILED, Error("api_error", message), exhausted=True)
    wait = min(wait, limits.wait_max + JITTER_SECONDS_MAX)  # the clock may have been set back
    if progress.content:
        return Restart(reason, wait)
    if reason == HELD:  # all that there is to tell was told before it was parked
        return Start()
    return Retry(reason, wait) if progress.calls else Start()


def spared(progress: Progress, limits: Limits) -> Progress:
    """The call of a worker that stands still did not fail, and does not count.

    Up to a bound: it may be the stream itself that makes one worker after the other stand still.
    """
    if progress.used <= 0 or progress.stalls >= limits.attempts:
        return progress
    return replace(progress, free=progress.free + 1, stalls=progress.stalls + 1)


def on_failure(progress: Progress, limits: Limits, failure: Failure, jitter: float) -> Step:
    """A call has failed. `jitter` is a number from 0 up to 1."""
    wait = wait_after(failure, progress.used, limits.wait_max, jitter)
    if failure.status == TOO_MANY_REQUESTS and not progress.content and failure.is_passing and wait is not None:
        return Refused(failure.reason, wait)
    exhausted = progress.used >= limits.attempts or (failure == SILENT and progress.silences >= SILENCES_MAX)
    keeps = progress.content and progress.on_interrupt is OnInterrupt.FAIL
    if keeps or exhausted or not failure.is_passing or wait is None:
        return End(Outcome.FAILED, Error(failure.type, failure.message), failure, exhausted and failure.is_passing)
    return Restart(failure.reason, wait) if progress.content else Retry(failure.reason, wait)


def on_message(stop_reason: str | None) -> End:
    """The upstream's `message_stop` has come."""
    return End(_OUTCOME_OF_STOP_REASON.get(stop_reason or "", Outcome.COMPLETED))


def on_drain(progress: Progress, *, calling: bool) -> HandOver | End:
    """The worker drains. `calling`: a call is under way, which then does not count."""
    if progress.content and progress.on_interrupt is OnInterrupt.FAIL:
        return _interrupted("worker_drained")
    return HandOver(progress.free + calling)


def on_full_log(limit: int) -> End:
    """The log has no room for more."""
    return End(Outcome.FAILED, Error("api_error", f"the stream is longer than MAX_LOG_BYTES ({limit})"))


def expired() -> End:
    return End(Outcome.EXPIRED, TIMED_OUT)


def on_internal(what: str) -> End:
    """Our own fault."""
    return End(Outcome.FAILED, Error("api_error", what))


def wait_after(failure: Failure, used: int, wait_max: float, jitter: float) -> float | None:
    """Seconds to the next call: what the upstream asks for and a bit more, or 0.5 doubling to 8 and a bit less.

    None where the upstream asks for more than `wait_max`.
    """
    if failure.retry_after is not None:
        if failure.retry_after > wait_max:
            return None
        return failure.retry_after + jitter * min(failure.retry_after * JITTER, JITTER_SECONDS_MAX)
    doubled = min(BACKOFF_SECONDS * 2 ** min(max(used - 1, 0), 16), BACKOFF_SECONDS_MAX, wait_max)
    return float(doubled * (1 - JITTER * jitter))


_SENTENCES = {
    "worker_lost": "the worker that ran it was lost",
    "worker_drained": "the worker that ran it was shut down",
    "log_lost": "its log was lost",
    HELD: "it waited for the upstream",
}


def _interrupted(reason: str) -> End:
    return End(Outcome.FAILED, Error("api_error", f"the stream was interrupted: {_SENTENCES[reason]}"))
