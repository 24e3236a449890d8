"""The anthropic-ratelimit-* headers: four budgets that fall with use and refill each minute.

The headers of a simulator that refuses nothing by itself (`buckets` is for the other one): so it never says either that
a budget is nearly spent, unless a directive asks for it: whoever heeds these headers would wait for nothing. Knows
nothing of HTTP beyond the names.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from time import time

from app.dev.simulator.answer.plan import Plan
from app.dev.simulator.directives import Directives

WINDOW_SECONDS = 60.0
NEVER_BELOW = 0.25  # of a budget; see above
LIMITS = {"requests": 50_000, "input-tokens": 20_000_000, "output-tokens": 5_000_000, "tokens": 25_000_000}


class Limits:
    def __init__(self, clock: Callable[[], float] = time) -> None:
        self._clock = clock
        self._window_ends = 0.0
        self._used = dict.fromkeys(LIMITS, 0)

    def spend(self, planned: Plan, asked: Directives) -> list[tuple[str, str]]:
        """The headers of this answer."""
        input_tokens, output_tokens = planned.input_tokens, planned.output_tokens
        now = self._clock()
        if now >= self._window_ends:
            self._window_ends = now + WINDOW_SECONDS
            self._used = dict.fromkeys(LIMITS, 0)
        for name, cost in zip(LIMITS, (1, input_tokens, output_tokens, input_tokens + output_tokens), strict=True):
            self._used[name] += cost
        ends = self._window_ends if asked.reset is None else now + asked.reset
        reset = datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = []
        for name, limit in LIMITS.items():
            left = max(limit - self._used[name], int(limit * NEVER_BELOW))
            if name == "requests" and asked.remaining is not None:
                left = asked.remaining
            headers += [
                (f"anthropic-ratelimit-{name}-limit", str(limit)),
                (f"anthropic-ratelimit-{name}-remaining", str(left)),
                (f"anthropic-ratelimit-{name}-reset", reset),
            ]
        return headers
