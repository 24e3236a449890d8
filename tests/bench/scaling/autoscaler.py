"""What Kubernetes' autoscaler makes of a number (autoscaling/v2, one external metric by its average).

Written after what its documentation says of the algorithm: the ratio and its tolerance, the windows in which the
highest or lowest word of before counts, and the policies that bound a step. Pure: who asks says what time it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tests.bench.scaling.rule import TOLERANCE, Policy, Rule


@dataclass(slots=True)
class Autoscaler:
    """Between `least` and `most`; it does nothing where there are none: those KEDA starts."""

    rule: Rule
    _said: list[tuple[float, int]] = field(default_factory=list)
    _steps: list[tuple[float, int]] = field(default_factory=list)

    def look(self, now: float, asked: int, there: int, value: float) -> int:
        """How many there are to be: `asked` are asked for now, `there` are there and not about to go."""
        if asked == 0:
            return 0
        if not self.rule.least <= asked <= self.rule.most:
            return min(max(asked, self.rule.least), self.rule.most)
        wanted = self._stable(now, asked, self._wanted(there, value))
        bounded = min(max(self._in_steps(now, asked, wanted), self.rule.least), self.rule.most)
        if bounded != asked:
            self._steps.append((now, bounded - asked))
        return bounded

    def _wanted(self, there: int, value: float) -> int:
        usual = self.rule.target * there
        if usual and abs(value / usual - 1) <= TOLERANCE:
            return there
        return math.ceil(value / self.rule.target)

    def _stable(self, now: float, asked: int, wanted: int) -> int:
        """As near to what there is as the words of each window leave it."""
        if not self._said:
            self._said.append((now, asked))
        up = min([wanted, *(one for when, one in self._said if when > now - self.rule.up.window)])
        down = max([wanted, *(one for when, one in self._said if when > now - self.rule.down.window)])
        longest = max(self.rule.up.window, self.rule.down.window)
        self._said = [(when, one) for when, one in self._said if when > now - longest] + [(now, wanted)]
        return min(max(asked, up), down)

    def _in_steps(self, now: float, asked: int, wanted: int) -> int:
        if wanted > asked:
            return min(wanted, max(asked, *(self._bound(now, asked, one, 1) for one in self.rule.up.policies)))
        if wanted < asked:
            return max(wanted, min(asked, *(self._bound(now, asked, one, -1) for one in self.rule.down.policies)))
        return wanted

    def _bound(self, now: float, asked: int, policy: Policy, way: int) -> int:
        """How far a policy lets it go, from how many there were when its time began."""
        began = asked - sum(step for when, step in self._steps if when > now - policy.seconds)
        if not policy.is_percent:
            return began + way * policy.value
        moved = began * (1 + way * policy.value / 100)
        return math.ceil(moved) if way > 0 else int(moved)
