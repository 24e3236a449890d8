"""Who called, how often, who left early, and what it would be billed: what GET /_sim/calls and /_sim/meter show, and
what `times=N` counts by.

Memory is bounded: of prompts and tags the most recent are remembered. Knows nothing of HTTP.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from time import time
from typing import Any, Generic, TypeVar

from app.dev.simulator.answer.plan import Cached

REMEMBERED = 20_000  # prompts, and tags: far more than one test run, a few megabytes at most

_Value = TypeVar("_Value")


class Recent(Generic[_Value]):
    """A dictionary with defaults that forgets what was not used for longest."""

    def __init__(self, make: Callable[[], _Value], limit: int = REMEMBERED) -> None:
        self._make, self._limit = make, limit
        self._values: OrderedDict[str, _Value] = OrderedDict()

    def __getitem__(self, name: str) -> _Value:
        value = self._values.pop(name, None) or self._make()
        self[name] = value
        return value

    def __setitem__(self, name: str, value: _Value) -> None:
        self._values[name] = value
        if len(self._values) > self._limit:
            self._values.popitem(last=False)

    def items(self) -> list[tuple[str, _Value]]:
        return list(self._values.items())

    def clear(self) -> None:
        self._values.clear()


@dataclass(slots=True)
class Count:
    """`open` are answers under way, `closed_early` those whose client left first, the last at `last_closed_at`
    (seconds, of time.time()).
    """

    calls: int = 0
    open: int = 0
    closed_early: int = 0
    last_closed_at: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("calls", "open", "closed_early", "last_closed_at")}

    def clear(self) -> None:
        # What is open stays open: it is a fact of the network, not a count since some moment.
        self.calls, self.closed_early, self.last_closed_at = 0, 0, None


@dataclass(slots=True)
class Call:
    """One call to /v1/messages that is under way. Exactly one of `finished` and `left` ends it; more are ignored."""

    counts: tuple[Count, ...]
    ended: bool = False

    def finished(self) -> None:
        """The simulator ended it, as planned."""
        self._end()

    def left(self) -> None:
        """The client closed the connection before the answer's end."""
        if self._end():
            now = time()
            for count in self.counts:
                count.closed_early += 1
                count.last_closed_at = now

    def _end(self) -> bool:
        if self.ended:
            return False
        self.ended = True
        for count in self.counts:
            count.open -= 1
        return True


@dataclass(slots=True)
class Metered:
    """What a call would be billed: its prompt once its answer has begun, and what was said by now.

    One that was refused costs nothing, nor does one that declined before it said anything (`free`).
    """

    model: str = ""
    prompt_tokens: int = 0
    tag: str | None = None
    free: bool = False
    cached: Cached = field(default_factory=Cached)
    begun: bool = False
    said: int = 0

    def says(self, tokens: int) -> None:
        """So many by now."""
        self.begun, self.said = True, tokens

    def as_json(self) -> dict[str, Any]:
        billed = self.begun and not self.free
        return {
            "model": self.model,
            "tag": self.tag,
            "input_tokens": self.prompt_tokens if billed else 0,
            "output_tokens": self.said if billed else 0,
            "cache_read_input_tokens": self.cached.read if billed else 0,
            "cache_creation_input_tokens": self.cached.written if billed else 0,
        }


@dataclass(slots=True)
class Calls:
    total: Count = field(default_factory=Count)
    statuses: Counter[str] = field(default_factory=Counter)
    tags: Recent[Count] = field(default_factory=lambda: Recent(Count))
    meter: Recent[Metered] = field(default_factory=lambda: Recent(Metered))  # by the call's request id
    _prompts: Recent[int] = field(default_factory=lambda: Recent(int))

    def times(self, prompt: str) -> int:
        """Counts a call with exactly this prompt; the first is 1."""
        name = blake2b(prompt.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        self._prompts[name] = seen = self._prompts[name] + 1
        return seen

    def begin(self, tag: str | None, status: str) -> Call:
        """A call was answered with `status`, or with none at all if it is cut before its head."""
        counts = (self.total,) if tag is None else (self.total, self.tags[tag])
        for count in counts:
            count.calls += 1
            count.open += 1
        self.statuses[status] += 1
        return Call(counts)

    def metered(self) -> dict[str, Any]:
        """By request id."""
        return {request_id: one.as_json() for request_id, one in self.meter.items()}

    def as_json(self) -> dict[str, Any]:
        tags = {name: count.as_json() for name, count in self.tags.items()}
        return {**self.total.as_json(), "statuses": dict(self.statuses), "tags": tags}

    def clear(self) -> None:
        self.total.clear()
        self.statuses.clear()
        self.tags.clear()
        self._prompts.clear()
        self.meter.clear()
