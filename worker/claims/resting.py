"""How long a worker rests that was woken and found nothing: whom it was for, another one has taken.

The rule: pure, but for the dice that are handed in. A wake-up is heard by all, and who had room for one more asks for
it; of many workers all but one ask in vain, and each question takes Redis as long as it takes to begin a stream. They
rest for as long as keeps all of them together to one question in a millisecond or so, and the next wake-up finds some
of them awake. Who found something does not rest, nor does who was not woken.
"""

from __future__ import annotations

# Of each that is woken: all of them together ask once in so long, on the average.
REST_SECONDS = 0.001
# Whoever leaves, or has to look after something else, waits no longer than this.
REST_SECONDS_MAX = 0.5


def rest_seconds(workers: int, dice: float) -> float:
    """`workers` are woken together; `dice` is a number from 0 up to 1."""
    return min(2 * REST_SECONDS * workers, REST_SECONDS_MAX) * dice
