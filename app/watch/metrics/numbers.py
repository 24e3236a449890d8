"""What is read of a process when somebody asks, as values: the composition root fills them from the core's own numbers.

The rule: to read them takes no await, changes nothing, and costs what a look at a few attributes does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.stream.counts.distribution import Distribution
from app.stream.workers.gates import Limit


@dataclass(frozen=True, slots=True)
class FrontNumbers:
    """`catchup_reads` by their source."""

    readers: int
    tails: int
    sent_bytes: int
    catchup_reads: Mapping[str, int]
    channel_lag: Distribution
    ready: bool
    draining: bool


@dataclass(frozen=True, slots=True)
class WorkerNumbers:
    """`capacity`: how many streams it may run at once. `limits` by the upstream's own names."""

    running: int
    capacity: int
    draining: bool
    batch_frames: Distribution
    limits: Mapping[str, Limit]
