"""What is left of somebody's limits, in words and headers of the Claude API.

Pure. The rule: a wait is never told too short, and a client that waits for it is let in.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

from app.stream.accounts import NANO, Limit, Over, Rate, Standing

# When to ask again where a stream or a reader has to end first: nobody knows when, in seconds.
SOME_SECONDS = 5

# Read by pages of other origins, as all of an answer's own.
HEADERS = tuple(
    f"anthropic-ratelimit-{kind}-{what}"
    for kind in ("requests", "output-tokens")
    for what in ("limit", "remaining", "reset")
)

_TOO_MANY = {
    Limit.REQUESTS: "no more than {most} requests a minute are allowed",
    Limit.OUTPUT: "no more than {most} output tokens a minute are allowed",
    Limit.STREAMS: "no more than {most} streams may wait and run at a time",
    Limit.READERS: "no more than {most} may read at a time",
}


def refusal_of(over: Over) -> tuple[int, str, dict[str, str]]:
    """What a client is told for whom there is no room: status, message, headers."""
    headers = rate_headers(over.standing)
    if over.limit.is_budget:
        window = "day" if over.limit is Limit.DAY else "month"
        message = (
            f"{over.limit}: of ${_usd(over.most)} a {window}, ${_usd(over.left)} is neither spent nor promised to what "
            f"runs, and this may cost more; the next {window} begins at {_iso(over.limit.begins_anew(over.now_ms))}"
        )
        return 402, message, headers
    wait = retry_headers(over.wait_ms / 1000 if over.wait_ms else SOME_SECONDS)
    message = f"{over.limit}: {_TOO_MANY[over.limit].format(most=over.most)}; try again in {wait['retry-after']} s"
    return 429, message, headers | wait


def rate_headers(standing: Standing) -> dict[str, str]:
    """How the buckets stand: how many a minute, how many now, and when it is full again."""
    return _rate("requests", standing.requests) | _rate("output-tokens", standing.output_tokens)


def retry_headers(seconds: object) -> dict[str, str]:
    """Seconds as the API says them: whole ones in `retry-after`, and finer where that matters."""
    if not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        return {}
    headers = {"retry-after": str(math.ceil(seconds))}
    if seconds != math.ceil(seconds):
        headers["retry-after-ms"] = str(math.ceil(seconds * 1000))
    return headers


def _rate(kind: str, rate: Rate | None) -> dict[str, str]:
    if rate is None:
        return {}
    full = datetime.fromtimestamp(math.ceil(rate.reset_ms / 1000), UTC)
    values = (str(rate.limit), str(rate.remaining), _iso(full))
    return {
        f"anthropic-ratelimit-{kind}-{what}": value
        for what, value in zip(("limit", "remaining", "reset"), values, strict=True)
    }


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _usd(nano: int) -> str:
    """To the cent, of less than a dollar to the hundredth of one, and finer below it; of what is left never more."""
    digits = 2 if nano >= NANO or not nano else 4 if nano >= NANO // 10**4 else 9
    whole, rest = divmod(nano // 10 ** (9 - digits), 10**digits)
    return f"{whole}.{rest:0{digits}}"
