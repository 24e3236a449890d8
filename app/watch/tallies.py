"""What a process counts for the board, between one time that it leaves its numbers in Redis and the next.

The rule: counts are handed out as a batch with a number, and stay in that batch until it is known to be in Redis, so
that a lost reply makes nothing count twice and an outage loses nothing; what a process has counted when it is killed is
lost, which is what it did within its last second. What has to be exact (endings, tokens, money) is counted by the
queue's `done` and not here. Events come from any thread, and from finalizers in the midst of another event.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.stream.board import counting
from app.stream.keys import SEEN_LENGTH
from app.stream.observing import Event, RedisRefused
from app.watch.events import of_fronts, of_processes, of_streams

# What Redis says to who writes, when it takes no writes.
_NO_WRITES = frozenset({"OOM", "MISCONF", "NOREPLICAS", "READONLY"})
# What stays so is worth seeing again after so many seconds.
SEEN_AGAIN_SECONDS = 60.0

Seen = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """`number` is 1 for the first; one without counts may have the number of the one before it."""

    number: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    seen: Sequence[Seen] = ()


class Tallies:
    """An observer. `name` is that of the process."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.RLock()
        self._counts: Counter[str] = Counter()
        self._seen: deque[Seen] = deque(maxlen=SEEN_LENGTH)
        self._takeovers: Counter[str] = Counter()
        self._batch: Batch | None = None
        self._number = 0
        self._refused_at: float | None = None
        self._said: dict[str, int] = {}

    def told(self, event: Event) -> None:
        with self._lock:
            self._count(event)

    def see(self, kind: str, count: int = 0) -> None:
        """Something of this process that an operator should know."""
        with self._lock:
            self._see(kind, self._name, count)

    def sample(self, said: Mapping[str, int]) -> None:
        """How many bytes each stream of this process has said by now; a call that is made anew begins anew."""
        with self._lock:
            for stream_id, so_far in said.items():
                before = self._said.get(stream_id, 0)
                self._say(so_far - before if so_far >= before else so_far)
            self._said = dict(said)

    def batch(self) -> Batch:
        """What is to be left in Redis next: the same one until it `is_left`."""
        with self._lock:
            if self._batch is None:
                for cause, count in self._takeovers.items():
                    self._see("taken_over", self._name, count, cause=cause)
                if self._counts or self._seen:
                    self._number += 1
                self._batch = Batch(self._number, dict(self._counts), tuple(self._seen))
                self._counts.clear()
                self._takeovers.clear()
                self._seen.clear()
            return self._batch

    def is_left(self, batch: Batch) -> None:
        """It is in Redis."""
        with self._lock:
            if self._batch is batch:
                self._batch = None

    def _count(self, event: Event) -> None:
        match event:
            case of_streams.FirstContent(since_submit_seconds=seconds):
                self._counts[f"{counting.FIRST_CONTENT}{counting.class_of(seconds)}"] += 1
            case of_streams.Ended():
                self._ended(event)
            case of_streams.Retried() | of_streams.Restarted():
                self._counts[counting.RETRIES] += 1
            case of_streams.TakenOver(cause=cause):
                self._counts[counting.TAKEOVERS] += 1
                self._takeovers[cause] += 1
            case of_streams.Refused():
                self._counts[counting.REFUSED] += 1
            case _:
                self._count_of_process(event)

    def _count_of_process(self, event: Event) -> None:
        match event:
            case of_fronts.ReaderJoined():
                self._counts[counting.JOINED] += 1
            case of_fronts.ReaderReset(readers=readers):
                self._counts[counting.RESETS] += readers
            case of_processes.WorkerGone(worker=worker, streams=streams):
                self._see("worker_gone", worker, streams)
            case of_processes.Draining(streams=streams, readers=readers):
                self._see("draining", self._name, streams or readers or 0)
            case RedisRefused(code=code, again=None) if code in _NO_WRITES:
                self._refused()
            case _:
                pass

    def _ended(self, ended: of_streams.Ended) -> None:
        if ended.output_bytes:
            stream_id = ended.of.stream_id
            self._say(max(ended.output_bytes - self._said.get(stream_id, 0), 0))
            self._said[stream_id] = ended.output_bytes
            if ended.output_tokens:
                self._counts[counting.SAID_ENDED] += ended.output_bytes
                self._counts[counting.SAID_TOKENS] += ended.output_tokens

    def _say(self, more: int) -> None:
        if more:
            self._counts[counting.SAID] += more

    def _refused(self) -> None:
        self._counts[counting.REFUSED_WRITES] += 1
        now = self._clock()
        if self._refused_at is None or now - self._refused_at >= SEEN_AGAIN_SECONDS:
            self._refused_at = now
            self._see("refused_writes", self._name, 1)

    def _see(self, kind: str, name: str, count: int, **more: str) -> None:
        self._seen.append({"kind": kind, "name": name, "count": count, **more})
