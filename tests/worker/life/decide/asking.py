"""What decisions are asked with."""

from __future__ import annotations

from hypothesis import strategies as st

from app.stream.stages import Stage
from worker.life import decide
from worker.life.decide import Allowance, OnInterrupt, Progress, Reason
from worker.life.steps import Step
from worker.upstream.failure import Failure

ALLOWED = Allowance(attempts=3, wait_max=60.0, seconds_max=1800.0)
OVERLOADED = Failure("overloaded_error", "overloaded_error", "Overloaded", 529)
INVALID = Failure("invalid_request_error", "invalid_request_error", "no", 400)

failures = st.builds(
    Failure,
    reason=st.just("r"),
    type=st.just("t"),
    message=st.just("m"),
    status=st.sampled_from([400, 401, 408, 409, 429, 500, 502, 504, 529]),
    retry_after=st.none() | st.floats(0, 200),
    should_retry=st.none() | st.booleans(),
)


def progress(attempts: int, *, free: int = 0, content: bool = False, on_interrupt: str = "restart") -> Progress:
    return Progress(attempts, free, content, OnInterrupt(on_interrupt))


def left(found: Progress) -> Stage:
    """Where a stream is whose worker is lost."""
    return Stage.LOST if found.attempts or found.content else Stage.WAITING


def calling(found: Progress) -> Stage:
    return Stage.CONTENT if found.content else Stage.CALLING


def begin(
    found: Progress,
    allowed: Allowance = ALLOWED,
    *,
    times: int = 1,
    elapsed: float = 0.0,
    cancelled: bool = False,
    wait: float = 0.0,
    reason: str = "worker_lost",
) -> Step:
    return decide.on_begin(
        left(found),
        found,
        allowed,
        times=times,
        elapsed=elapsed,
        cancelled=cancelled,
        wait=wait,
        reason=Reason(reason),
    ).step
