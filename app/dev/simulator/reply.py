"""What a request leads to, before it is written: the values between `api`, which decides, and `wire`, which writes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from app.dev.simulator.calls import Call, Metered
from app.dev.simulator.directives import Directives
from app.dev.simulator.faults import Ending, Step

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Pace:
    """When tokens are due: the first after `first` seconds, then `rate` a second; rate 0 is all at once."""

    rate: float = 80.0
    first: float = 0.3

    def asked(self, directives: Directives) -> "Pace":
        rate = self.rate if directives.rate is None else directives.rate
        return Pace(rate, self.first if directives.first is None else directives.first)

    def due(self, token: int) -> float:
        """Seconds from the start to the token with this number (from 0)."""
        return self.first + (token / self.rate if self.rate else 0.0)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    too_large: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """A complete answer with a length, `delay` seconds from now."""

    status: int
    body: bytes
    headers: Headers = field(default_factory=list)
    delay: float = 0.0
    call: Call | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer in steps, at a pace; its head goes out after `delay` seconds."""

    steps: Iterator[Step]
    pace: Pace
    asked: Directives
    headers: Headers
    delay: float
    call: Call
    metered: Metered = field(default_factory=Metered)


@dataclass(frozen=True, slots=True)
class Nothing:
    """No byte at all, after `delay` seconds: the connection is closed, reset, or left open in silence."""

    ending: Ending
    delay: float
    call: Call


Reply = Whole | Stream | Nothing
