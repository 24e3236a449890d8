"""The same loop without a process: streams are numbers, and time goes in steps. Pure.

For what a run shows once, this shows for every moment at which the autoscaler may happen to look.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable

from tests.bench.scaling.autoscaler import Autoscaler
from tests.bench.scaling.keda import Keda
from tests.bench.scaling.rule import SYNC_SECONDS, Rule

STEP_SECONDS = 0.1


def waits(
    rule: Rule, streams: int, coming: Iterable[tuple[float, float]], *, starts: float, polled: float, looked: float
) -> list[float]:
    """How long each waits for a worker. `coming`: when, and for how long it runs; a worker has room for `streams`, and
    takes some `starts` seconds after it was asked for; KEDA polls and the autoscaler looks first at `polled`, `looked`.
    """
    keda, scaler = Keda(rule), Autoscaler(rule)
    line: deque[tuple[float, float]] = deque()
    ahead = deque(sorted(coming))
    running: list[float] = []  # when each is over
    ready: list[float] = []  # when each worker takes some
    waited: list[float] = []
    now, asked, polls, looks = 0.0, 0, polled, looked
    while ahead or line or running:
        while ahead and ahead[0][0] <= now:
            line.append(ahead.popleft())
        while running and running[0] <= now:
            heapq.heappop(running)
        value = len(line) + len(running)
        before = asked
        if polls <= now:
            asked, polls = keda.poll(now, asked, value), polls + rule.polling
        if looks <= now:
            asked, looks = scaler.look(now, asked, asked, value), looks + SYNC_SECONDS
        ready = ready[:asked] + [now + starts] * (asked - before)
        room = streams * sum(at <= now for at in ready) - len(running)
        for _ in range(min(room, len(line))):
            came, lasts = line.popleft()
            waited.append(now - came)
            heapq.heappush(running, now + lasts)
        now += STEP_SECONDS
    return waited
