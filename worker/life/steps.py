"""What can follow in a stream's life, as plain values. Which of them does is `decide`'s."""

from __future__ import annotations

from dataclasses import dataclass

from app.stream.endings import Outcome
from worker.upstream.failure import Failure


@dataclass(frozen=True, slots=True)
class Start:
    """The first call: nothing to tell."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Another call after `wait` seconds; there is nothing to forget."""

    reason: str
    wait: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The upstream did not take the call, which therefore was none: again when the gate lets it, in `wait` seconds or
    later.
    """

    reason: str
    wait: float


@dataclass(frozen=True, slots=True)
class Restart:
    """Another call after `wait` seconds; readers forget what they have."""

    reason: str
    wait: float


@dataclass(frozen=True, slots=True)
class RunTools:
    """The turn's calls are run, and answered; then another turn follows, or none."""


@dataclass(frozen=True, slots=True)
class BeginAgain:
    """The log has lost more than can be written again, or takes no more: where does it stand?"""


@dataclass(frozen=True, slots=True)
class HandOver:
    """The stream goes back to the queue; `free` is its new number of attempts that do not count."""

    free: int


@dataclass(frozen=True, slots=True)
class Park:
    """No call of `model` may be made for `wait` seconds: the stream goes to the gate's line, to be woken by it."""

    wait: float
    model: str


@dataclass(frozen=True, slots=True)
class AwaitPerson:
    """A person is to say whether calls may run: nobody holds the stream until then."""


@dataclass(frozen=True, slots=True)
class Error:
    """In the shape of the API's. `line`: what is told in the logs of one whose message may quote an answer."""

    type: str
    message: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The stream ends. `failure` is the upstream's where that is the reason; `exhausted`: all attempts are used up."""

    outcome: Outcome
    error: Error | None = None
    failure: Failure | None = None
    exhausted: bool = False

    @property
    def why(self) -> str:
        """What went wrong; nothing where there is no error. Of the upstream's words none."""
        if self.error is None:
            return ""
        return self.failure.line if self.failure is not None else self.error.line or self.error.message


NextCall = Start | Retry | Refused | Restart
# With these the stream leaves this worker.
LastStep = End | HandOver | Park | AwaitPerson
Step = NextCall | RunTools | BeginAgain | LastStep


def failed(message: str, *, exhausted: bool = False) -> End:
    """An ending whose reason is ours, not the upstream's."""
    return End(Outcome.FAILED, Error("api_error", message), exhausted=exhausted)
