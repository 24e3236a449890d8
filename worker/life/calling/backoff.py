"""How long to wait before a call is made again.

Pure: no clock, and no chance but the one that is handed in.
"""

from __future__ import annotations

from worker.upstream.failure import Failure

BACKOFF_SECONDS = 0.5
BACKOFF_SECONDS_MAX = 8.0
# How much of a wait chance may take off or, where the upstream named the wait, add: so that many do not come as one.
JITTER = 0.25
JITTER_SECONDS_MAX = 1.0


def wait_after(failure: Failure, charged: int, wait_max: float, jitter: float) -> float | None:
    """Seconds to the next call: what the upstream asks for and a bit more, or 0.5 doubling to 8 and a bit less.

    None where the upstream asks for more than `wait_max`.
    """
    if failure.retry_after is not None:
        if failure.retry_after > wait_max:
            return None
        return failure.retry_after + jitter * min(failure.retry_after * JITTER, JITTER_SECONDS_MAX)
    doubled = min(BACKOFF_SECONDS * 2 ** min(max(charged - 1, 0), 16), BACKOFF_SECONDS_MAX, wait_max)
    return float(doubled * (1 - JITTER * jitter))
