"""How long what is simulated takes: the figures of the page about sizing, and what is assumed beside them.

The rule: whatever is measured stands on that page; what is assumed has its reason here, and its line there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.bench.sizing.formula import Figures

# A call of the upstream: to its first token, as such models take.
FIRST_TOKEN_SECONDS = 0.8


def cost_of(figures: Figures) -> Callable[[str, Sequence[Any], Any], float]:
    """Seconds of a script of the queue, by its name, its arguments and its reply."""

    def cost(name: str, args: Sequence[Any], reply: Any) -> float:
        match name:
            case "queue/submit":
                micros = figures["submit_us"]
            case "queue/claim":
                micros = figures["claim_us"] + len(reply[1]) / 4 * figures["claimed_us"]
            case "queue/done":
                micros = figures["done_us"]
            case "queue/renew":
                micros = figures["renew_us"] + (len(args) - 4) / 3 * figures["lease_us"]
            case "queue/absent":
                micros = figures["absent_us"]
            case "queue/expire":
                micros = figures["expire_us"]
            case "clients":
                micros = figures["clients_us"]
            case _:
                raise KeyError(name)
        return micros / 1e6

    return cost
